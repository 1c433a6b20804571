/** What a receiver answered to a webhook call. */
export interface Answer {
  status: number
  body: string
}

/** The call itself failed: no connection, or a command that is no HTTP request. */
export class CallFailedError extends Error {
  override readonly name = 'CallFailedError'
}

interface HttpRequest {
  method: string
  url: string
  headers: [name: string, value: string][]
  body?: string
}

const withValue: Record<string, 'method' | 'header' | 'data' | 'url' | 'ignored'> = {
  '--request': 'method',
  '-X': 'method',
  '--header': 'header',
  '-H': 'header',
  '--data': 'data',
  '-d': 'data',
  '--data-ascii': 'data',
  '--data-binary': 'data',
  '--data-raw': 'data',
  '--url': 'url',
  '--connect-timeout': 'ignored',
  '--max-time': 'ignored',
  '-m': 'ignored',
  '--proxy': 'ignored',
  '-x': 'ignored',
  '--retry': 'ignored',
  '--retry-delay': 'ignored',
  '--retry-max-time': 'ignored',
}

/** The HTTP request that curl makes of its arguments. */
export function parseCurl(argv: readonly string[]): HttpRequest {
  const given: Record<'method' | 'header' | 'data' | 'url' | 'ignored', string[]> = {
    method: [],
    header: [],
    data: [],
    url: [],
    ignored: [],
  }
  for (let at = 1; at < argv.length; at += 1) {
    const arg = argv[at] ?? ''
    const option = withValue[arg]
    if (option) {
      at += 1
      given[option].push(argv[at] ?? '')
    } else if (!arg.startsWith('-')) given.url.push(arg)
  }
  const [url, ...more] = given.url
  if (url === undefined) throw new CallFailedError('the command has no URL')
  if (more.length > 0) throw new CallFailedError(`the command has more than one URL: ${given.url.join(' ')}`)
  const headers = given.header.map((header): [string, string] => {
    const colon = header.indexOf(':')
    return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()]
  })
  const typed = headers.some(([name]) => name.toLowerCase() === 'content-type')
  const hasBody = given.data.length > 0
  if (hasBody && !typed) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
  return {
    method: given.method.at(-1) ?? (hasBody ? 'POST' : 'GET'),
    url,
    headers,
    ...(hasBody ? { body: given.data.join('&') } : {}),
  }
}

/** Where our receiver's paths begin. */
const receiverPath = /\/v1\/[^/?#]+\//

/** A URL of our receiver moved to the one that is played against: webhook-service takes no loopback host in a webhook.yaml. */
export function rebase(url: string, baseUrl: string): string {
  const path = receiverPath.exec(url)
  return path ? baseUrl.replace(/\/+$/, '') + url.slice(path.index) : url
}

/**
 * Makes the call of a curl command as webhook-service does: no retry, no redirect followed, no time-out of its own
 * (protocol section 1).
 * @throws CallFailedError where there is no HTTP answer
 */
export async function callReceiver(request: HttpRequest, signal?: AbortSignal): Promise<Answer> {
  const { method, url, headers, body } = request
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new CallFailedError(`a ${method} request with a payload cannot be played`)
  }
  try {
    const answer = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    })
    return { status: answer.status, body: await answer.text() }
  } catch (error) {
    if (signal?.aborted) throw error
    const { cause = error } = error as { cause?: unknown }
    const { code, message } = cause as { code?: string; message?: string }
    const reason = code ?? message ?? String(cause)
    throw new CallFailedError(`no answer from ${URL.parse(url)?.origin ?? url}: ${reason}`, { cause: error })
  }
}
