import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { githubStatus } from '../../../functions/slo/providers/github-status.ts'
import { type GithubCommitsServer, startGithubCommits } from '../../../infra/platforms/github/commits-server.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { clientOf, failureOf } from '../helpers.ts'
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
const tell = (input: object = {}, options: Options = {}, more: object = {}) =>
  report(githubStatus, fields(more), { project, ref, ...input }, options)

describe('the connection', () => {
  test('is checked with what every token may ask', async () => {
    await githubStatus.check(clientOf(githubStatus, githubStatus.connection.parse(fields())))
    expect(server.calls.map(({ path }) => path)).toEqual(['/rate_limit'])
  })

  test('says that a token is wrong, and not which', async () => {
    const failure = await failureOf(tell({}, {}, { token: 'a-wrong-token' }))
    expect(failure).toMatchObject({ kind: 'credentials', message: expect.stringContaining('Bad credentials') })
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has its token masked wherever it turns up, also where the platform repeats it', async () => {
    expect(secretsIn(githubStatus.connection, fields())).toEqual([server.token])
    server.failNext(422, { message: `No such thing: ${server.token}` })
    const failure = await failureOf(tell())
    expect(failure.message).toContain('No such thing: ***')
  })
})

describe('a report', () => {
  test('is the status of a commit, with a link to the sequence', async () => {
    expect(await tell()).toMatchObject({
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
  ])('of the result %s, status %s, is the state %s', async (result, status, state) => {
    await tell({}, { data: { result, status, evaluation: { ...evaluated, result } } })
    expect(server.state.statuses[0]).toMatchObject({ state })
  })

  test('sent twice still counts once', async () => {
    server.loseNext('POST')
    expect(await failureOf(tell())).toMatchObject({ transient: true, afterWrite: true })
    await tell({}, { isRetry: true })
    expect(server.counts(ref)).toEqual({ 'slo/production/checkout': 'success' })
  })

  test('of each stage is one of its own, and all are one where the connection names it', async () => {
    await tell()
    await tell({}, { data: { stage: 'dev' } })
    await tell({}, { data: { stage: undefined, service: undefined } }, { context: 'quality-gate' })
    expect(Object.keys(server.counts(ref))).toEqual(['slo/production/checkout', 'slo/dev/checkout', 'quality-gate'])
  })

  test('links to the commit where the address of the API says where people look', async () => {
    expect((await tell()).links).toEqual({})
    const outcome = await tell({}, {}, { baseUrl: `${server.url}/api/v3` })
    expect(outcome.links).toEqual({ 'github report': `${server.url}/${project}/commit/${ref}` })
  })

  test('goes to the default repository, by a SHA in whatever letters', async () => {
    await report(githubStatus, fields({ project }), { ref: ref.toUpperCase() })
    expect(server.counts(ref)).toEqual({ 'slo/production/checkout': 'success' })
  })

  test('of long names fits', async () => {
    const service = `${'checkout-'.repeat(27)}\u202e`
    await tell({}, { data: { service, stage: 's'.repeat(100), project: 'p'.repeat(100) } })
    expect(server.state.statuses[0]?.description).toHaveLength(140)
    expect(server.state.statuses[0]?.context).toHaveLength(200)
  })
})

describe('a report is refused before anything is sent', () => {
  test.each([
    [{ ref }, 'input.project is missing'],
    [{ project: '../octo-repo', ref }, 'input.project is not a project here'],
    [{ project: 'octo-org/..', ref }, 'input.project is not a project here'],
    [{ project }, 'input.ref is missing: give the commit that was evaluated'],
    [{ project, ref: 'main' }, 'input.ref is no commit'],
    [{ project, ref: '6dcb09b' }, 'input.ref is no commit'],
    [{ project, ref: `${ref}/../..` }, 'input.ref is no commit'],
    [{ project, ref, channel: '#deploys' }, 'input.channel is of no use for GitHub'],
    [{ project, ref, fields: { state: 'success' } }, 'input.fields is of no use for GitHub'],
  ])('for %j', async (input, message) => {
    expect(await failureOf(report(githubStatus, fields(), input))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    })
    expect(server.calls).toEqual([])
  })
})

describe('GitHub', () => {
  test('that refuses says why', async () => {
    const other = ref.replace('6', '7')
    expect(await failureOf(tell({ ref: other }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`No commit found for SHA: ${other}`),
    })
    expect(await failureOf(tell({ project: 'octo-org/secret' }))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('Not Found'),
    })
  })

  test('that is down, limits, or answers something else is a failure that passes', async () => {
    server.failNext(503, '<title>Unicorn!</title>')
    server.failNext(403, { message: 'You have exceeded a secondary rate limit.' }, { headers: { 'retry-after': '60' } })
    server.failNext(200, '<html>Welcome</html>')
    for (const retryAfter of [undefined, 60, undefined])
      expect(await failureOf(tell())).toMatchObject({ kind: 'platform', retryAfter })
    server.hang()
    expect(await failureOf(tell({}, { deadline: 50 }))).toMatchObject({ kind: 'timeout' })
    server.down()
    expect(await failureOf(tell())).toMatchObject({ kind: 'platform' })
  })
})
