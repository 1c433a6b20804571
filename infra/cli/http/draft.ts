import type { ProviderKind } from '../../../shared/providers/provider.ts'
import { isRecord } from '../../../shared/record.ts'
import { isCredential } from '../../../shared/redact.ts'
import { UsageError } from '../receiver.ts'
import { identifier } from './hints.ts'

/** The first draft of a connection, and what to know of it. */
export interface Draft {
  values: Record<string, unknown>
  /** For the credentials that it needs and does not have. */
  placeholders: Record<string, unknown>
  notes: string[]
}

/** A request of a connection. */
export type DraftRequest = Record<string, unknown> & { path: string }

interface Kind {
  /** The request that a draft describes unless another one is named. */
  main: string
  requests: string[]
  /** The expressions for properties whose names say what they are, by those names. */
  inputs: Record<string, string[]>
  /** The expressions for variable parts of a path. */
  parts: Record<string, string[]>
  /** What else the connection needs: a guess by convention. */
  rest(request: DraftRequest): Record<string, unknown>
}

const OF_ONE = ['get', 'update', 'comment', 'hasComment', 'close', 'look', 'stop']

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

/** What every draft is made with. */
export interface DraftOptions {
  kind: ProviderKind
  /** The name of the provider: `http`. */
  provider: string
  /** The request of the connection; that which creates something if undefined. */
  request: string | undefined
  /** Fields that are known already: a second request is added to them. */
  known: Record<string, unknown>
}

/**
 * Which request of a connection a draft describes.
 *
 * @throws UsageError
 */
export function requestName({ kind, request }: DraftOptions): string {
  const { main, requests } = kindOf(kind)
  if (request === undefined) return main
  if (requests.includes(request)) return request
  throw new UsageError(`--request must be one of ${requests.join(', ')}.`)
}

/** A connection with a request, and with what else it needs. */
export function draftOf(
  options: DraftOptions,
  request: DraftRequest,
  connection: Record<string, unknown>,
  guessed: Record<string, unknown> = {},
): Record<string, unknown> {
  const { kind: providerKind, provider, known } = options
  const name = requestName(options)
  const kind = kindOf(providerKind)
  const rest = name === kind.main ? { ...kind.rest(request), ...guessed } : {}
  const check = name === kind.main && !request.path.includes('{') ? { check: { path: request.path } } : {}
  return { provider, ...connection, ...check, ...rest, ...known, [name]: request }
}

/** Where an API is, and the path below it: after `/api` or a version, as in `/api/v2`. */
export function splitUrl({ origin, pathname }: URL, baseUrl: unknown): { baseUrl: string; path: string } {
  if (typeof baseUrl === 'string') {
    const base = baseUrl.replace(/\/$/, '')
    const whole = `${origin}${pathname}`
    if (whole !== base && !whole.startsWith(`${base}/`))
      throw new UsageError(`The URL must be below baseUrl of the connection, which is ${base}.`)
    return { baseUrl, path: plainPath(whole.slice(base.length)) }
  }
  const parts = pathname.split('/').filter(Boolean)
  const at = parts.findLastIndex((part) => /^(?:api|rest|v\d+(?:\.\d+)?)$/i.test(part)) + 1
  const below = at === parts.length ? 0 : at
  return { baseUrl: [origin, ...parts.slice(0, below)].join('/'), path: plainPath(parts.slice(below).join('/')) }
}

