import { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { waitForAll } from '../wait-for-all.ts'
import '../functions/aws.ts'
import { categories } from '../../functions/index.ts'
import { type Served, serve } from '../../infra/testing/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import type { Category } from '../../shared/providers/category.ts'
import { connectionSchema } from '../../shared/providers/connections.ts'
import { platforms } from '../conformance/platforms.ts'
import { type DrivenCall, driveProvider } from './drive.ts'

// No input may send a request to another host than that of the connection.

let platform: Served
let canary: Served
/** Has no secret `people`, which approvals read. */
let secrets: Served
/** Hosts and ports that this process connected to. */
const connected = new Set<string>()
const { connect } = Socket.prototype

beforeAll(async () => {
  canary = await serve(() => ({ status: 200, body: {} }))
  secrets = await serve(() => ({ status: 400, body: { __type: 'ResourceNotFoundException' } }))
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = secrets.url
  platform = await serve(({ method, path }) => respond(method, path))
  jest.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    const [first] = (Array.isArray(args[0]) ? args[0] : args) as [{ host?: string; port?: number }]
    connected.add(`${first.host ?? 'localhost'}:${first.port}`)
    return Reflect.apply(connect, this, args)
  } as typeof connect)
})
afterAll(async () => {
  jest.restoreAllMocks()
  await platform.close()
  await canary.close()
  await secrets.close()
})
beforeEach(() => {
  connected.clear()
  bugs.clear()
  platform.calls.length = 0
})

/** Returns a response that suits many platforms. Its links point to another host. */
function respond(method: string, path: string) {
  const { url } = canary
  const thing = {
    id: 1,
    number: 1,
    key: 'OPS-1',
    name: 'x',
    status: 'open',
    state: 'open',
    self: url,
    url,
    html_url: url,
  }
  // Locust waits for seconds if its page does not show that it is ready.
  if (/^\/below\/?$/.test(path)) return { status: 200, body: '<script>{"state": "ready"}</script>' }
  if (method === 'GET' && /s$|search|list/.test(path)) return { status: 200, body: [thing] }
  return { status: method === 'POST' ? 201 : 200, body: thing, headers: { location: `${url}/other` } }
}

/** A URL parser may treat these as parent folders. */
const outside = ['..', '../../x', 'a/../../../x', '..%2f..%2fx', '%2e%2e/%2e%2e/x', '..\\..\\x', '/x', '.']

/** These may add a header if it is not encoded. */
const lines = ['a\r\nx-injected: yes', 'a\nx-injected: yes\n', '\u0000', 'ü🚀\u2028']

/** A URL parser may treat these as hosts. */
function values(): string[] {
  const { host, href } = new URL(canary.url)
  const hosts = [href, `//${host}/x`, `\\\\${host}`, host, `@${host}/`, `x@${host}`, `..//${host}`, `?${href}#`]
  return [...hosts, ...outside, ...lines]
}

/** Values with the text for different schemas. */
function forms(text: string): unknown[] {
  return [
    text,
    [text],
    { toString: text, valueOf: text },
    { url: text, host: text },
    [{ name: 'a', query: text }],
    [{ metric: text, op: '<', value: 1 }],
  ]
}

const secret = 'a-token-of-thirty-two-characters'
/** A connection may call only paths below it. */
const home = () => `${platform.url}/below`
/** Fields of connections of which `platforms` has none. Each provider gets those in its schema. */
const fields = (url: string): Record<string, unknown> => ({
  baseUrl: url,
  endpoint: url,
  region: 'eu-west-1',
  project: 'shop',
  dataDelay: 0,
  token: secret,
  password: secret,
  apiKey: secret,
  applicationKey: secret,
  // Generic APIs with inputs in paths.
  start: { path: 'jobs/{input.target}', body: '{ref: key}' },
  look: { path: 'jobs/{input.id}' },
  stop: { method: 'DELETE', path: 'jobs/{input.id}' },
  run: { id: 'response.id', state: 'response.state' },
  states: { open: 'running' },
  measure: { path: 'series', query: { q: 'query' } },
  indicator: { value: 'response.value' },
})

