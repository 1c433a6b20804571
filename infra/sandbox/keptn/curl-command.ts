import { hostNameOf, UrlError } from './go-url.ts'
import { toBytes } from './template/bytes.ts'
import { sprintf } from './template/sprintf.ts'
import type { ConfiguredRequest } from './webhook-config.ts'

/** webhook-service rejects the command. The message is the one of webhook-service. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

const deniedCharacters = ['$', '|', ';', '>', '$(', ' &', '&&', '`', '/var/run']
const deniedOptions = ['-o', '--output', '-F', '--form', '-T', '--upload-file', '-K', '--config']
/** The default deny list of Keptn's installer, in its order. */
const DENIED_URLS = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'svc.cluster.local',
  'cluster.local',
  'localhost',
  '127.0.0.1',
  '::1',
]
/** Linux rejects longer arguments (MAX_ARG_STRLEN, which includes the final NUL). */
const MAX_ARGUMENT_BYTES = 131_071
const required = '--fail-with-body'

/**
 * Builds the curl line of a request before the template is rendered. Each part is added by a Sprintf whose format is the line so
 * far, so a percent sign in a payload breaks the rest of the line.
 *
 * @throws RefusedError for a URL that cannot be parsed or that leads into the cluster. Host names are not resolved.
 */
export function buildLine(request: string | ConfiguredRequest): string {
  if (typeof request === 'string') {
    // Searches the entire command, including its body.
    refuseDenied(request.replaceAll('\\', ''))
    return request
  }
  checkUrl(request.url)
  let line = request.method === '' ? '' : sprintf('curl --request %s', [request.method])
  for (const { key, value } of request.headers) line = sprintf(`${line} --header '%s: %s'`, [key, value])
  if (request.payload !== '') line = sprintf(`${line} --data '%s'`, [request.payload])
  if (request.options !== '') line = sprintf(`${line} %s`, [request.options])
  return sprintf(`${line} %s`, [request.url])
}

/** Checks the URL. Keptn parses it before it renders the template, so host and port cannot be templates. */
function checkUrl(url: string): void {
  if (url === '') throw new RefusedError('curl command contains empty URL')
  try {
    if (hostNameOf(url) === '') throw new RefusedError('lookup : no such host')
  } catch (error) {
    if (error instanceof UrlError) throw new RefusedError(error.message, { cause: error })
    throw error
  }
  refuseDenied(url)
}

function refuseDenied(text: string): void {
  const denied = DENIED_URLS.find((url) => text.includes(url))
  if (denied !== undefined) throw new RefusedError(`curl command contains denied URL '${denied}'`)
}

/**
 * Returns the arguments that webhook-service passes to curl for a rendered line.
 *
 * @throws RefusedError with its text, for a denied character or option, an open quote, another program than curl, or an
 * argument that is too long for the operating system
 */
export function toArgv(line: string): string[] {
  if (line === '') throw new RefusedError('no command provided')
  const character = deniedCharacters.find((denied) => line.includes(denied))
  if (character !== undefined) throw new RefusedError(`curl command contains denied character '${character}'`)
  const argv = split(line)
  if (line.split(' ')[0] !== 'curl') throw new RefusedError('only curl commands are allowed to be executed')
  argv.forEach((arg, at) => {
    const option = deniedOptions.find((denied) => arg.startsWith(denied))
    if (option !== undefined) throw new RefusedError(`curl command contains invalid option '${option}'`)
    if (arg !== '--data' && arg !== '-d') return
    const data = argv[at + 1]
    // webhook-service reads past the end and panics. This is the message in its log.
    if (data === undefined)
      throw new RefusedError(`runtime error: index out of range [${at + 1}] with length ${argv.length}`)
    if (data.startsWith('@')) throw new RefusedError('file uploads using @ in --data is not allowed')
  })
  if (argv.some((arg) => Buffer.byteLength(arg) > MAX_ARGUMENT_BYTES)) {
    throw new RefusedError('error during curl request execution: fork/exec /usr/bin/curl: argument list too long')
  }
  return argv.includes(required) ? argv : [...argv, required]
}

/** Splits a line byte by byte, as webhook-service does: each byte of a non-ASCII character becomes a character. */
function split(line: string): string[] {
  const args: string[] = []
  let current = ''
  let quote = ''
  let inWord = false
  // The first character is always literal.
  let literal = true
  for (const character of toBytes(line).toString('latin1')) {
    if (quote !== '') {
      if (character !== quote) current += character
      else {
        args.push(current)
        current = ''
        quote = ''
        inWord = false
      }
    } else if (literal) {
      current += character
      literal = false
    } else if (character === '\\') literal = true
    else if (character === '"' || character === "'") quote = character
    else if (character !== ' ' && character !== '\t') {
      current += character
      inWord = true
    } else if (inWord) {
      args.push(current)
      current = ''
      inWord = false
    }
  }
  if (quote !== '') throw new RefusedError('could not parse curl command')
  return [...args, current].filter((arg) => arg !== '')
}
