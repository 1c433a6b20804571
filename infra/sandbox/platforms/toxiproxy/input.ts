import { isObject } from '../sandbox/http.ts'

/** A fault between a client and an upstream. */
export interface Toxic {
  attributes: Record<string, number>
  name: string
  type: string
  stream: 'upstream' | 'downstream'
  toxicity: number
}

export interface ToxicProxy {
  name: string
  listen: string
  upstream: string
  toxics: Toxic[]
}

/** An error response of Toxiproxy. */
export class ToxiproxyError extends Error {
  override readonly name = 'ToxiproxyError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The attributes of each type of toxic. They default to 0. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  latency: ['latency', 'jitter'],
  bandwidth: ['rate'],
  slow_close: ['delay'],
  timeout: ['timeout'],
  slicer: ['average_size', 'size_variation', 'delay'],
  limit_data: ['bytes'],
  reset_peer: ['timeout'],
}

/** @throws ToxiproxyError */
export function readToxic(text: string): Toxic {
  const body = parse(text)
  const type = field(body, 'type', 'string', '')
  const stream = field(body, 'stream', 'string', 'downstream')
  const toxicity = field(body, 'toxicity', 'number', 1)
  if (stream !== 'upstream' && stream !== 'downstream') {
    throw new ToxiproxyError(400, 'stream was invalid, can be either upstream or downstream')
  }
  const known = Object.hasOwn(ATTRIBUTES, type) ? ATTRIBUTES[type] : undefined
  if (!known) throw new ToxiproxyError(400, 'invalid toxic type')
  const name = field(body, 'name', 'string', '') || `${type}_${stream}`
  return { attributes: readAttributes(body, known), name, type, stream, toxicity }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badBody('it is not JSON')
  }
}

function readAttributes(body: unknown, names: readonly string[]): Toxic['attributes'] {
  const given = isObject(body) ? (body['attributes'] ?? {}) : {}
  if (!isObject(given)) throw badBody(`json: cannot unmarshal ${goKind(given)} into attributes`)
  const read = names.map((name) => {
    const number = field(given, name, 'number', 0)
    if (!Number.isSafeInteger(number)) throw wrongType(number, name, 'int64')
    return [name, number] as const
  })
  return Object.fromEntries(read)
}

interface Kinds {
  string: string
  number: number
}

/** Reads a field as Go does: a missing or null field keeps its value, a field of another type is an error. */
function field<K extends keyof Kinds>(body: unknown, name: string, kind: K, otherwise: Kinds[K]): Kinds[K] {
  if (!isObject(body)) throw wrongType(body, '', 'an object')
  const value = body[name] ?? otherwise
  if (typeof value === kind) return value as Kinds[K]
  throw wrongType(value, name, kind)
}

function wrongType(value: unknown, name: string, type: string): ToxiproxyError {
  return badBody(`json: cannot unmarshal ${goKind(value)} into Go struct field .${name} of type ${type}`)
}

function badBody(why: string): ToxiproxyError {
  return new ToxiproxyError(400, `bad request body: ${why}`)
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' ? `number ${value}` : typeof value
}