/** An object that cannot be converted to text. */
const noText = { toString: 'x', valueOf: 'x' }
const ofObjects = {
  evaluation: { score: noText, result: noText, timeStart: noText, timeEnd: noText, indicatorResults: [noText] },
  problem: { ProblemTitle: noText, ProblemID: noText, ProblemURL: noText, State: noText },
  test: { start: noText, end: noText, result: noText },
  deployment: { deploymentURIsPublic: [noText], deploymentstrategy: noText },
  configurationChange: { values: { image: noText } },
}
const evaluation = { score: 92, result: 'pass', indicatorResults: [], timeStart: '2026-11-24T10:00:00Z' }
/** Valid values for the other fields of an input. */
const inputs: Record<string, unknown> = {
  id: '1',
  title: 'T',
  target: 'x',
  flag: 'f',
  state: 'on',
  question: 'q?',
  timeframe: '5m',
  flags: [{ flag: 'f', state: 'on' }],
  queries: [{ name: 'a', query: 'up' }],
  slo: 'a',
  thresholds: [{ metric: 'a', op: '<', value: 1 }],
}
/** Providers with special formats. */
const special: Record<string, { connection?: (url: string) => object; input?: object | ((url: string) => object) }> = {
  autocannon: { connection: (url) => ({ allow: [`${url}/`] }), input: (url) => ({ target: `${url}/` }) },
  'new-relic': { connection: () => ({ account: 1 }) },
  'google-cloud-monitoring': {
    connection: () => ({ project: 'acme-shop' }),
    input: { slo: 'checkout/availability', queries: [{ name: 'a', query: 'checkout/availability' }] },
  },
}

/** The built-in load generator sends requests only when it is polled. Its own tests check the hosts. */
const SENDS_LATER = 'load-testing/autocannon'

interface Row {
  category: Category
  provider: string
  action: string
}

/** Each action of each provider. */
const rows: Row[] = (
  await waitForAll(
    (categories as readonly Category[]).flatMap((category) =>
      Object.entries(category.providers).map(async ([provider, load]) => {
        const { kind } = await load()
        const supported = Object.keys(category.actions).filter((action) => category.actions[action]?.kind === kind)
        return supported.map((action) => ({ category, provider, action }))
      }),
    ),
  )
).flat()

/** Returns a function that runs an action with values by field name, and those of the conformance tests. */
async function runnerOf(
  { category, provider, action }: Row,
  sample: Sample,
): Promise<(more: Partial<DrivenCall>) => Promise<unknown>> {
  const schema = connectionSchema((await category.providers[provider]?.()) as never, category)
  const { connection, input } = special[`${category.name}/${provider}`] ?? special[provider] ?? {}
  const own = Object.entries({
    ...(sample.connection ?? fields(home())),
    ...connection?.(home()),
  }).filter(
    ([name, value]) =>
      Object.hasOwn(schema.shape, name) && (schema.shape[name] as typeof schema).safeParse(value).success,
  )
  const run = driveProvider(category.name, provider, Object.fromEntries(own))
  const fieldSchemas = fieldsOf(category.actions[action])
  const { id, ...others } = inputs
  const fixed = typeof input === 'function' ? input(home()) : input
  // A report needs no existing object.
  const byName = { ...others, ...(action === 'push-report' ? {} : { id }), ...sample.input }
  const all = Object.entries({ ...(action === sample.action ? sample.input : byName), ...fixed })
  const base = Object.fromEntries(all.filter(([name, value]) => fieldSchemas[name]?.safeParse(value).success))
  return (more) => run({ action, data: { evaluation, ...more.data }, input: { ...base, ...more.input } })
}

interface Sample {
  action?: string
  connection?: object
  input?: object
}

const samples = new Map<string, Promise<Sample>>()

/** Returns a connection and an input that the provider accepts. The connection leads to the platform of this test. */
async function sampleOf(row: Row): Promise<Sample> {
  const key = `${row.category.name}/${row.provider}`
  const found = samples.get(key) ?? readSample(row)
  samples.set(key, found)
  const sample = await found
  connected.clear()
  return sample
}

