import { describe, expect, test } from '@jest/globals'
import { githubStatus } from '../../../../functions/slo/github-status/github-status.ts'
import { startGithubCommits } from '../../../platforms/github/commits-server.ts'
import { failureOf } from '../../helpers.ts'
import { playReports } from '../play.ts'

const ref = '6dcb09b5b57875f334f61aebed695e2e4193db5e'
const project = 'octo-org/octo-repo'

const { server, push } = playReports(githubStatus, {
  inputs: ['project', 'ref'],
  replaces: true,
  start: startGithubCommits,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  input: { project, ref },
  visible: (server) => Object.keys(server.counts(ref)).length,
  result: ({ state }) => state.statuses[0]?.state,
  results: [
    { result: 'pass', status: 'succeeded', shown: 'success' },
    { result: 'warning', status: 'succeeded', shown: 'success' },
    { result: 'fail', status: 'succeeded', shown: 'failure' },
    { result: 'fail', status: 'errored', shown: 'error' },
    { result: 'pass', status: 'errored', shown: 'error' },
    { result: 'fail', status: 'aborted', shown: 'error' },
  ],
  refused: [
    { input: { project: undefined }, message: 'input.project is required' },
    { input: { project: '../octo-repo' }, message: 'input.project must look like' },
    { input: { project: 'octo-org/..' }, message: 'input.project must look like' },
    { input: { ref: undefined }, message: 'input.ref is missing. Send the full SHA' },
    { input: { ref: 'main' }, message: 'input.ref must be a full SHA' },
    { input: { ref: '6dcb09b' }, message: 'input.ref must be a full SHA' },
    { input: { ref: `${ref}/../..` }, message: 'input.ref must be a full SHA' },
  ],
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
        id: 1,
        sha: ref,
        state: 'success',
        context: 'slo/production/checkout',
        description: 'Evaluation of checkout in shop/production ended with a warning (score 75)',
        target_url: 'https://keptn.example.com/bridge/project/shop/sequence/0f4a9d0e',
      },
    ])
  })

  test('has one context for each stage, or the context of the connection', async () => {
    await push()
    await push({ data: { stage: 'dev' } })
    await push({ data: { stage: undefined, service: undefined }, connection: { context: 'quality-gate' } })
    expect(Object.keys(server.counts(ref))).toEqual(['slo/production/checkout', 'slo/dev/checkout', 'quality-gate'])
  })

  test('links to the commit if the API URL reveals the site', async () => {
    expect((await push()).links).toEqual({})
    const outcome = await push({ connection: { baseUrl: `${server.url}/api/v3` } })
    expect(outcome.links).toEqual({ 'github report': `${server.url}/${project}/commit/${ref}` })
  })

  test('goes to the default repository and accepts a SHA in upper case', async () => {
    await push({ input: { project: undefined, ref: ref.toUpperCase() }, connection: { project } })
    expect(server.counts(ref)).toEqual({ 'slo/production/checkout': 'success' })
  })

  test('clips long names', async () => {
    const service = `${'checkout-'.repeat(27)}\u202e`
    await push({ data: { service, stage: 's'.repeat(100), project: 'p'.repeat(100) } })
    expect(server.state.statuses[0]?.description).toHaveLength(140)
    expect(server.state.statuses[0]?.context).toHaveLength(200)
  })
})

test('GitHub status: a refusal for a secondary rate limit can be retried after the pause that GitHub asks for', async () => {
  server.failNext(403, { message: 'You have exceeded a secondary rate limit.' }, { headers: { 'retry-after': '60' } })
  expect(await failureOf(push())).toMatchObject({ kind: 'platform', retryAfter: 60 })
})
