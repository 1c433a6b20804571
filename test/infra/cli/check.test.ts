import { afterAll, beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { serve } from '../../../infra/testing/loopback-server.ts'
import { aws } from './aws.ts'
import { sandbox } from './sandbox.ts'
import { webhooks } from './webhooks.ts'

const prefix = 'cloud-automation-webhooks/connections'
/** The response of the platform to each call. */
let status = 200
const platform = await serve(({ headers }) => ({
  status,
  body: { message: `this is a ${status} to ${headers['authorization']}` },
}))
afterAll(() => platform.close())
beforeEach(() => aws.reset())

const check = (options = '') => webhooks(`check ${options}`, { env: aws.env })
const connect = (name: string, value: unknown) => aws.store(`connections/${name}`, value)
const valid = () => ({ provider: 'github', baseUrl: `${sandbox.url}/sandbox/github`, token: demo.githubToken })

describe('webhooks check', () => {
  it('shows all connections as a table', async () => {
    connect('issue-ticketing/default', valid())
    connect('ci-cd/default', { ...valid(), provider: 'github-actions', project: 'demo/shop' })
    const rows = [
      'connection               provider        reachable  authenticated  permitted',
      'ci-cd/default            github-actions  yes        yes            yes',
      'issue-ticketing/default  github          yes        yes            yes\n',
    ]
    expect(await check()).toEqual({ code: 0, out: rows.join('\n'), err: '' })
  })

  it.each([
    [401, { reachable: 'yes', authenticated: 'no', permitted: 'unknown' }, 'Renew the credentials'],
    [403, { reachable: 'yes', authenticated: 'yes', permitted: 'no' }, 'Grant its user this permission'],
    [503, { reachable: 'yes', authenticated: 'unknown', permitted: 'unknown' }, 'The response is not valid.'],
  ])('reports the cause and the remedy for status %i', async (returned, steps, remedy) => {
    status = returned
    connect('issue-ticketing/default', { provider: 'github', baseUrl: platform.url, token: 'a-secret-token-0a1b2c3d' })
    const { code, out } = await check('--json')
    const problem = expect.stringContaining(`this is a ${returned}`)
    const found = { provider: 'github', ...steps, problem, remedy: expect.stringContaining(remedy) }
    expect([code, JSON.parse(out)]).toEqual([1, [{ connection: 'issue-ticketing/default', ...found }]])
    expect(out).not.toContain('a-secret-token')
  })

  it('reports an unreachable platform', async () => {
    connect('issue-ticketing/default', valid())
    connect('issue-ticketing/gone', { ...valid(), baseUrl: 'http://127.0.0.1:9' })
    const { code, out } = await check('issue-ticketing')
    expect([code, out]).toEqual([1, expect.stringMatching(/issue-ticketing\/gone +github +no +- +-\n/)])
    expect(out).toMatch(/\n\nissue-ticketing\/gone: GitHub could not be reached: .*\n {2}Check the URL/)
  })

  it('reports invalid secrets without quoting them', async () => {
    aws.secrets.set(`${prefix}/issue-ticketing/broken`, '{"token":"a-secret-token"')
    connect('issue-ticketing/other', { provider: 'githup', token: 'a-secret-token' })
    connect('issue-ticketing/short', { provider: 'github', tokn: 'a-secret-token' })
    connect('slo/default', { provider: 'prometheus', baseUrl: platform.url, sloFile: 'objectives: [' })
    connect('nothing/default', valid())
    const { code, out } = await check()
    expect([code, out]).toEqual([1, expect.stringContaining(`${prefix}/issue-ticketing/broken is not JSON`)])
    expect(out).toContain('Unknown provider "githup". Did you mean "github"?')
    expect(out).toContain('tokn is not a known field. Did you mean "token"?')
    expect(out).toContain('slo/default: sloFile is not valid YAML')
    expect(out).toContain('Unknown category "nothing"')
    expect(out).not.toContain('a-secret-token')
  })

  it('reads all pages of Secrets Manager', async () => {
    for (let at = 0; at < 101; at++) connect(`issue-ticketing/c${at}`, { provider: 'nope' })
    const { out } = await check('--json')
    expect(JSON.parse(out)).toHaveLength(101)
  })

  it('reports that there are no connections', async () => {
    const err =
      'Secrets Manager (eu-west-1) contains no connections. Create one with npx webhooks connect <category>/<name>.\n'
    expect(await check()).toEqual({ code: 0, out: '', err })
  })

  it('checks the local runtime with --local', async () => {
    const { code, out } = await webhooks('check --local issue-ticketing', { env: { WEBHOOKS_URL: sandbox.url } })
    expect([code, out]).toEqual([0, expect.stringMatching(/issue-ticketing\/default +github +yes +yes +yes/)])
  })
})