async function readSample({ category, provider }: Row): Promise<Sample> {
  // The connections to HTTP APIs differ by category.
  const isSame = (name: string) => provider !== 'http' && name.endsWith(`/${provider}`)
  const name = [`${category.name}/${provider}`, ...Object.keys(platforms).filter(isSame)].find(
    (one) => one in platforms,
  )
  const platform = platforms[name ?? '']
  if (!platform) return {}
  const { server, connection, input } = await platform.start()
  await server.close()
  const { action } = platform
  return { action, connection: JSON.parse(JSON.stringify(connection).replaceAll(server.url, home())), input }
}

type Field = { safeParse(value: unknown): { success: boolean } }
function fieldsOf(action: { input: { shape: object } } | undefined): Record<string, Field> {
  return (action?.input.shape ?? {}) as Record<string, Field>
}

/** Unexpected errors. */
const bugs = new Set<string>()

/** Runs an action for at most a second. Most fail, because the responses fit no platform; only the hosts matter. */
async function attempt(run: Promise<unknown>): Promise<void> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), 1_000)
  const late = new Promise((resolve) => timeout.signal.addEventListener('abort', resolve))
  const caught = run.catch((error: Error) => {
    // Errors of the schema and of the test driver.
    const isExpected =
      error instanceof Failure ||
      /Zod/.test(error.name) ||
      /^(It ended with|The job has not ended) /.test(error.message)
    if (!isExpected) bugs.add(`${error.name}: ${error.message}`)
  })
  await Promise.race([caught, late])
  clearTimeout(timer)
}

/** The code that had all values, by provider. */
const tested = new Map<unknown, Set<string>>()

/**
 * Returns the values for an action. Several categories have the same provider, and actions that differ in their summary only:
 * two values show that they run the code that had all of them.
 */
async function valuesFor({ category, provider, action }: Row, { connection }: Sample): Promise<string[]> {
  const loaded = await category.providers[provider]?.()
  const { run, input } = category.actions[action] ?? {}
  // The connections to HTTP APIs are code, too.
  const code = `${JSON.stringify(connection)} ${Object.keys(input?.shape ?? {})} ${run}`
  const codes = tested.get(loaded) ?? new Set()
  tested.set(loaded, codes)
  const [host = '', ...others] = values()
  const isTested = codes.has(code)
  codes.add(code)
  return isTested ? [host, '../../x'] : [host, ...others]
}

/** Some actions reject all these values before they send a request. */
const sending = new Set<string>()

describe('An input cannot change the host or the path, or add a header', () => {
  const named = rows.map((row) => [`${row.category.name}: ${row.provider}, ${row.action}`, row] as const)
  test.each(named)('%s', async (_name, row) => {
    const { category, provider, action } = row
    const sample = await sampleOf(row)
    const run = await runnerOf(row, sample)
    await attempt(run({}))
    await attempt(run({ data: ofObjects }))
    for (const text of await valuesFor(row, sample)) {
      for (const [field, schema] of Object.entries(fieldsOf(category.actions[action]))) {
        for (const form of forms(text)
          .filter((one) => schema.safeParse(one).success)
          .slice(0, 3))
          await attempt(run({ input: { [field]: form } }))
      }
      const data = { project: text, stage: text, service: text, labels: { a: text }, problem: { ProblemURL: text } }
      await attempt(run({ data }))
    }
    const known = [platform, secrets].map(({ url }) => new URL(url).host)
    expect([...connected].filter((one) => !known.includes(one))).toEqual([])
    expect(canary.calls).toEqual([])
    expect([...bugs]).toEqual([])
    expect(platform.calls.filter(({ headers }) => 'x-injected' in headers)).toEqual([])
    const paths = platform.calls.map(({ path }) => path)
    expect([...new Set(paths)].filter((path) => !path.startsWith('/below'))).toEqual([])
    if (paths.length > 0) sending.add(`${category.name}/${provider}`)
  })

  // Without requests, the tests would prove nothing.
  test('Each provider sends requests', () => {
    const all = categories.flatMap(({ name, providers }) => Object.keys(providers).map((one) => `${name}/${one}`))
    expect(all.filter((one) => !sending.has(one))).toEqual([SENDS_LATER])
  })
})
