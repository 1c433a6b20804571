import { categories } from '../../functions/index.ts'
import { actionNames } from '../../shared/providers/category.ts'
import type { Random } from '../prove/random.ts'
import { CONTENT_TYPES, FIELD_NAMES, HOSTILE_VALUES, METHODS, QUERIES } from './hostile-values.ts'
import type { Request } from './wire.ts'

type Json = Record<string, unknown>

/** Shortens durations, so that tasks end soon. */
const shortDeadline = 'deadline=PT2S'

/**
 * A request that is a little, or very much, unlike the one that it was made of.
 *
 * @param canary a URL that must not be called
 */
export function mutated(random: Random, seed: Request, canary: string): Request {
  let request = withOwnConnection(random, seed)
  const changes = random.chance(0.6) ? 1 : random.integer(2, 4)
  for (let left = changes; left > 0; left--) request = random.pick(mutations)(random, request, canary)
  if (request.path.includes('mode=interactive') && !request.path.includes('deadline='))
    request = { ...request, path: `${request.path}&${shortDeadline}` }
  return request
}

type Mutation = (random: Random, request: Request, canary: string) => Request

const mutations: Mutation[] = [
  ...Array<Mutation>(5).fill(changeFields),
  changeBytes,
  changeBody,
  changePath,
  changeQuery,
  changeQuery,
  changeHeaders,
  changeMethod,
]

/** The examples name connections that are not there; most calls are to go further than that. */
function withOwnConnection(random: Random, request: Request): Request {
  if (random.chance(0.1)) return request
  return { ...request, path: request.path.replace(/([?&])connection=[^&]*&?/, '$1') }
}

function changeFields(random: Random, request: Request, canary: string): Request {
  // Avoids even deeper or wider values.
  if (request.body.length > 4_000) return request
  const body = fieldsOf(request)
  for (let left = random.integer(1, 3); left > 0; left--) changeOne(random, body, canary)
  if (random.chance(0.6)) return withBody(request, 'application/json', JSON.stringify(body))
  return withBody(request, 'application/x-www-form-urlencoded', new URLSearchParams(pairsOf(body)).toString())
}

function fieldsOf({ body }: Request): Json {
  const text = body.toString('utf8')
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : { value }
  } catch {
    return nested(new URLSearchParams(text))
  }
}

/** Converts `a.b=c` to objects as the parser of the product does, but with any names. */
function nested(pairs: Iterable<[string, string]>): Json {
  const found: Json = {}
  for (const [name, value] of pairs) {
    const path = name.split('.')
    let holder = found
    for (const part of path.slice(0, -1)) {
      const next = Object.hasOwn(holder, part) ? holder[part] : undefined
      const record = (typeof next === 'object' && next !== null ? next : {}) as Json
      define(holder, part, record)
      holder = record
    }
    define(holder, path.at(-1) ?? '', value)
  }
  return found
}

/** Also where the name is one that an assignment would take for something else. */
function define(holder: Json, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
}

function changeOne(random: Random, body: Json, canary: string): void {
  let holder = body
  let keys = Object.keys(holder)
  while (keys.length > 0 && random.chance(0.7)) {
    const inner = holder[random.pick(keys)]
    if (typeof inner !== 'object' || inner === null) break
    holder = inner as Json
    keys = Object.keys(holder)
  }
  const known = keys.length > 0 && random.chance(0.7)
  const name = known ? random.pick(keys) : random.pick(FIELD_NAMES)
  if (known && random.chance(0.2)) delete holder[name]
  else define(holder, name, hostileValue(random, canary))
}

function hostileValue(random: Random, canary: string): unknown {
  const text = random.pick(HOSTILE_VALUES)
  const kinds: (() => unknown)[] = [
    () => text,
    () => text,
    () => `${random.pick(HOSTILE_VALUES)}${random.pick(HOSTILE_VALUES)}`,
    () => text.repeat(random.pick([10, 300, 5_000])).slice(0, 100_000),
    () => `${canary}${random.pick(['', 'x', '#', '?', '@'])}`,
    () => random.pick([null, true, false, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, [], {}]),
    () => ({ toString: random.pick(HOSTILE_VALUES), valueOf: text }),
    () => Array.from({ length: random.integer(1, 60) }, () => random.pick(HOSTILE_VALUES)),
    () => ({ [random.pick(FIELD_NAMES)]: { [random.pick(FIELD_NAMES)]: random.pick(HOSTILE_VALUES) } }),
    () => deep(random.pick([5, 31, 33, 200])),
  ]
  return random.pick(kinds)()
}

function deep(levels: number): unknown {
  let value: unknown = 'end'
  for (let left = levels; left > 0; left--) value = left % 2 === 0 ? [value] : { a: value }
  return value
}

function* pairsOf(value: unknown, prefix = ''): Generator<[string, string]> {
  if (typeof value !== 'object' || value === null) return yield [prefix, String(value)]
  for (const [name, held] of Object.entries(value))
    yield* pairsOf(held, Array.isArray(value) ? prefix : prefix === '' ? name : `${prefix}.${name}`)
}

function changeBytes(random: Random, request: Request): Request {
  const bytes = [...request.body.subarray(0, 20_000)]
  for (let left = random.integer(1, 8); left > 0; left--) {
    const at = random.integer(0, bytes.length)
    const kinds = [
      () => bytes.splice(at, 1, random.integer(0, 255)),
      () => bytes.splice(at, random.integer(1, 20)),
      () => bytes.splice(at, 0, ...Buffer.from(random.pick(HOSTILE_VALUES))),
      () => bytes.splice(at, 0, 0xff, 0xfe, 0xc3),
      () => bytes.splice(at, 0, ...bytes.slice(at, at + random.integer(1, 50))),
      () => bytes.splice(at),
    ]
    random.pick(kinds)()
  }
  return { ...request, body: Buffer.from(bytes) }
}

