import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { githubStatus } from '../../../functions/slo/providers/github-status.ts'
import { type GithubCommitsServer, startGithubCommits } from '../../../infra/platforms/github/commits-server.ts'
import { reportConformance } from '../../conformance/report.ts'
import { failureOf } from '../helpers.ts'
import { evaluated, report } from './drive.ts'

let server: GithubCommitsServer
beforeEach(async () => {
  server = await startGithubCommits()
})
afterEach(() => server.close())

type Options = Parameters<typeof report>[3]

const ref = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const project = 'octo-org/octo-repo'
const fields = (more: object = {}) => ({ baseUrl: server.url, token: server.token, ...more })
const push = (input: object = {}, options: Options = {}, more: object = {}) =>
  report(githubStatus, fields(more), { project, ref, ...input }, options)

reportConformance(githubStatus, {
  inputs: ['project', 'ref'],
  async start() {
    const server = await startGithubCommits()
    const connection = { baseUrl: server.url, token: server.token }
    return { server, connection, input: { project, ref }, visible: () => Object.keys(server.counts(ref)).length }
  },
})

describe('GitHub status: a report', () => {
  test('is the status of a commit with a link to the sequence', async () => {
    expect(await push()).toMatchObject({
      status: 'succeeded',
      result: 'pass',
      message: expect.stringContaining('to GitHub: status slo/production/checkout of 6dcb09b, success'),
      data: { id: '1' },
    })
    expect(server.state.statuses).toEqual([
      {
        ...{ id: 1, sha: ref, state: 'success', context: 'slo/production/checkout' },
        description: 'Evaluation of checkout in shop/production ended with a warning (score 75)',
        target_url: 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e',
      },
    ])
  })

  test.each([
    ['pass', 'succeeded', 'success'],
    ['warning', 'succeeded', 'success'],
    ['fail', 'succeeded', 'failure'],
    ['fail', 'errored', 'error'],
    ['pass', 'errored', 'error'],
    ['fail', 'aborted', 'error'],
  ])('with the result %s and the status %s has the state %s', async (result, status, state) => {
    await push({}, { data: { result, status, evaluation: { ...evaluated, result } } })
    expect(server.state.statuses[0]).toMatchObject({ state })
  })

  test('has one context for each stage, or the context of the connection', async () => {
    await push()
    await push({}, { data: { stage: 'dev' } })
    await push({}, { data: { stage: undefined, service: undefined } }, { context: 'quality-gate' })
    expect(Object.keys(server.counts(ref))).toEqual(['slo/production/checkout', 'slo/dev/checkout', 'quality-gate'])
  })

  test('links to the commit if the API URL reveals the site', async () => {
    expect((await push()).links).toEqual({})
    const outcome = await push({}, {}, { baseUrl: `${server.url}/api/v3` })
    expect(outcome.links).toEqual({ 'github report': `${server.url}/${project}/commit/${ref}` })
  })

  test('goes to the default repository and accepts a SHA in upper case', async () => {
    await report(githubStatus, fields({ project }), { ref: ref.toUpperCase() })
    expect(server.counts(ref)).toEqual({ 'slo/production/checkout': 'success' })
  })

  test('clips long names', async () => {
    const service = `${'checkout-'.repeat(27)}\u202e`
    await push({}, { data: { service, stage: 's'.repeat(100), project: 'p'.repeat(100) } })
    expect(server.state.statuses[0]?.description).toHaveLength(140)
    expect(server.state.statuses[0]?.context).toHaveLength(200)
  })
})

describe('GitHub status: an invalid report is refused before anything is sent', () => {
  test.each([
    [{ ref }, 'input.project is required'],
    [{ project: '../octo-repo', ref }, 'input.project must look like'],
    [{ project: 'octo-org/..', ref }, 'input.project must look like'],
    [{ project }, 'input.ref is missing. Send the full SHA'],
    [{ project, ref: 'main' }, 'input.ref must be a full SHA'],
    [{ project, ref: '6dcb09b' }, 'input.ref must be a full SHA'],
    [{ project, ref: `${ref}/../..` }, 'input.ref must be a full SHA'],
    [{ project, ref, channel: '#deploys' }, 'input.channel is'],
    [{ project, ref, fields: { state: 'success' } }, 'input.fields is'],
  ])('for %j', async (input, message) => {
    expect(await failureOf(report(githubStatus, fields(), input))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
    expect(server.calls).toEqual([])
  })
})

describe('GitHub status: a refusal', () => {
  test('shows the reason of GitHub', async () => {
    const other = ref.replace('6', '7')
    expect(await failureOf(push({ ref: other }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`No commit found for SHA: ${other}`),
    })
    expect(await failureOf(push({ project: 'octo-org/secret' }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Not Found'),
    })
  })

  test('for a secondary rate limit can be retried after the pause that GitHub asks for', async () => {
    server.failNext(403, { message: 'You have exceeded a secondary rate limit.' }, { headers: { 'retry-after': '60' } })
    expect(await failureOf(push())).toMatchObject({ kind: 'platform', retryAfter: 60 })
  })
})
