/** Response of the receiver to a webhook call. */
export interface ReceiverResponse {
  status: number
  body: string
}

/** The call failed: there was no response, or the command is not an HTTP request. */
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

/** Returns the HTTP request that curl would send. */
export function parseCurl(argv: readonly string[]): HttpRequest {
  const args: Record<'method' | 'header' | 'data' | 'url' | 'ignored', string[]> = {
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
      args[option].push(argv[at] ?? '')
    } else if (!arg.startsWith('-')) args.url.push(arg)
  }
  const [url, ...more] = args.url
  if (url === undefined) throw new CallFailedError('the command has no URL')
  if (more.length > 0) throw new CallFailedError(`the command has more than one URL: ${args.url.join(' ')}`)
  const headers = args.header.map((header): [string, string] => {
    const colon = header.indexOf(':')
    return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()]
  })
  const typed = headers.some(([name]) => name.toLowerCase() === 'content-type')
  const hasBody = args.data.length > 0
  if (hasBody && !typed) headers.push(['Content-Type', 'application/x-www-form-urlencoded'])
  return {
    method: args.method.at(-1) ?? (hasBody ? 'POST' : 'GET'),
    url,
    headers,
    ...(hasBody ? { body: args.data.join('&') } : {}),
  }
}

/** Start of the paths of this project's API. */
const receiverPath = /\/v1\/[^/?#]+\//

/** Moves a URL of this project's API to another base URL. A webhook.yaml cannot contain a loopback URL itself. */
export function rebase(url: string, baseUrl: string): string {
  const path = receiverPath.exec(url)
  return path ? baseUrl.replace(/\/+$/, '') + url.slice(path.index) : url
}

/**
 * Sends the request of a curl command like webhook-service: without retries, redirects and a timeout.
 *
 * @throws CallFailedError if there is no HTTP response
 */
export async function callReceiver(request: HttpRequest, signal?: AbortSignal): Promise<ReceiverResponse> {
  const { method, url, headers, body } = request
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new CallFailedError(`a ${method} request with a payload is not supported`)
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
    throw new CallFailedError(`no response from ${URL.parse(url)?.origin ?? url}: ${reason}`, { cause: error })
  }
}
