import type { ProviderKind } from '../../../shared/providers/provider.ts'
import { isRecord } from '../../../shared/record.ts'
import { isCredential } from '../../../shared/redact.ts'
import { UsageError } from '../../project/usage-error.ts'
import { isCredentialValue, isRandom } from './credential-literals.ts'
import { identifier } from './hints.ts'

/** First draft of a connection. */
export interface Draft {
  values: Record<string, unknown>
  /** Placeholders for missing credentials. */
  placeholders: Record<string, unknown>
  /** Messages about what to complete. */
  notes: string[]
}

/** A request of a connection. */
export type DraftRequest = Record<string, unknown> & { path: string }

interface Kind {
  /** The default request of a draft. */
  main: string
  requests: string[]
  /** Input expression -> names of the properties that get its value. */
  inputs: Record<string, string[]>
  /** Input expression -> names of the path parameters that get its value. */
  parts: Record<string, string[]>
  /** Guesses the other required fields of the connection by convention. */
  rest(request: DraftRequest): Record<string, unknown>
}

/** Requests about an existing item, whose path contains an id. */
const ITEM_REQUESTS = ['get', 'update', 'comment', 'hasComment', 'close', 'look', 'stop']

const kinds: Partial<Record<ProviderKind, Kind>> = {
  ticket: {
    main: 'open',
    requests: ['open', 'find', 'get', 'update', 'comment', 'hasComment', 'close', 'check'],
    inputs: {
      'input.title': ['title', 'summary', 'subject', 'short_description'],
      'input.description': ['description', 'body', 'details', 'content'],
    },
    parts: { 'input.project': ['project', 'queue', 'space', 'workspace', 'repo'] },
    rest: ({ path }) => ({
      get: { path: `${path}/{input.id}` },
      ticket: { id: 'response.id', state: 'response.state', closed: "response.state=='closed'" },
    }),
  },
  job: {
    main: 'start',
    requests: ['start', 'find', 'look', 'stop', 'check'],
    inputs: { 'input.parameters': ['parameters', 'inputs', 'variables', 'arguments'], 'input.ref': ['ref', 'branch'] },
    parts: { 'input.target': ['job', 'workflow', 'pipeline', 'name'] },
    rest: ({ path }) => ({
      look: { path: `${path}/{input.id}` },
      run: { id: 'response.id', state: 'response.state' },
      states: { queued: 'running', running: 'running', succeeded: 'pass', failed: 'fail', cancelled: 'aborted' },
    }),
  },
  flag: {
    main: 'set',
    requests: ['set', 'get', 'check'],
    inputs: { 'input.on': ['enabled', 'on', 'active'], 'input.percentage': ['percentage', 'rollout'] },
    parts: { 'input.flag': ['flag', 'feature', 'key', 'name'], 'input.environment': ['environment', 'env'] },
    rest: ({ path }) => ({ get: { path }, flag: { on: 'response.enabled' } }),
  },
  message: {
    main: 'post',
    requests: ['post', 'check'],
    inputs: { 'message.title': ['title', 'subject'], 'message.text': ['text', 'body', 'content', 'message'] },
    parts: {},
    rest: () => ({ posted: { id: 'response.id' } }),
  },
  evaluation: {
    main: 'measure',
    requests: ['measure', 'check'],
    inputs: { query: ['query', 'q', 'metric'], start: ['start', 'from'], end: ['end', 'to'] },
    parts: { query: ['query', 'metric'] },
    rest: () => ({ indicator: { value: 'response.value' } }),
  },
}

export interface DraftOptions {
  kind: ProviderKind
  provider: string
  /** Name of the request in the connection. Defaults to the main request of the kind. */
  request: string | undefined
  /** Existing fields of the connection. The request is added to them. */
  known: Record<string, unknown>
}

/**
 * Returns the name of the request that a draft describes.
 *
 * @throws UsageError
 */
