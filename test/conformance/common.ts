import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Call, Reply, Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsOperation, requestLine } from '../../infra/sandbox/platforms/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import { secretsIn } from '../../shared/fields.ts'
import type { SentRequest } from '../../shared/http/exchange.ts'
import type { ProjectFormat } from '../../shared/providers/project.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import { redact } from '../../shared/redact.ts'
import { type ClientOptions, clientOf, expectFailure, failureOf as failureIn, timeOut } from '../functions/helpers.ts'
import { credentialsIn, INVALID_CREDENTIAL } from './credentials.ts'

/** A fake platform and its connection. */
export interface Playing {
  server: Served
  /** The secret of the connection. */
  connection: Record<string, unknown>
}

type Run = (options?: ClientOptions) => Promise<unknown>
/** Requests of a test, as lines such as `GET /me` or as parts of the calls. */
type Requests = readonly (string | object)[]
/** Changes of the connection. */
type Fields<S> = object | ((server: S) => object)

export interface CommonOptions<S extends Served = Served> {
  /** Returns the body of a 400 response that gives a reason, as the platform sends it. */
  refusal?: (reason: string) => object | string
  /** The requests of the connection test. */
  check?: Requests
  /** Other connection tests that pass: changes of the connection, the requests, and a change of the platform. */
  checks?: [connection: Fields<S>, requests: Requests, change?: (server: S) => unknown][]
  /** Connection tests that fail: a part of the reason, changes of the connection and of the platform, and the kind of failure. */
  failedChecks?: [reason: string, connection: Fields<S>, change?: (server: S) => unknown, kind?: Failure['kind']][]
  /** Matches secret parts of URLs, which no message may contain. */
  hidden?: RegExp
  /** The connection test sends a message, because the platform offers nothing to read. */
  checkWrites?: true
  /** How a successful response from something else ends, if not with a failure that can be retried. */
  unexpectedBodies?: Partial<Record<'page' | 'text', Failure['kind'] | 'success'>>
  /** Matches the paths whose response the operation does not need, unless it creates something afterwards. */
  ignored?: RegExp
  /** Returns an error as the AWS service sends it. */
  awsError?: (type: string, message: string) => Pick<Reply, 'body' | 'headers'>
  /** Optional fields of a connection with their defaults. */
  defaults?: Record<string, unknown>
  /** Fields of a connection that must be refused. */
  invalid?: readonly object[]
  /** By name: the URL of the API for fields of a connection. */
  urls?: Record<string, object>
  /** Names that the platform gives to projects, and names that would change a request. */
  projects?: { accepted: readonly string[]; refused: readonly string[] }
}

interface Suite<P extends Playing> extends CommonOptions<P['server']> {
  start(): Promise<P>
  /** The operations that send requests. Each prepares the platform and returns a function that runs the operation. */
  operations: Record<string, (playing: P) => Run | Promise<Run>>
  /** The operations that only read. */
  reads?: readonly string[]
  /** Operations with an id or a name that must stay in its place. `valid` is an id that the platform does not know. */
  ids?: Record<string, { valid: string; run(id: string, playing: P): Promise<unknown> }>
  /** Whether the operation has sent a write that cannot be found, so that its failure is not retried. */
  isUnknown?(name: string, playing: P): boolean
  /** Returns whether a request creates something. Defaults to every write. */
  creates?(call: Call): boolean
}

/** Ids that would change the path or the query of a request if they were not encoded. */
export const hostileIds = [
  'a/b',
  '..',
  '../x',
  'a/../../x',
  '/../../../../x?y=1#',
  '.',
  'a?b=c',
  'a#b',
  'a&b=c',
  '%2e%2e',
  '%2e%2e%2fx',
  'a%2Fb',
  'a\\b',
]

const HINT = 'Allow it under awsProviders in cdk.json'
const awsErrors: [type: string, status: number, kind: Failure['kind'], message: string, shown?: string][] = [
  ['Throttling', 400, 'platform', 'Rate exceeded'],
  ['ThrottlingException', 400, 'platform', 'Rate exceeded'],
  ['InternalFailure', 500, 'platform', 'It failed'],
  ['ExpiredToken', 403, 'credentials', 'The security token included in the request is expired'],
  ['ExpiredTokenException', 400, 'credentials', 'The security token included in the request is expired'],
  ['InvalidClientTokenId', 403, 'credentials', 'The security token included in the request is invalid.'],
  ['UnrecognizedClientException', 400, 'credentials', 'The security token included in the request is invalid.'],
  ['AccessDeniedException', 400, 'refused', 'User: u is not authorized to perform: a:B', HINT],
  ['InvalidParameterCombination', 400, 'refused', 'Invalid parameter: "Message" <too long>'],
]

