import { jobRow } from './fake.ts'
import '../../aws.ts'
import { expect, test } from '@jest/globals'
import { awsCodeBuild } from '../../../../functions/ci-cd/aws-codebuild/aws-codebuild.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { vendorStates } from '../../../conformance/job/vendor-states.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { listedStates } from './states.ts'

const shop = { target: 'shop-build' }
const id = 'shop-build:12345678-90ab-cdef-1234-000000000001'
const build = () => newestOf(server.state.builds)
const unsafe = ['CODEBUILD_SRC_DIR', 'AWS_ENDPOINT_URL_S3', 'BASH_FUNC_npm', 'PATH']

const variable = (name: string, value: string) => ({ name, value, type: 'PLAINTEXT' })
const message = 'Error while executing command: npm test. Reason: exit status 1'
const phases = [
  { phaseType: 'INSTALL', phaseStatus: 'SUCCEEDED', contexts: [{ statusCode: '', message: '' }] },
  { phaseType: 'BUILD', phaseStatus: 'FAILED', contexts: [{ statusCode: 'COMMAND_EXECUTION_ERROR', message }] },
  { phaseType: 'POST_BUILD', phaseStatus: 'SUCCEEDED' },
  { phaseType: 'COMPLETED' },
]
const report = (name: string, type: string, summary: object) => ({
  arn: `arn:aws:codebuild:eu-west-1:123456789012:report/shop-build-${name}:1`,
  status: 'SUCCEEDED',
  type,
  ...summary,
})
const tests = (name: string, total: number, statusCounts: Record<string, number>) =>
  report(name, 'TEST', { testSummary: { total, statusCounts, durationInNanoSeconds: 1 } })
const covered = { linesCovered: 873, linesMissed: 127, lineCoveragePercentage: 87.3 }
const reports = [
  tests('unit', 40, { SUCCEEDED: 37, FAILED: 2, SKIPPED: 1 }),
  tests('e2e', 5, { SUCCEEDED: 4, ERROR: 1 }),
  report('coverage', 'CODE_COVERAGE', { codeCoverageSummary: covered }),
]