export function requestName({ kind, request }: DraftOptions): string {
  const { main, requests } = kindOf(kind)
  if (request === undefined) return main
  if (requests.includes(request)) return request
  throw new UsageError(`--request must be one of ${requests.join(', ')}.`)
}

/** Builds a connection from a request. Guesses the other required fields. */
export function draftOf(
  options: DraftOptions,
  request: DraftRequest,
  connection: Record<string, unknown>,
  { guessed = {}, secrets = {} }: { guessed?: Record<string, unknown>; secrets?: Record<string, string> } = {},
): Record<string, unknown> {
  const { kind: providerKind, provider, known } = options
  const name = requestName(options)
  const kind = kindOf(providerKind)
  const rest = name === kind.main ? { ...kind.rest(request), ...guessed } : {}
  const check = name === kind.main && !request.path.includes('{') ? { check: { path: request.path } } : {}
  const named = Object.keys(secrets).length > 0 ? { secrets } : {}
  return { provider, ...connection, ...named, ...check, ...rest, ...known, ...named, [name]: request }
}

/** Splits a URL into the base URL, which ends with `/api` or a version, and the path below it. */
export function splitUrl({ origin, pathname }: URL, baseUrl: unknown): { baseUrl: string; path: string } {
  if (typeof baseUrl === 'string') {
    const base = baseUrl.replace(/\/$/, '')
    const url = `${origin}${pathname}`
    if (url !== base && !url.startsWith(`${base}/`))
      throw new UsageError(`The URL must start with the baseUrl of the connection, ${base}.`)
    return { baseUrl, path: withoutLeadingSlash(url.slice(base.length)) }
  }
  const parts = pathname.split('/').filter(Boolean)
  const index = parts.findLastIndex((part) => /^(?:api|rest|v\d+(?:\.\d+)?)$/i.test(part)) + 1
  const below = index === parts.length ? 0 : index
  return {
    baseUrl: [origin, ...parts.slice(0, below)].join('/'),
    path: withoutLeadingSlash(parts.slice(below).join('/')),
  }
}

