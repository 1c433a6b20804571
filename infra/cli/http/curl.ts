import { parseArgs } from 'node:util'
import { isRecord } from '../../../shared/record.ts'
import { shellWords } from '../../project/shell-words.ts'
import { UsageError } from '../../project/usage-error.ts'

/** The request that a curl command would send. */
export interface CurlRequest {
  method: string
  url: URL
  /** Without credentials and headers that the client sets itself, such as Content-Type. */
  headers: Record<string, string>
  credentials: { token?: string; username?: string; password?: string }
  body?: { json: unknown } | { form: Record<string, string> } | { text: string }
}

const OPTIONS = {
  request: { type: 'string', short: 'X' },
  header: { type: 'string', short: 'H' },
  data: { type: 'string', short: 'd' },
  'data-raw': { type: 'string' },
  'data-binary': { type: 'string' },
  'data-urlencode': { type: 'string' },
  json: { type: 'string' },
  user: { type: 'string', short: 'u' },
  url: { type: 'string' },
  get: { type: 'boolean', short: 'G' },
  // The rest changes what curl prints, not what it sends.
  silent: { type: 'boolean', short: 's' },
  'show-error': { type: 'boolean', short: 'S' },
  verbose: { type: 'boolean', short: 'v' },
  include: { type: 'boolean', short: 'i' },
  fail: { type: 'boolean', short: 'f' },
  'fail-with-body': { type: 'boolean' },
  compressed: { type: 'boolean' },
  location: { type: 'boolean', short: 'L' },
  'progress-bar': { type: 'boolean', short: '#' },
} as const
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/i
const FORM_TYPE = /^application\/x-www-form-urlencoded\b/i

/**
 * Parses a curl command.
 *
 * @throws UsageError for an unsupported option. The message quotes no values of the command.
 */
export function parseCurl(text: string, environment: NodeJS.ProcessEnv): CurlRequest {
  const [program, ...words] = shellWords(text, environment)
  if (program !== 'curl') throw new UsageError('The command must start with curl.')
  const options = optionsOf(words)
  const valuesOf = (name: string) => options.filter((option) => option.name === name).map(({ value }) => value)
  const urls = valuesOf('url')
  if (urls.length !== 1) throw new UsageError(`The curl command must have one URL. It has ${urls.length}.`)
  const url = urlOf(urls[0] ?? '')
  const headers = valuesOf('header').map(headerOf)
  const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  const isJson = options.some(({ name }) => name === 'json')
  const data = dataOf(options)
  const inQuery = valuesOf('get').length > 0
  if (inQuery) for (const [name, value] of new URLSearchParams(data)) url.searchParams.append(name, value)
  const method = valuesOf('request').at(-1)?.toUpperCase() ?? (data === undefined || inQuery ? 'GET' : 'POST')
  if (!METHODS.includes(method))
    throw new UsageError(`The method of the curl command must be one of ${METHODS.join(', ')}.`)
  return {
    method,
    url,
    headers: Object.fromEntries(headers.filter(([name, value]) => !isImplied(name, value))),
    credentials: credentialsOf(headers, valuesOf('user').at(-1), url),
    ...(data === undefined || inQuery ? {} : { body: bodyOf(data, isJson ? 'application/json' : type) }),
  }
}

interface Option {
  name: string
  value: string
}

function optionsOf(words: string[]): Option[] {
  // Not strict: a value may start with a hyphen, and the errors of a strict parser quote values.
  const { tokens } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true, strict: false, tokens: true })
  return tokens.flatMap((token): Option[] => {
    if (token.kind === 'positional') return [{ name: 'url', value: token.value }]
    if (token.kind === 'option-terminator') return []
    const { name, rawName, value = '' } = token
    if (!Object.hasOwn(OPTIONS, name))
      throw new UsageError(`The curl option ${rawName} is not supported. Remove it, or write the connection by hand.`)
    if (OPTIONS[name as keyof typeof OPTIONS].type === 'string' && token.value === undefined)
      throw new UsageError(`The curl option ${rawName} needs a value.`)
    return [{ name, value }]
  })
}

function urlOf(text: string): URL {
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new UsageError('The URL of the curl command must use http or https.')
}

function headerOf(text: string): [string, string] {
  const index = text.indexOf(':')
  if (index < 1) throw new UsageError('The curl option --header must be written as "Name: value".')
  return [text.slice(0, index).trim(), text.slice(index + 1).trim()]
}

/** Returns whether the http provider sets a header itself. */
function isImplied(name: string, value: string): boolean {
  const lower = name.toLowerCase()
  if (lower === 'authorization') return /^(?:Bearer|Basic) /i.test(value)
  if (lower === 'accept') return value === '*/*' || JSON_TYPE.test(value)
  return ['content-type', 'content-length', 'host', 'user-agent'].includes(lower)
}

function credentialsOf(
  headers: [string, string][],
  user: string | undefined,
  { username, password }: URL,
): CurlRequest['credentials'] {
  const authorization = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? ''
  const [, token] = /^Bearer +(.+)$/i.exec(authorization) ?? []
  if (token !== undefined) return { token }
  const [, basic] = /^Basic +(.+)$/i.exec(authorization) ?? []
  const inUrl = username === '' ? undefined : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const pair = basic === undefined ? (user ?? inUrl) : Buffer.from(basic, 'base64').toString('utf8')
  if (pair === undefined) return {}
  const index = pair.indexOf(':')
  if (index < 0) throw new UsageError('The curl option --user has no password. Write it as user:password.')
  return { username: pair.slice(0, index), password: pair.slice(index + 1) }
}

/** Joins all data, as curl does. */
function dataOf(options: Option[]): string | undefined {
  let data: string | undefined
  for (const { name, value } of options) {
    if (!/^(?:data|json)/.test(name)) continue
    if (name === 'data-urlencode' ? /^[^=]*@/.test(value) : name !== 'data-raw' && value.startsWith('@'))
      throw new UsageError(`The curl option --${name} reads a file. Replace it with the content of the file.`)
    const part = name === 'data-urlencode' ? encoded(value) : value
    data = data === undefined ? part : `${data}${name === 'json' ? '' : '&'}${part}`
  }
  return data
}

function encoded(text: string): string {
  const index = text.indexOf('=')
  const content = encodeURIComponent(text.slice(index + 1))
  return index < 1 ? content : `${text.slice(0, index)}=${content}`
}

function bodyOf(data: string, type: string | undefined): NonNullable<CurlRequest['body']> {
  const json = parsed(data)
  if (type !== undefined && JSON_TYPE.test(type)) {
    if (json === undefined)
      throw new UsageError('The data of the curl command is not JSON, although its Content-Type is JSON.')
    return { json: json.value }
  }
  if (type === undefined && json && isRecord(json.value)) return { json: json.value }
  if (type === undefined || FORM_TYPE.test(type)) return { form: Object.fromEntries(new URLSearchParams(data)) }
  return { text: data }
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
