import '../aws.ts'
import { describe, expect, test } from '@jest/globals'
import { awsCodeBuild } from '../../../functions/ci-cd/providers/aws-codebuild.ts'
import { startCodeBuild } from '../../../infra/platforms/aws-codebuild.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { secondsOf } from '../job.ts'
import { newest } from '../newest.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startCodeBuild)
const shop = { target: 'shop-build' }
const id = 'shop-build:12345678-90ab-cdef-1234-000000000001'
const url =
  'https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/123456789012/projects/shop-build/build/shop-build%3A12345678-90ab-cdef-1234-000000000001/?region=eu-west-1'

const connected = (fields: object = {}) =>
  new Pipeline(awsCodeBuild, () => ({ endpoint: server.url, region: 'eu-west-1', ...fields }))
const check = (fields?: object) => awsCodeBuild.check(connected(fields).client())
const build = () => newest(server.state.builds)
const variables = () =>
  Object.fromEntries(build().environment.environmentVariables.map(({ name, value }) => [name, value]))
const unsafe = ['CODEBUILD_SRC_DIR', 'AWS_ENDPOINT_URL_S3', 'BASH_FUNC_npm', 'PATH']

jobConformance(awsCodeBuild, pipelineActions, ciCdPlatforms['aws-codebuild'], {
  states: {
    running: ['IN_PROGRESS'],
    pass: ['SUCCEEDED'],
    fail: ['FAILED', 'TIMED_OUT'],
    errored: ['FAULT'],
    aborted: ['STOPPED'],
  },
  invalidStarts: [
    ['input.project', { project: 'shop' }, 'input.project is not supported'],
    ['an invalid project name', { target: 'a/b' }, 'input.target must be a project name'],
    ['an invalid name', { parameters: { 'a-b': 'x' } }, 'input.parameters.a-b is not a valid name of an environment'],
    ['the variable of the key', { parameters: { CLOUD_AUTOMATION_WEBHOOKS_KEY: 'x' } }, 'is reserved for the'],
  ],
  forbidden: unsafe.map((name) => [
    `the variable ${name}`,
    { parameters: { [name]: 'x' } },
    `input.parameters.${name}`,
  ]),
  invalidIds: [
    ['shop-build', '12345678-90ab-cdef-1234-567890abcdef', 'shop-build:1', `${id}/x`],
    'such as shop-build:',
  ],
})

describe('AWS CodeBuild: connection', () => {
  test('the check reads an unknown build of its project', async () => {
    await check(shop)
    expect(server.calls.map(({ body }) => body)).toEqual([{ ids: ['shop-build:00000000-0000-0000-0000-000000000000'] }])
  })

  test('a missing permission is reported if the connection has a project', async () => {
    server.state.denied = ['BatchGetBuilds']
    await expectFailure(check(shop), 'refused', 'Allow it under awsProviders in cdk.json')
    await check()
  })

  test('unknown credentials are reported', async () => {
    server.failNext(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
    await expectFailure(check(), 'credentials')
  })
})

describe('AWS CodeBuild: start', () => {
  test('returns the URL of the build', async () => {
    expect((await connected().start(shop)).outcome.data).toMatchObject({ id, url })
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

  test.each(unsafe)('sends the variable %s if the connection allows it', async (name) => {
    await connected({ allowParameters: [name] }).start({ ...shop, parameters: { [name]: 'x' } })
    expect(variables()[name]).toBe('x')
  })

  test.each([
    [{ target: 'nope' }, 'ResourceNotFoundException to ListBuildsForProject: The provided project'],
    [{ ref: 'nope' }, 'InvalidInputException to StartBuild: Invalid source version: nope'],
  ])('reports the reason that AWS gives for %j', async (input, words) => {
    await expectFailure(connected().start({ ...shop, ...input }), 'refused', `AWS CodeBuild answered ${words}`)
  })

  test('names the permission to allow', async () => {
    server.state.denied = ['StartBuild']
    await expectFailure(connected().start(shop), 'refused', 'not authorized to perform: codebuild:StartBuild')
  })

  test('is transient if the queue is full', async () => {
    server.state.maxQueued = 0
    await expectFailure(connected().start(shop), { transient: true, mayHaveWritten: false })
  })
})

describe('AWS CodeBuild: start with a lost response', () => {
  test('may have started a build if the response cannot be read', async () => {
    server.failNext(200, { build: { id, startTime: '2026-11-27T10:00:00Z' } }, { on: 'StartBuild', done: true })
    const message = 'AWS CodeBuild answered 200 to StartBuild with a body that cannot be read.'
    await expectFailure(connected().start(shop), { kind: 'platform', mayHaveWritten: true, message })
    expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(server.state.builds).toHaveLength(1)
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
})

describe('AWS CodeBuild: build', () => {
  test('keeps running and reports its phase', async () => {
    const started = await connected().start(shop)
    expect(await connected().poll(started, shop)).toMatchObject({ status: 'IN_PROGRESS', progress: 'phase QUEUED' })
  })

  test('reports its times, its number, its revision and a link to its logs', async () => {
    const ended = await connected().endAfter(shop, () => server.end('SUCCEEDED', { resolvedSourceVersion: '7f3c' }))
    expect(secondsOf(ended)).toBeCloseTo(61, 0)
    expect(ended.data).toMatchObject({ number: 1, duration: 61, revision: '7f3c' })
    expect(ended.links).toMatchObject({ logs: expect.stringContaining('cloudwatch') })
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
})

describe('AWS CodeBuild: cancel', () => {
  test('reports the reason that AWS gives for a refusal', async () => {
    await connected().start(shop)
    server.state.denied = ['StopBuild']
    await expectFailure(connected().stop({ id }), 'refused', 'codebuild:StopBuild')
    await expectFailure(connected().stop({ id: id.replace(/1$/, '2') }), 'refused', 'has no build')
  })
})
