import { connect } from 'node:net'

/** A raw request. Its header lines and path are sent without encoding. */
export interface Request {
  method: string
  /** With its query. */
  path: string
  headers: [string, string][]
  body: Buffer
}

export interface Answer {
  status: number
  /** With names in lower case. */
  headers: Record<string, string>
  body: string
}

/** Longer than a webhook may take, in milliseconds. */
const TIMEOUT_MS = 35_000

/**
 * Sends a request byte for byte, which clients that know HTTP would refuse to.
 *
 * @returns the response, or undefined if the connection was closed without one
 * @throws Error if there is no response in time, or an invalid one
 */
export function send(port: number, request: Request): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('There is no answer in time')))
    socket.on('data', (chunk) => chunks.push(chunk))
    // The server may close the connection before the request is complete.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error)
    })
    socket.on('close', () => {
      try {
        resolve(chunks.length === 0 ? undefined : parse(Buffer.concat(chunks)))
      } catch (error) {
        reject(error)
      }
    })
    socket.write(bytesOf(request))
  })
}

function bytesOf({ method, path, headers, body }: Request): Buffer {
  const length = body.length > 0 || method === 'POST' ? [['content-length', String(body.length)]] : []
  const all = [['host', '127.0.0.1'], ...headers, ...length, ['connection', 'close']]
  const head = [`${method} ${path} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head), body])
}

function parse(bytes: Buffer): Answer {
  // It says first that it waits for the body.
  if (bytes.subarray(0, 12).toString('latin1') === 'HTTP/1.1 100')
    return parse(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4))
  const end = bytes.indexOf('\r\n\r\n')
  const [first = '', ...lines] = bytes.subarray(0, Math.max(0, end)).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])
  if (end < 0 || Number.isNaN(status)) throw new Error(`The response is not HTTP: ${bytes.toString('latin1', 0, 80)}`)
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const rest = bytes.subarray(end + 4)
  const body = headers['transfer-encoding'] === 'chunked' ? unchunked(rest) : rest
  return { status, headers, body: body.toString('utf8') }
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (line < 0 || !(size > 0)) break
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
  return Buffer.concat(parts)
}

/** A line for a shell that sends the same. */
export function asCurl(url: string, { method, path, headers, body }: Request): string {
  const quoted = (text: string) =>
    `$'${[...Buffer.from(text)].map((byte) => (byte > 31 && byte < 127 && byte !== 39 && byte !== 92 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join('')}'`
  const options = headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`)
  const curl = `curl -sSi --path-as-is -X ${quoted(method)} ${quoted(url + path)} ${options.join(' ')}`
  return body.length === 0 ? curl : `echo ${body.toString('base64')} | base64 -d | ${curl} --data-binary @-`
}