/**
 * Registers the tests that providers of every kind must pass, and starts the platform before each test of the group: credentials
 * stay secret, failures are reported with their reason and can be retried, no request is repeated within an attempt, a dry run
 * writes nothing, and ids stay in their place.
 *
 * @returns a function that returns the platform of the current test
 */
export function commonTests<P extends Playing>(provider: Provider, suite: Suite<P>): () => P {
  const { start, operations, reads = [], ids = {}, check, checkWrites, unexpectedBodies = {}, ignored = /^$/ } = suite
  const { isUnknown = () => false, creates = isWrite, awsError, defaults, invalid = [], urls = {}, projects } = suite
  const { checks = [], failedChecks = [], hidden = /^$/ } = suite
  const refusal = suite.refusal ?? ((reason: string) => ({ message: reason }))
  let current: P
  beforeEach(async () => {
    current = await start()
  })
  afterEach(() => current.server.close())

  const valuesOf = (connection: object) => provider.connection.parse(connection)
  const secrets = () => secretsIn(provider.connection, valuesOf(current.connection))
  const failureOf = async (result: Promise<unknown>) => {
    const failure = await failureIn(result)
    expect(failure.message).not.toMatch(hidden)
    return failure
  }
  const prepare = async (name: string) => {
    const run = await operations[name]?.(current)
    if (!run) throw new Error(`No operation ${name}`)
    current.server.calls.length = 0
    return run
  }
  const endOf = async (result: Promise<unknown>): Promise<string> =>
    result.then(
      () => 'success',
      (error) => (error instanceof Failure ? `${error.kind}${error.transient ? ' transient' : ''}` : String(error)),
    )
  const names = Object.keys(operations)
  const changed = (fields: Fields<P['server']>): Record<string, unknown> => ({
    ...current.connection,
    ...(typeof fields === 'function' ? fields(current.server) : fields),
  })
  const checkWith = async (fields: Fields<P['server']> = {}, options?: ClientOptions) => {
    await provider.check(clientOf(provider, valuesOf(changed(fields)), options))
  }
  const expectSecrets = (fields: Fields<P['server']> = {}) => {
    const connection = changed(fields)
    const credentials = credentialsIn(connection).filter(({ name }) => connection[name] !== undefined)
    const declared = secretsIn(provider.connection, valuesOf(connection))
    expect(declared).toEqual(expect.arrayContaining(credentials.map(({ value }) => value)))
  }
  const expectRequests = (requests: Requests) => {
    const sent = current.server.calls.map((call, at) => (typeof requests[at] === 'object' ? call : requestLine(call)))
    expect(sent).toMatchObject(requests)
  }

  test('declares its credentials as secrets', () => expectSecrets())

  test(`the connection test accepts valid credentials and ${checkWrites ? 'sends one message' : 'writes nothing'}`, async () => {
    const written: SentRequest[] = []
    const intercept = (request: SentRequest) => void written.push(request)
    await checkWith({}, { intercept })
    if (check) expectRequests(check)
    else expect(current.server.calls).not.toEqual([])
    expect(written).toHaveLength(checkWrites ? 1 : 0)
  })

  for (const [fields, requests, change] of checks) {
    test(`the connection test with ${describeFields(fields)} ${change ? 'still ' : ''}passes`, async () => {
      await change?.(current.server)
      await checkWith(fields)
      expectRequests(requests)
      expectSecrets(fields)
    })
  }
  for (const [reason, fields, change, kind = 'refused'] of failedChecks) {
    test(`the connection test with ${describeFields(fields)} reports "${reason}"`, async () => {
      await change?.(current.server)
      const failure = await failureOf(checkWith(fields))
      expect(failure).toMatchObject({ kind, message: expect.stringContaining(reason) })
    })
  }

  test('the connection test reports that the platform cannot be reached', async () => {
    current.server.down()
    await expectFailure(checkWith(), { kind: 'platform', transient: true })
  })

  test('the connection test reports invalid credentials without showing them', async () => {
    for (const { name } of credentialsIn(current.connection)) {
      const failure = await failureOf(checkWith({ [name]: INVALID_CREDENTIAL }))
      expect(failure.kind).toBe('credentials')
      expect(failure.message).not.toContain(INVALID_CREDENTIAL)
    }
  })

  if (awsError) {
    test.each(awsErrors.filter(([, , kind]) => kind === 'credentials'))(
      'the connection test reports the AWS error %s',
      async (type, status, _kind, words) => {
        const { body, headers = {} } = awsError(type, words)
        current.server.failNext(status, body, { headers, times: 9 })
        await expectFailure(checkWith(), 'credentials', words)
      },
    )
  }

  if (!checkWrites && !awsError) {
    test('the connection test rejects the web page of another server', async () => {
      current.server.failNext(200, '<!DOCTYPE html><title>Sign in</title>', { times: 20 })
      const failure = await failureOf(checkWith())
      expect(['platform', 'credentials']).toContain(failure.kind)
      current.server.recover()
    })
  }

  if (defaults) {
    test(`a connection has the defaults ${JSON.stringify(defaults)}`, () => {
      const given = Object.entries(current.connection).filter(([name]) => !(name in defaults))
      expect(valuesOf(Object.fromEntries(given))).toMatchObject(defaults)
    })
  }
  for (const fields of invalid) {
    test(`a connection with ${JSON.stringify(fields)} is invalid`, () => {
      expect(provider.connection.safeParse({ ...current.connection, ...fields }).success).toBe(false)
    })
  }
  for (const [url, fields] of Object.entries(urls)) {
    test(`a connection with ${JSON.stringify(fields)} calls ${url}`, () => {
      const { baseUrl: _, endpoint: __, ...others } = current.connection
      expect(provider.baseUrl?.(valuesOf({ ...others, ...fields }))).toBe(url)
    })
  }
  for (const [verb, names] of Object.entries(projects ?? {})) {
    const isAccepted = verb === 'accepted'
    for (const name of names) {
      test(`${isAccepted ? 'accepts' : 'refuses'} the project ${JSON.stringify(name)}`, () => {
        const { project } = provider as { project?: ProjectFormat }
        expect(project?.pattern.test(name)).toBe(isAccepted)
      })
    }
  }

  describe.each(names)('%s', (name) => {
    test.each<[string, (server: Served) => void]>([
      ['a 500 response', (server) => server.failNext(500, '<html><title>Error</title></html>', { times: 9 })],
      ['a 503 response', (server) => server.failNext(503, '<html><title>Unavailable</title></html>', { times: 9 })],
      ['a broken connection', (server) => server.down()],
    ])('can be retried after %s, and repeats no request itself', async (_what, fail) => {
      const run = await prepare(name)
      fail(current.server)
      const failure = await failureOf(run())
      expect(failure).toMatchObject(
        isUnknown(name, current) ? { kind: 'unconfirmed' } : { kind: 'platform', transient: true },
      )
      const sent = current.server.calls.map(asText)
      expect(sent).toEqual([...new Set(sent)])
    })

    test.each([
      ['page', '<html>Log in</html>'],
      ['text', '"welcome"'],
    ] as const)('expects no success behind a 200 response with another %s', async (what, body) => {
      const run = await prepare(name)
      current.server.failNext(200, body, { times: 9 })
      const [end] = (await endOf(run())).split(' ')
      expect(end).toBe(isUnknown(name, current) ? 'unconfirmed' : (unexpectedBodies[what] ?? 'platform'))
    })

    test.each([
      ['a 500 response', 500, ['platform transient']],
      ['another text', 200, ['platform', 'platform transient', 'refused', 'credentials']],
    ])('ends with a reason if only one of its requests gets %s', async (_what, status, ends) => {
      await (await prepare(name))()
      const others: string[] = []
      for (let at = 0, count = current.server.calls.length; at < count; at++) {
        await current.server.close()
        current = await start()
        const run = await prepare(name)
        current.server.failNext(status, '"welcome"', { on: () => current.server.calls.length > at })
        const end = await endOf(run())
        const [failed, ...later] = current.server.calls.slice(at)
        const isNeeded = !ignored.test(failed?.path ?? '') || later.some(creates)
        const isIgnored = !isNeeded || (status !== 500 && failed && isWrite(failed))
        const isExpected = ends.includes(end) || (end === 'unconfirmed' && isUnknown(name, current))
        if (!isExpected && !(end === 'success' && isIgnored)) others.push(`${failed && requestLine(failed)}: ${end}`)
      }
      expect(others).toEqual([])
    })

    test('reports how long to wait after a 429 response', async () => {
      const run = await prepare(name)
      const headers = { 'retry-after': '7', 'x-amzn-errortype': 'TooManyRequestsException' }
      current.server.failNext(429, refusal('Slow down'), { headers, times: 9 })
      const retryAfter = provider.retryAfterUnit ? 1 : 7
      expect(await failureOf(run())).toMatchObject({ kind: 'platform', transient: true, retryAfter })
    })

    test('shows the reason of a refusal, with masked credentials', async () => {
      const run = await prepare(name)
      current.server.failNext(400, refusal(`no ${['such thing', ...secrets()].join(' ')}`), { times: 9 })
      const { kind, message } = await failureOf(run())
      expect(kind).toBe('refused')
      expect(message).toContain(`no ${['such thing', ...secrets().map(() => '***')].join(' ')}`)
    })

    if (awsError) {
      test.each(awsErrors)(
        'reports the AWS error %s with the status %s as %s',
        async (type, status, kind, sent, shown = sent) => {
          const run = await prepare(name)
          const { body, headers = {} } = awsError(type, sent)
          current.server.failNext(status, body, { headers, times: 9 })
          await expectFailure(run(), kind, shown)
        },
      )
    }

    test('returns a result without credentials', async () => {
      const run = await prepare(name)
      const result = JSON.stringify((await run()) ?? null)
      const sent = current.server.calls.flatMap(
        ({ headers: { authorization } }) => authorization?.split(' ').at(-1) ?? [],
      )
      for (const secret of [...secrets(), ...sent]) expect(result).not.toContain(secret)
      expect(JSON.stringify(current.server.calls)).not.toContain(process.env['AWS_SECRET_ACCESS_KEY'] ?? 'no such key')
    })

    test(`${reads.includes(name) ? 'only reads' : 'writes nothing in a dry run, which shows the write without credentials'}`, async () => {
      const run = await prepare(name)
      const intercepted: SentRequest[] = []
      const intercept = (request: SentRequest) => {
        intercepted.push(request)
        throw new Error('dry run')
      }
      const ended = await run({ intercept }).catch(({ message }: Error) => message)
      if (reads.includes(name)) {
        expect(intercepted).toEqual([])
        return
      }
      expect(ended).toBe('dry run')
      const [{ url = '', body = '', method = '', headers = {} } = {}, ...others] = intercepted
      expect(others).toEqual([])
      for (const secret of secrets()) expect(redact(`${url} ${body}`)).not.toContain(secret)
      expect(Object.keys(headers).filter((header) => /signature/i.test(header))).toEqual([])
      const rehearsed = current.server.calls.splice(0).map(requestOf)
      await run()
      // An access token may be requested only now.
      const sent = current.server.calls.filter(isNotToken).map(requestOf)
      // The dry run stops at the first write of a real run.
      expect(sent.slice(0, rehearsed.length)).toEqual(rehearsed)
      // AWS operations are shown by name.
      expect(sent[rehearsed.length]).toMatch(provider.aws ? /^[A-Z]/ : new RegExp(`^${method} `))
    })
  })

  test('fails at the deadline if the platform does not respond', async () => {
    const run = await prepare(names[0] ?? '')
    const deadline = 5_000
    current.server.holdNext(isNotToken)
    const hasArrived = () => current.server.calls.some(isNotToken)
    const { failure, milliseconds } = await timeOut(() => run({ deadline }), hasArrived)
    expect(failure.message).not.toMatch(hidden)
    expect(milliseconds).toBeLessThanOrEqual(deadline)
    expect(failure).toMatchObject(
      isUnknown(names[0] ?? '', current) ? { kind: 'unconfirmed' } : { kind: 'timeout', transient: true },
    )
  })

  if (Object.keys(ids).length > 0) {
    test.each(Object.entries(ids))(
      '%s: an id cannot change the path or the query of a request',
      async (_name, { valid, run }) => {
        const requestsFor = async (id: string) => {
          current.server.calls.length = 0
          await (async () => run(id, current))().catch((error: unknown) => {
            if (!(error instanceof Failure)) throw error
          })
          return current.server.calls.map(({ method, encodedPath, query }) => formOf(method, encodedPath, query))
        }
        const expected = await requestsFor(valid)
        expect(expected).not.toEqual([])
        for (const id of hostileIds) {
          const sent = await requestsFor(id)
          expect({ id, sent }).toEqual({ id, sent: expected.slice(0, sent.length) })
        }
      },
    )
  }

  return () => current
}

/** Returns whether a request is more than that of an access token, which calls share. */
function isNotToken({ path }: Call): boolean {
  return !path.endsWith('/token')
}

function describeFields(fields: object): string {
  if (typeof fields === 'function') return 'other credentials'
  return JSON.stringify(fields, (_name, value) => value ?? null)
}

/** Returns whether a request changes something, by its method, its AWS operation or its GraphQL document. */
export function isWrite(call: Call): boolean {
  const { query } = (call.body ?? {}) as { query?: unknown }
  if (typeof query === 'string' && /^\s*query\b/.test(query)) return false
  return call.method !== 'GET' && !/^(?:BatchGet|Get|List|Describe)/.test(awsOperation(call) ?? '')
}

/** Returns what an id must not change: the method, the number of segments of the path, and the names in the query. */
export function formOf(method: string, path: string, query: URLSearchParams): string {
  return [method, path.split('/').length, ...query.keys()].join(' ')
}

/** Returns a request as text, with the AWS operation if there is one. */
export function requestOf(call: Call): string {
  return [call.method, call.encodedPath, awsOperation(call)].filter(Boolean).join(' ')
}

function asText(call: Call): string {
  return `${requestOf(call)}?${call.query} ${call.text}`
}
