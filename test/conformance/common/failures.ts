import { expect, test } from '@jest/globals'
import { requestLine } from '../../../infra/testing/loopback-server.ts'
import { Failure } from '../../../shared/errors.ts'
import { expectFailure, timeOut } from '../../functions/helpers.ts'
import { testEach } from '../test-each.ts'
import { awsErrors } from './aws-errors.ts'
import type { Fixture } from './fixture.ts'
import type { StartedPlatform } from './options.ts'
import { isNotToken, isWrite, requestOf } from './requests.ts'

/**
 * Registers the tests of an operation whose requests fail.
 *
 * @param isFirst whether to test every error of AWS. All operations of a provider read them with the same code
 */
export function failureTests<P extends StartedPlatform>(
  fixture: Fixture<P>,
  operation: string,
  isFirst: boolean,
): void {
  const { unexpectedBodies = {} } = fixture.suite

  test.each<[string, (server: P['server']) => void]>([
    ['a 500 response', (server) => server.failNext(500, '<html><title>Error</title></html>', { times: 9 })],
    ['a broken connection', (server) => server.down()],
  ])('can be retried after %s, and repeats no request itself', async (_name, fail) => {
    const run = await fixture.prepare(operation)
    const { server } = fixture.current
    fail(server)
    const failure = await fixture.failureOf(run())
    const transient = { kind: 'platform', transient: true }
    expect(failure).toMatchObject(fixture.isUnknown(operation) ? { kind: 'unconfirmed' } : transient)
    const sent = server.calls.map((call) => `${requestOf(call)}?${call.query} ${call.text}`)
    expect(sent).toEqual([...new Set(sent)])
  })

  test.each([
    ['page', '<html>Log in</html>'],
    ['text', '"welcome"'],
  ] as const)('expects no success behind a 200 response with another %s', async (content, body) => {
    const run = await fixture.prepare(operation)
    fixture.current.server.failNext(200, body, { times: 9 })
    const [end] = (await endOf(run())).split(' ')
    expect(end).toBe(fixture.isUnknown(operation) ? 'unconfirmed' : (unexpectedBodies[content] ?? 'platform'))
  })

  test('reports how long to wait after a 429 response', async () => {
    const run = await fixture.prepare(operation)
    const headers = { 'retry-after': '7', 'x-amzn-errortype': 'TooManyRequestsException' }
    fixture.current.server.failNext(429, refusalOf(fixture, 'Slow down'), { headers, times: 9 })
    const retryAfter = fixture.provider.retryAfterUnit ? 1 : 7
    expect(await fixture.failureOf(run())).toMatchObject({ kind: 'platform', transient: true, retryAfter })
  })

  singleFailureTest(fixture, operation)
  reasonTest(fixture, operation)
  if (isFirst) awsErrorTests(fixture, operation)
}

/** Both ways in which one of several requests fails, and how the operation may end. */
const SINGLE_FAILURES: [status: number, ends: string[]][] = [
  [500, ['platform transient']],
  [200, ['platform', 'platform transient', 'refused', 'credentials']],
]

function singleFailureTest<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  const { ignored = /^$/, creates = isWrite } = fixture.suite

  test('ends with a reason if only one of its requests gets a 500 response or another text', async () => {
    await (await fixture.prepare(operation))()
    const others: string[] = []
    const count = fixture.current.server.calls.length
    // If there is only one, the other tests let it fail.
    const cases = SINGLE_FAILURES.flatMap((failure) =>
      Array.from({ length: count }, (_, index) => ({ failure, index })),
    )
    for (const {
      failure: [status, ends],
      index,
    } of count > 1 ? cases : []) {
      await fixture.restart()
      const run = await fixture.prepare(operation)
      const { server } = fixture.current
      server.failNext(status, '"welcome"', { on: () => server.calls.length > index })
      const end = await endOf(run())
      const [failed, ...later] = server.calls.slice(index)
      const isNeeded = !ignored.test(failed?.path ?? '') || later.some(creates)
      const isIgnored = !isNeeded || (status !== 500 && failed && isWrite(failed))
      const isExpected = ends.includes(end) || (end === 'unconfirmed' && fixture.isUnknown(operation))
      if (!isExpected && !(end === 'success' && isIgnored)) others.push(`${failed && requestLine(failed)}: ${end}`)
    }
    expect(others).toEqual([])
  })
}

function reasonTest<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  test('shows the reason of a refusal, with masked credentials', async () => {
    const run = await fixture.prepare(operation)
    const secrets = fixture.secrets()
    const reason = refusalOf(fixture, `no ${['such thing', ...secrets].join(' ')}`)
    fixture.current.server.failNext(400, reason, { times: 9 })
    const { kind, message } = await fixture.failureOf(run())
    expect(kind).toBe('refused')
    expect(message).toContain(`no ${['such thing', ...secrets.map(() => '***')].join(' ')}`)
  })
}

function awsErrorTests<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  const { awsError } = fixture.suite
  if (!awsError) return
  testEach(
    awsErrors,
    ({ type, status, kind }) => `reports the AWS error ${type} with the status ${status} as ${kind}`,
    async ({ type, status, kind, message, shown = message }) => {
      const run = await fixture.prepare(operation)
      const { body, headers = {} } = awsError(type, message)
      fixture.current.server.failNext(status, body, { headers, times: 9 })
      await expectFailure(run(), kind, shown)
    },
  )
}

/** Registers the test of an operation whose request gets no response. */
export function deadlineTest<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  test('fails at the deadline if the platform does not respond', async () => {
    const run = await fixture.prepare(operation)
    const { server } = fixture.current
    const deadline = 5_000
    server.holdNext(isNotToken)
    const { failure, milliseconds } = await timeOut(
      () => run({ deadline }),
      () => server.calls.some(isNotToken),
    )
    expect(failure.message).not.toMatch(fixture.suite.hidden ?? /^$/)
    expect(milliseconds).toBeLessThanOrEqual(deadline)
    const timedOut = { kind: 'timeout', transient: true }
    expect(failure).toMatchObject(fixture.isUnknown(operation) ? { kind: 'unconfirmed' } : timedOut)
  })
}

function refusalOf<P extends StartedPlatform>({ suite }: Fixture<P>, reason: string): object | string {
  return suite.refusal?.(reason) ?? { message: reason }
}

async function endOf(result: Promise<unknown>): Promise<string> {
  return result.then(
    () => 'success',
    (error) => (error instanceof Failure ? `${error.kind}${error.transient ? ' transient' : ''}` : String(error)),
  )
}
