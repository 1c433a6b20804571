import '../aws.ts'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { awsCodeBuild } from '../../../functions/ci-cd/providers/aws-codebuild.ts'
import { type CodeBuildServer, startCodeBuild } from '../../../infra/platforms/aws-codebuild.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { Pipeline } from './pipeline.ts'

let server: CodeBuildServer
beforeEach(async () => {
  server = await startCodeBuild()
})
afterEach(() => server.close())

const shop = { target: 'shop-build' }
const id = 'shop-build:12345678-90ab-cdef-1234-000000000001'
const url =
  'https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/123456789012/projects/shop-build/build/shop-build%3A12345678-90ab-cdef-1234-000000000001/?region=eu-west-1'

const connected = (fields: object = {}) =>
  new Pipeline(awsCodeBuild, () => ({ endpoint: server.url, region: 'eu-west-1', ...fields }))
const starts = () => server.operations().filter((operation) => operation === 'StartBuild')
const build = () => {
  const found = server.state.builds.at(-1)
  if (!found) throw new Error('There is no build')
  return found
}
const variables = () =>
  Object.fromEntries(build().environment.environmentVariables.map(({ name, value }) => [name, value]))

describe('AWS CodeBuild: connection', () => {
  test('the check reads an unknown build of its project', async () => {
    await awsCodeBuild.check(connected(shop).client())
    expect(server.calls.map(({ body }) => body)).toEqual([{ ids: ['shop-build:00000000-0000-0000-0000-000000000000'] }])
  })

  test('a missing permission is reported if the connection has a project', async () => {
    server.state.denied = ['BatchGetBuilds']
    expect(await failureOf(awsCodeBuild.check(connected(shop).client()))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Allow it under awsProviders in cdk.json'),
    })
    await awsCodeBuild.check(connected().client())
  })

  test('unknown credentials are reported', async () => {
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    expect(await failureOf(awsCodeBuild.check(connected().client()))).toMatchObject({ kind: 'credentials' })
  })

  test('contains no secrets', () => {
    expect(secretsIn(awsCodeBuild.connection, { region: 'eu-west-1', roleArn: 'a', externalId: 'b' })).toEqual([])
  })
})