/** A path has no encoded parts, since each value is encoded when it is sent. */
function plainPath(path: string): string {
  return path.replace(/^\//, '')
}

/** The path with the id of one ticket or run as a variable part. */
export function withId(path: string, name: string): string {
  if (!OF_ONE.includes(name)) return path
  const parts = path.split('/')
  const at = parts.findLastIndex((part) => /\d/.test(part))
  return at < 0 ? path : parts.with(at, '{input.id}').join('/')
}

/**
 * The expression for a variable part of a path; undefined if its name says nothing.
 *
 * @param isLast whether no other follows in the path
 */
export function partOf(shape: ProviderKind, request: string, name: string, isLast: boolean): string | undefined {
  if (isLast && OF_ONE.includes(request) && kindOf(shape).requests.includes('find')) return 'input.id'
  const plain = name.toLowerCase().replace(/[-_]/g, '')
  const found = Object.entries(kindOf(shape).parts).find(([, names]) => names.some((one) => plain.includes(one)))
  return found?.[0]
}

/** Whether a request changes nothing: without a body, it is a GET unless it says otherwise. */
export function isReading(request: string): boolean {
  return ['find', 'get', 'hasComment', 'look', 'measure', 'check'].includes(request)
}

/** Writes values as expressions, with the input where a name says what it is. */
export class ExpressionWriter {
  readonly notes: string[] = []
  readonly #inputs: Map<string, string>

  constructor({ kind }: DraftOptions) {
    const pairs = Object.entries(kindOf(kind).inputs).flatMap(([input, names]) =>
      names.map((name): [string, string] => [name, input]),
    )
    this.#inputs = new Map(pairs)
  }

  /** Whether a property of this name is taken from the input. */
  hasInput(name: string): boolean {
    return this.#inputs.has(name.toLowerCase())
  }

  /** @param where the field of the connection, for notes: `open.body` */
  value(value: unknown, where: string, name?: string): string {
    const input = name === undefined ? undefined : this.#inputs.get(name.toLowerCase())
    if (input !== undefined && fits(input, value)) {
      this.notes.push(`${where}: ${name} is ${input}, instead of the value of the example.`)
      return input
    }
    if (name !== undefined && isCredential(name) && typeof value === 'string') {
      this.notes.push(`${where}: ${name} looks like a credential, which an expression does not keep secret.`)
      return literal(`<${name}>`)
    }
    if (Array.isArray(value) && value.length > 0) return `[${value.map((one) => this.value(one, where)).join(', ')}]`
    if (!isRecord(value) || Object.keys(value).length === 0) return literal(value)
    const fields = Object.entries(value).map(
      ([field, held]) => `${identifier(field)}: ${this.value(held, `${where}`, field)}`,
    )
    return `{${fields.join(', ')}}`
  }

  /** Each value of an object by itself, as a query has them. */
  values(values: Iterable<[string, unknown]>, where: string): Record<string, string> {
    return Object.fromEntries([...values].map(([name, value]) => [name, this.value(value, where, name)]))
  }
}

/** A title is not taken from a number, and parameters are an object. */
function fits(input: string, value: unknown): boolean {
  if (input === 'input.parameters') return isRecord(value)
  if (input === 'input.on') return typeof value === 'boolean'
  if (input === 'input.percentage') return typeof value === 'number'
  return typeof value === 'string'
}

/** A value as JMESPath writes it. */
export function literal(value: unknown): string {
  if (typeof value === 'string' && !value.includes('\\')) return `'${value.replaceAll("'", "\\'")}'`
  return `\`${JSON.stringify(value ?? null).replaceAll('`', '\\`')}\``
}

/** The connection with a placeholder for each credential. */
export function withPlaceholders(values: Record<string, unknown>): Record<string, unknown> {
  const shown = Object.entries(values).map(([name, value]): [string, unknown] => {
    if (name === 'token' || name === 'password') return [name, `<${name}>`]
    if (!isRecord(value) || (name !== 'headers' && name !== 'secretHeaders')) return [name, value]
    const headers = Object.entries(value).map(([header, held]) => [
      header,
      name === 'secretHeaders' || isCredential(header) ? `<${header}>` : held,
    ])
    return [name, Object.fromEntries(headers)]
  })
  return Object.fromEntries(shown)
}

function kindOf(shape: ProviderKind): Kind {
  const kind = kinds[shape]
  if (!kind) throw new Error(`There are no connections of the provider http for ${shape}.`)
  return kind
}