function withoutLeadingSlash(path: string): string {
  return path.replace(/^\//, '')
}

/** Replaces the id of a ticket or run in the path with an expression. */
export function withId(path: string, name: string): string {
  if (!ITEM_REQUESTS.includes(name)) return path
  const parts = path.split('/')
  const index = parts.findLastIndex((part) => /\d/.test(part))
  return index < 0 ? path : parts.with(index, '{input.id}').join('/')
}

/**
 * Returns the expression for a path parameter; undefined if its name is not known.
 *
 * @param isLast whether it is the last parameter of the path
 */
export function partOf(kind: ProviderKind, request: string, name: string, isLast: boolean): string | undefined {
  if (isLast && ITEM_REQUESTS.includes(request) && kindOf(kind).requests.includes('find')) return 'input.id'
  const plain = name.toLowerCase().replace(/[-_]/g, '')
  const found = Object.entries(kindOf(kind).parts).find(([, names]) => names.some((name) => plain.includes(name)))
  return found?.[0]
}

/** Returns whether a request only reads. Without a body, such a request defaults to GET. */
export function isReading(request: string): boolean {
  return ['find', 'get', 'hasComment', 'look', 'measure', 'check'].includes(request)
}

/** Converts values to expressions. A property with a known name gets the value of an input field. */
export class ExpressionWriter {
  readonly notes: string[] = []
  /** The credentials of the connection that expressions read, by name. */
  readonly secrets: Record<string, string>
  readonly #inputs: Map<string, string>

  constructor({ kind, known }: DraftOptions) {
    this.secrets = { ...(known['secrets'] as Record<string, string> | undefined) }
    const pairs = Object.entries(kindOf(kind).inputs).flatMap(([input, names]) =>
      names.map((name): [string, string] => [name, input]),
    )
    this.#inputs = new Map(pairs)
  }

  /** Returns whether a property of this name gets the value of an input field. */
  hasInput(name: string): boolean {
    return this.#inputs.has(name.toLowerCase())
  }

  /** @param where the field of the connection, for notes: `open.body` */
  value(value: unknown, where: string, name?: string): string {
    const input = name === undefined ? undefined : this.#inputs.get(name.toLowerCase())
    if (input !== undefined && fits(input, value)) {
      this.notes.push(`${where}: ${name} gets ${input} instead of the value in the example.`)
      return input
    }
    if (typeof value === 'string' && isCredentialValue(value, name)) return this.secret(value, where, name ?? 'secret')
    if (Array.isArray(value) && value.length > 0) return `[${value.map((item) => this.value(item, where)).join(', ')}]`
    if (!isRecord(value) || Object.keys(value).length === 0) return literal(value)
    const fields = Object.entries(value).map(
      ([field, held]) => `${identifier(field)}: ${this.value(held, `${where}`, field)}`,
    )
    return `{${fields.join(', ')}}`
  }

  /** Adds a credential to the secrets of the connection. Returns the expression that reads it. */
  secret(value: string, where: string, name: string): string {
    const plain = name
      .replace(/\W/g, '_')
      .replace(/^(?=\d)/, '_')
      .slice(0, 60)
    let id = plain
    for (let count = 2; !isSame(this.secrets[id], value); count++) id = `${plain}_${count}`
    if (!isPlaceholder(value) || this.secrets[id] === undefined) this.secrets[id] = value
    this.notes.push(`${where}: ${name} is a credential, so the expression reads secrets.${id}.`)
    return `secrets.${id}`
  }

  /** Replaces each part of a path that is a credential, such as that after `bot` in a URL of Telegram. */
  path(path: string, where: string): string {
    const parts = path.split('/').map((part) => {
      if (part.startsWith('{') || !isRandom(part)) return part
      const [, prefix = '', value = part] = /^(bot)(?=\d)(.*)$/.exec(part) ?? []
      return `${prefix}{${this.secret(decodeURIComponent(value), where, 'path')}}`
    })
    return parts.join('/')
  }

  /** Each value of an object by itself, as a query has them. */
  values(values: Iterable<[string, unknown]>, where: string): Record<string, string> {
    return Object.fromEntries([...values].map(([name, value]) => [name, this.value(value, where, name)]))
  }
}

function isSame(stored: string | undefined, value: string): boolean {
  return stored === undefined || stored === value || isPlaceholder(stored) || isPlaceholder(value)
}

function isPlaceholder(value: string): boolean {
  return /^<.*>$/.test(value)
}

/** Returns whether a sample value has the type of the input field. */
function fits(input: string, value: unknown): boolean {
  if (input === 'input.parameters') return isRecord(value)
  if (input === 'input.on') return typeof value === 'boolean'
  if (input === 'input.percentage') return typeof value === 'number'
  return typeof value === 'string'
}

/** Formats a value as a JMESPath literal. */
export function literal(value: unknown): string {
  if (typeof value === 'string' && !value.includes('\\')) return `'${value.replaceAll("'", "\\'")}'`
  return `\`${JSON.stringify(value ?? null).replaceAll('`', '\\`')}\``
}

/** Replaces each credential of the connection with a placeholder. */
export function withPlaceholders(values: Record<string, unknown>): Record<string, unknown> {
  const shown = Object.entries(values).map(([name, value]): [string, unknown] => {
    if (name === 'token' || name === 'password') return [name, `<${name}>`]
    if (!isRecord(value) || !['headers', 'secretHeaders', 'secrets'].includes(name)) return [name, value]
    const entries = Object.entries(value).map(([key, held]) => [
      key,
      name !== 'headers' || isCredential(key) ? `<${key}>` : held,
    ])
    return [name, Object.fromEntries(entries)]
  })
  return Object.fromEntries(shown)
}

function kindOf(providerKind: ProviderKind): Kind {
  const kind = kinds[providerKind]
  if (!kind) throw new Error(`The http provider does not support the kind ${providerKind}.`)
  return kind
}
