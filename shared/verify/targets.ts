import { invokeFunction } from '../aws/lambda.ts'
import { isRecord } from '../record.ts'
import { sleep } from '../sleep.ts'
import type { ApiResponse, VerifiedApi } from './check.ts'

/** A webhook ends after 28 s, and API Gateway after 29 s. */
const REQUEST_TIMEOUT_MS = 30_000
const POLL_INTERVAL_MS = 1_000
/** The task takes a second or two. */
const TASK_TIMEOUT_MS = 60_000

type Send = VerifiedApi['send']

/** Returns the API behind its public URL. */
export function publicApi(url: string, token: string): VerifiedApi {
  return withPolls(async (method, path) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const response = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` }, signal })
    return { status: response.status, body: parse(await response.text()) }
  })
}

/**
 * Returns the API of one version of a webhook, which it invokes as API Gateway does. The public URL may still lead to the previous
 * version.
 *
 * @param version `<name of the function>:<number>`
 */
export function webhookVersion(version: string, token: string): VerifiedApi {
  return withPolls(async (method, path) => {
    const result = await invokeFunction(version, proxyEvent(method, path, token), REQUEST_TIMEOUT_MS)
    return { status: Number(result['statusCode']), body: parse(String(result['body'])) }
  })
}

/** Returns the parts of API Gateway's event that webhooks read. */
function proxyEvent(method: string, target: string, token: string): object {
  const { pathname: path, searchParams } = new URL(target, 'https://localhost')
  const query = Object.fromEntries(searchParams)
  return {
    httpMethod: method,
    path,
    headers: { authorization: `Bearer ${token}` },
    queryStringParameters: query,
    multiValueQueryStringParameters: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value]])),
    body: null,
    isBase64Encoded: false,
    // For the URL of the task, which is not used: the same version returns its status.
    requestContext: { domainName: 'localhost', path },
  }
}

function withPolls(send: Send): VerifiedApi {
  return { send, waitForTask: (path) => poll(send, path) }
}

async function poll(send: Send, path: string): Promise<ApiResponse> {
  const endsAt = performance.now() + TASK_TIMEOUT_MS
  for (;;) {
    const response = await send('GET', path)
    if (!isRecord(response.body) || response.body['state'] !== 'running') return response
    if (performance.now() > endsAt) throw new Error(`The task has not ended after ${TASK_TIMEOUT_MS / 1_000} s.`)
    await sleep(POLL_INTERVAL_MS)
  }
}

/** A proxy may answer with a web page. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { detail: 'The response is not JSON.' }
  }
}