const { server, connected } = jobConformance(awsCodeBuild, pipelineActions, jobRow, {
  states: vendorStates(listedStates, { fail: ['TIMED_OUT'], errored: ['FAULT'] }),
  invalidStarts: [
    { name: 'input.project', input: { project: 'shop' }, message: 'input.project is not supported' },
    { name: 'an invalid project name', input: { target: 'a/b' }, message: 'input.target must be a project name' },
    {
      name: 'an invalid name',
      input: { parameters: { 'a-b': 'x' } },
      message: 'input.parameters.a-b is not a valid name of an environment',
    },
    {
      name: 'the variable of the key',
      input: { parameters: { CLOUD_AUTOMATION_WEBHOOKS_KEY: 'x' } },
      message: 'is reserved for the',
    },
  ],
  forbidden: unsafe.map((name) => ({
    name: `the variable ${name}`,
    input: { parameters: { [name]: 'x' } },
    message: `input.parameters.${name}`,
  })),
  url: `/codesuite/codebuild/123456789012/projects/shop-build/build/${encodeURIComponent(id)}/?region=eu-west-1`,
  sends: [
    {
      name: 'version and variables, and the key as one of them',
      input: { ref: 'v1.2', parameters: { STAGE: 'prod', REPLICAS: 3, TAGS: ['a'] } },
      request: {
        body: {
          sourceVersion: 'v1.2',
          environmentVariablesOverride: [
            variable('STAGE', 'prod'),
            variable('REPLICAS', '3'),
            variable('TAGS', '["a"]'),
            variable('CLOUD_AUTOMATION_WEBHOOKS_KEY', keyOf(1)),
          ],
        },
      },
    },
    ...unsafe.map((name) => ({
      name: `the variable ${name} if the connection allows it`,
      input: { parameters: { [name]: 'x' } },
      request: { body: { environmentVariablesOverride: expect.arrayContaining([variable(name, 'x')]) } },
      connection: { allowParameters: [name] },
    })),
  ],
  refused: [
    {
      name: 'an unknown project',
      input: { target: 'nope' },
      reason: 'AWS CodeBuild answered ResourceNotFoundException to ListBuildsForProject: The provided project',
    },
    {
      name: 'an unknown version',
      input: { ref: 'nope' },
      reason: 'AWS CodeBuild answered InvalidInputException to StartBuild: Invalid source version: nope',
    },
  ],
  checks: [{ requests: ['BatchGetBuilds'], change: withState({ denied: ['BatchGetBuilds'] }) }],
  failedChecks: [
    {
      reason: 'Allow it under awsProviders in cdk.json',
      connection: shop,
      change: withState({ denied: ['BatchGetBuilds'] }),
    },
  ],
  reports: [
    { name: 'its phase', change: () => {}, reported: { status: 'IN_PROGRESS', progress: 'phase QUEUED' } },
    {
      name: 'its number, its revision and a link to its logs',
      change: ({ end }) => end('SUCCEEDED', { resolvedSourceVersion: '7f3c' }),
      reported: {
        data: { number: 1, duration: 61, revision: '7f3c' },
        links: { logs: expect.stringContaining('cloudwatch') },
      },
    },
    {
      name: 'the phase that failed and the reason',
      change: ({ end }) => end('FAILED', { phases }),
      reported: {
        message: `Build ${id} ended as FAILED: phase BUILD: COMMAND_EXECUTION_ERROR: ${message}`,
        data: { failedPhase: 'BUILD' },
      },
    },
  ],
  measures: {
    end: (fake) => {
      fake.state.reports = reports
      fake.end('SUCCEEDED', { reportArns: reports.map(({ arn }) => arn) })
    },
    metrics: { lineCoverage: 87.3, testsPassed: 41 },
    data: { tests: 45, testsPassed: 41, testsFailed: 3, testsSkipped: 1, lineCoverage: 87.3 },
  },
  waits: [{ name: 'a full queue', change: withState({ maxQueued: 0 }), reason: '' }],
  found: [{ name: 'that is not listed yet', change: withState({ listsLate: 1 }) }],
  refusedStops: [
    { change: withState({ denied: ['StopBuild'] }), reason: 'codebuild:StopBuild' },
    { id: id.replace(/1$/, '2'), reason: 'has no build' },
  ],
  invalidIds: {
    ids: ['shop-build', '12345678-90ab-cdef-1234-567890abcdef', 'shop-build:1', `${id}/x`],
    message: 'such as shop-build:',
  },
})

test('AWS CodeBuild: a start may have started a build if the response cannot be read', async () => {
  server.failNext(200, { build: { id, startTime: '2026-11-27T10:00:00Z' } }, { on: 'StartBuild', done: true })
  const message = 'AWS CodeBuild answered 200 to StartBuild with a body that cannot be read.'
  await expectFailure(connected().start(shop), { kind: 'platform', mayHaveWritten: true, message })
  expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
  expect(server.state.builds).toHaveLength(1)
})

test('AWS CodeBuild: a retry of a start searches the newest 500 builds, and starts none if there are more', async () => {
  await connected().start(shop)
  const others = Array.from({ length: 500 }, (_, at) => ({
    ...build(),
    id: id.replace(/1$/, String(at + 2)),
    environment: { ...build().environment, environmentVariables: [] },
  }))
  server.state.tokens.clear()
  server.state.builds.push(...others.slice(0, 499))
  expect((await connected().start(shop, { isRetry: true })).outcome.data).toMatchObject({ id })
  server.state.builds.push(...others.slice(499))
  await expectFailure(connected().start(shop, { isRetry: true }), { kind: 'unconfirmed', transient: false })
  expect(server.state.builds).toHaveLength(501)
})

test('AWS CodeBuild: a build has its verdict even if its reports cannot be read, and reports that', async () => {
  const started = await connected().start(shop)
  server.state.denied = ['BatchGetReports']
  server.end('SUCCEEDED', { reportArns: ['arn:aws:codebuild:eu-west-1:123456789012:report/x:1'] })
  const ended = await connected().end(started, shop)
  expect(ended).toMatchObject({ result: 'pass' })
  expect(ended.message).toContain('its reports cannot be read')
  server.failNext(500, {}, { on: 'BatchGetReports' })
  expect(await failureOf(connected().poll(started, shop))).toMatchObject({ transient: true })
})