function changeBody(random: Random, request: Request): Request {
  const size = random.pick([100, 5_000, 60_000, 120_000])
  const bodies = [
    () => '',
    () => '['.repeat(size),
    () => `${'['.repeat(size)}${']'.repeat(size)}`,
    () => `${'{"a":'.repeat(size / 5)}1${'}'.repeat(size / 5)}`,
    () => JSON.stringify(Object.fromEntries(Array.from({ length: size / 20 }, (_, n) => [`k${n}`, n]))),
    () => `{"input":{"title":"${'a'.repeat(size)}"}}`,
    () => `{"input":{"title":"${'\\u0000'.repeat(size / 6)}"}}`,
    () => `{"id":1${'0'.repeat(size)}}`,
    () => '{"__proto__":{"polluted":true},"input":{"constructor":{"prototype":{"polluted":true}}}}',
    () => '{"input":{"title":"a","title":"b"}}',
    () => Array.from({ length: size / 20 }, (_, n) => `input.k${n}=${n}`).join('&'),
    () => `input.${'a.'.repeat(size / 2)}a=1`,
    () => 'data.labels.a=1&data.labels=2',
    () => `id=${'%f0%9f%9a%80'.repeat(size / 12)}`,
    () => 'x'.repeat(300_000),
    () => random.pick(['null', '1', '"text"', '[]', 'true', '\ufeff{}', '{', '}', '{"a"', "{'a':1}", '<xml/>']),
  ]
  return withBody(request, random.pick(CONTENT_TYPES), random.pick(bodies)())
}

function changePath(random: Random, request: Request): Request {
  const [path = '', query] = request.path.split('?', 2)
  const parts = path.split('/')
  const category = random.pick<(typeof categories)[number]>(categories)
  const encoded = () => encodeURIComponent(random.pick(HOSTILE_VALUES).toWellFormed())
  const paths = [
    () => `/v1/${category.name}/${random.pick(actionNames(category))}`,
    () => `/v1/${category.name}/tasks/${encoded()}`,
    () => `/v1/${category.name}/${encoded()}`,
    () => `/v1/${encoded()}/${random.pick(actionNames(category))}`,
    () => `${path}/${encoded()}`,
    () => `${path}/../../${category.name}/tasks`,
    () => path.replaceAll('/', '//'),
    () => path.replace(/[aeiou]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    () =>
      `/v1/notification/${random.pick(['slack', 'mattermost', 'discord', 'telegram', 'approvals', 'approvals/', 'approvals/a/b'])}`,
    () => `/v1/notification/approvals/${encoded()}`,
    () => parts.with(-1, `${parts.at(-1)}${random.pick(['', '.', ';a=b', '%20', '%0d%0ax:y', '%'])}`).join('/'),
    () => `/v1/${category.name}/tasks/${'a'.repeat(random.pick([40, 5_000]))}`,
    () => random.pick(['/v1', '/v1/', '/', '//', '/v2/slo', '/v1/nothing/x']),
  ]
  const changed = random.pick(paths)()
  return { ...request, path: query === undefined ? changed : `${changed}?${query}` }
}

function changeQuery(random: Random, request: Request): Request {
  const added = random.chance(0.8) ? random.pick(QUERIES) : `${random.pick(FIELD_NAMES)}=${random.pick(HOSTILE_VALUES)}`
  const safe = added.replace(/[^\x21-\x7e]/g, (sign) => encodeURIComponent(sign.toWellFormed()))
  return { ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}${safe}` }
}

function changeHeaders(random: Random, request: Request): Request {
  const { headers } = request
  const without = (name: string) => headers.filter(([known]) => known.toLowerCase() !== name)
  const kinds: (() => [string, string][])[] = [
    () => without('authorization'),
    () => [...without('authorization'), ['Authorization', `Bearer ${random.pick(HOSTILE_VALUES)}`]],
    () => [...without('authorization'), ['Authorization', random.pick(['Basic eDp4', 'Bearer', 'Bearer  ', 'x'])]],
    () => [...without('authorization'), ['X-Token', random.pick(HOSTILE_VALUES)]],
    () => [...headers, ['Authorization', 'Bearer another']],
    () => [...without('content-type'), ['Content-Type', random.pick(CONTENT_TYPES)]],
    () => without('content-type'),
    () => [...headers, ['X-Fuzz', random.pick(HOSTILE_VALUES)]],
    () => [...headers, [random.pick(['__proto__', 'constructor', 'x y', '']), 'x']],
    () => [...headers, ['X-Long', 'a'.repeat(random.pick([1_000, 20_000]))]],
    () => [...headers, ['X-Forwarded-Proto', 'javascript'], ['X-Forwarded-Port', '99999999']],
    () => [...headers, ['Accept', 'text/html'], ['Accept-Encoding', 'gzip'], ['Expect', '100-continue']],
    () => [...headers, ['Cookie', random.pick(HOSTILE_VALUES)], ['X-HTTP-Method-Override', 'DELETE']],
  ]
  return { ...request, headers: random.pick(kinds)() }
}

function changeMethod(random: Random, request: Request): Request {
  return { ...request, method: random.pick(METHODS) }
}

function withBody(request: Request, type: string, text: string): Request {
  const headers = request.headers.filter(([name]) => name.toLowerCase() !== 'content-type')
  return { ...request, headers: [...headers, ['Content-Type', type]], body: Buffer.from(text) }
}