describe('AWS CodeBuild: start', () => {
  test('starts a build and returns at once', async () => {
    const { outcome } = await connected().start(shop)
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started build ${id}`,
      data: { id, url, state: 'started' },
      links: { [`aws-codebuild ${id}`]: url },
    })
  })

  test('sends version and variables, and the key as one of them', async () => {
    await connected(shop).start({ ref: 'v1.2', parameters: { STAGE: 'prod', REPLICAS: 3, TAGS: ['a'] } })
    expect(build().sourceVersion).toBe('v1.2')
    expect(variables()).toEqual({
      STAGE: 'prod',
      REPLICAS: '3',
      TAGS: '["a"]',
      CLOUD_AUTOMATION_WEBHOOKS_KEY: keyOf(1),
    })
  })

  test('sends no key if the call has none', async () => {
    for (const _ of [1, 2]) await connected().start(shop, { key: undefined })
    expect(server.state.builds).toHaveLength(2)
    expect(variables()).toEqual({ STAGE: 'dev' })
  })

  test.each([
    ['input.project', { project: 'shop' }, 'input.project is not supported'],
    ['an invalid project name', { target: 'a/b' }, 'input.target must be a project name'],
    [
      'an invalid variable name',
      { parameters: { 'a-b': 'x' } },
      'input.parameters.a-b is not a valid name of an environment variable',
    ],
    [
      'the variable of the idempotency key',
      { parameters: { CLOUD_AUTOMATION_WEBHOOKS_KEY: 'x' } },
      'is reserved for the idempotency key',
    ],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(connected().start({ ...shop, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each(['CODEBUILD_SRC_DIR', 'AWS_ENDPOINT_URL_S3', 'BASH_FUNC_npm', 'PATH'])(
    'rejects the variable %s unless the connection allows it',
    async (name) => {
      const input = { ...shop, parameters: { [name]: 'x' } }
      const failure = await failureOf(connected().start(input))
      expect(failure).toMatchObject({ kind: 'refused', errors: [{ path: `input.parameters.${name}` }] })
      expect(server.calls).toEqual([])
      expect((await connected({ allowParameters: [name] }).start(input)).outcome).toMatchObject({ result: 'pass' })
    },
  )

  test('reports the reason that AWS gives', async () => {
    for (const [input, words] of [
      [{ target: 'nope' }, 'ResourceNotFoundException to ListBuildsForProject: The provided project'],
      [{ ref: 'nope' }, 'InvalidInputException to StartBuild: Invalid source version: nope'],
    ] as const) {
      const failure = await failureOf(connected().start({ ...shop, ...input }))
      expect(failure).toMatchObject({ kind: 'refused', status: 422 })
      expect(failure.message).toContain(`AWS CodeBuild answered ${words}`)
    }
    server.state.denied = ['StartBuild']
    expect((await failureOf(connected().start(shop))).message).toContain(
      'not authorized to perform: codebuild:StartBuild',
    )
  })

  test('is transient if the queue is full or AWS throttles', async () => {
    server.state.maxQueued = 0
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, mayHaveWritten: false })
    server.failNext(
      400,
      { __type: 'ThrottlingException', message: 'Rate exceeded' },
      { headers: { 'retry-after': '7' } },
    )
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, retryAfter: 7 })
  })
})

describe('AWS CodeBuild: start with a lost response', () => {
  test('may have started a build if the response cannot be read', async () => {
    server.failNext(200, { build: { id, startTime: '2026-11-27T10:00:00Z' } }, { on: 'StartBuild', done: true })
    const failure = await failureOf(connected().start(shop))
    expect(failure).toMatchObject({ kind: 'platform', mayHaveWritten: true })
    expect(failure.message).toBe('AWS CodeBuild answered 200 to StartBuild with a body that cannot be read.')
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.builds).toHaveLength(1)
  })

  test('a retry finds the build by its key, regardless of its age', async () => {
    server.loseNext('StartBuild')
    expect(await failureOf(connected().start(shop))).toMatchObject({ transient: true, mayHaveWritten: true })
    server.state.tokens.clear()
    const { outcome } = await connected().start(shop, { isRetry: true })
    expect(outcome.data).toMatchObject({ id, url })
    expect(starts()).toHaveLength(1)
  })

  test('a retry finds a build that is not yet listed', async () => {
    server.loseNext('StartBuild')
    await failureOf(connected().start(shop))
    server.state.listsLate = 1
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.builds).toHaveLength(1)
  })

  test('a retry finds a build beyond the first page', async () => {
    await connected().start(shop)
    server.state.maxQueued = 1_000
    server.state.tokens.clear()
    for (let other = 2; other < 202; other++) await connected().start(shop, { key: keyOf(other) })
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
  })

  test('a retry starts a build if only other calls have builds', async () => {
    await connected().start(shop, { key: keyOf(2) })
    await connected().start({ target: 'cart-build' })
    server.failNext(500, { __type: 'InternalFailure' }, { on: 'StartBuild' })
    await failureOf(connected().start(shop))
    server.state.tokens.clear()
    await connected().start(shop, { isRetry: true })
    expect(server.state.builds.map(({ projectName }) => projectName)).toEqual([
      'shop-build',
      'cart-build',
      'shop-build',
    ])
  })

  test('is transient while AWS is down', async () => {
    server.down()
    expect(await failureOf(connected().start(shop))).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(503, '<html><title>Unavailable</title></html>')
    expect(await failureOf(connected().start(shop))).toMatchObject({ kind: 'platform', transient: true })
  })
})

describe('AWS CodeBuild: second delivery of an event', () => {
  test('finds the build after it has ended', async () => {
    await connected().start(shop)
    server.end('SUCCEEDED')
    expect((await connected().start(shop)).outcome.data).toMatchObject({ id })
    expect(starts()).toHaveLength(1)
  })
})

describe('AWS CodeBuild: build', () => {
  test('keeps running and reports its phase', async () => {
    const started = await connected().start(shop)
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'IN_PROGRESS', progress: 'phase QUEUED' })
    build().buildStatus = 'SHINY'
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'SHINY (unknown state)' })
  })

  test.each([
    ['SUCCEEDED', 'succeeded', 'pass'],
    ['FAILED', 'succeeded', 'fail'],
    ['TIMED_OUT', 'succeeded', 'fail'],
    ['FAULT', 'errored', 'fail'],
    ['STOPPED', 'aborted', 'fail'],
  ])('in the state %s, ends as %s, %s', async (state, status, result) => {
    const started = await connected().start(shop)
    server.end(state, { resolvedSourceVersion: '7f3c' })
    const ended = await connected().end(started, shop)
    expect(secondsOf(ended)).toBeCloseTo(61, 0)
    expect(ended).toMatchObject({
      status,
      result,
      data: { id, url, state, number: 1, duration: 61, revision: '7f3c' },
      links: { [`aws-codebuild ${id}`]: url, logs: expect.stringContaining('cloudwatch') },
    })
    expect(server.operations()).not.toContain('BatchGetReports')
  })

  test('a failure names the phase and the reason', async () => {
    const started = await connected().start(shop)
    const message = 'Error while executing command: npm test. Reason: exit status 1'
    server.end('FAILED', {
      phases: [
        { phaseType: 'INSTALL', phaseStatus: 'SUCCEEDED', contexts: [{ statusCode: '', message: '' }] },
        { phaseType: 'BUILD', phaseStatus: 'FAILED', contexts: [{ statusCode: 'COMMAND_EXECUTION_ERROR', message }] },
        { phaseType: 'POST_BUILD', phaseStatus: 'SUCCEEDED' },
        { phaseType: 'COMPLETED' },
      ],
    })
    const ended = await connected().end(started, shop)
    expect(ended.message).toBe(`Build ${id} ended as FAILED: phase BUILD: COMMAND_EXECUTION_ERROR: ${message}`)
    expect(ended.data).toMatchObject({ failedPhase: 'BUILD' })
  })

  test('reports tests and coverage, which thresholds can use', async () => {
    const arn = (name: string) => `arn:aws:codebuild:eu-west-1:123456789012:report/shop-build-${name}:1`
    const tests = (name: string, total: number, statusCounts: Record<string, number>) => ({
      arn: arn(name),
      status: 'SUCCEEDED',
      type: 'TEST',
      testSummary: { total, statusCounts, durationInNanoSeconds: 1 },
    })
    server.state.reports = [
      tests('unit', 40, { SUCCEEDED: 37, FAILED: 2, SKIPPED: 1 }),
      tests('e2e', 5, { SUCCEEDED: 4, ERROR: 1 }),
      {
        arn: arn('coverage'),
        status: 'SUCCEEDED',
        type: 'CODE_COVERAGE',
        codeCoverageSummary: { linesCovered: 873, linesMissed: 127, lineCoveragePercentage: 87.3 },
      },
    ]
    const input = { ...shop, thresholds: [{ metric: 'lineCoverage', op: '>=', value: 90 }] }
    const started = await connected().start(input)
    server.end('SUCCEEDED', { reportArns: server.state.reports.map((report) => report.arn) })
    expect(await connected().end(started, input)).toMatchObject({
      result: 'fail',
      data: { tests: 45, testsPassed: 41, testsFailed: 3, testsSkipped: 1, lineCoverage: 87.3 },
    })
  })

  test('has its verdict even if its reports cannot be read, and reports that', async () => {
    const started = await connected().start(shop)
    server.state.denied = ['BatchGetReports']
    server.end('SUCCEEDED', { reportArns: ['arn:aws:codebuild:eu-west-1:123456789012:report/x:1'] })
    const ended = await connected().end(started, shop)
    expect(ended).toMatchObject({ result: 'pass' })
    expect(ended.message).toContain('its reports cannot be read')
    server.failNext(500, {}, { on: 'BatchGetReports' })
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({ transient: true })
  })

  test('keeps running while AWS is down, and is refused if it no longer exists', async () => {
    const started = await connected().start(shop)
    server.failNext(500, { __type: 'InternalFailure' })
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({ transient: true })
    server.state.builds = []
    expect(await failureOf(connected().poll(started, shop))).toMatchObject({
      kind: 'refused',
      message: `AWS CodeBuild has no build ${id}.`,
    })
  })
})

describe('AWS CodeBuild: cancel', () => {
  test('stops a build', async () => {
    await connected().start(shop)
    expect(await connected().cancel({ id })).toMatchObject({
      result: 'pass',
      message: `Stopped build ${id} (STOPPED)`,
      data: { url },
    })
  })

  test('passes for a build that has ended, even between the poll and the stop', async () => {
    await connected().start(shop)
    server.end('SUCCEEDED')
    expect(await connected().cancel({ id })).toMatchObject({ message: `Build ${id} had ended already (SUCCEEDED)` })
    await awsCodeBuild.stop(connected().client(), { id })
    expect(build().buildStatus).toBe('SUCCEEDED')
  })

  test('reports the reason that AWS gives for a refusal', async () => {
    await connected().start(shop)
    server.state.denied = ['StopBuild']
    expect((await failureOf(connected().cancel({ id }))).message).toContain('codebuild:StopBuild')
    const gone = id.replace(/1$/, '2')
    expect((await failureOf(connected().cancel({ id: gone }))).message).toContain('has no build')
  })

  test.each(['shop-build', '12345678-90ab-cdef-1234-567890abcdef', 'shop-build:1', `${id}/x`])(
    'rejects the id %s',
    async (wrong) => {
      const failure = await failureOf(connected().cancel({ id: wrong }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('such as shop-build:')
    },
  )
})
