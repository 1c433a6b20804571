import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { closeServer } from '../../infra/local/port.ts'
import { ok, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { type RunningProvider, startProvider } from '../platforms/openid-provider.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service } from './service.ts'

const action = join(import.meta.dirname, '../../.github/actions/webhook')
const REQUEST_TOKEN = 'a-request-token-of-the-job'
const AUDIENCE = 'https://webhooks.acme.example'

/** The issuer of the tokens of jobs, as GitHub is. */
let issuer: RunningProvider
let github: Served
let service: Service
/** The claims of the tokens of the job. */
const job = { repository: 'acme/shop', ref: 'refs/heads/main' }

beforeAll(async () => {
  issuer = await startProvider('repo:acme/shop:ref:refs/heads/main', job)
  github = await serve(async ({ path, query, headers }) => {
    if (path !== '/token' || headers.authorization !== `bearer ${REQUEST_TOKEN}`) return { status: 401 }
    return ok({ count: 1_000, value: await issuer.token(query.get('audience') ?? '') })
  })
  const deploy = { oidc: { issuer: issuer.issuer, audience: AUDIENCE, claims: { ...job } }, categories: ['ci-cd'] }
  service = new Service({ timeScale: 20, secrets: { 'cloud-automation-webhooks/callers': { deploy } } })
  await service.start()
})
afterAll(() => waitForAll([service.end(), github.close(), closeServer(issuer.server)]))

/** Runs the step of the composite action in a job that has no secret. */
async function runStep(given: Record<string, string>, more: Record<string, string> = {}) {
  const { inputs, runs } = parse(readFileSync(join(action, 'action.yml'), 'utf8'))
  const values = { url: service.url, action: 'ci-cd/trigger-deployment', audience: AUDIENCE, ...given }
  const variables = Object.entries(runs.steps[0].env as Record<string, string>).map(([name, value]) => [
    name,
    value.replace(/\$\{\{ inputs\.(\w+) \}\}/, (_, input: string) => {
      return values[input as keyof typeof values] ?? inputs[input].default
    }),
  ])
  const env = {
    ...process.env,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
    ...more,
    ...Object.fromEntries(variables),
    GITHUB_ACTION_PATH: action,
  }
  return promisify(execFile)('bash', ['-c', runs.steps[0].run], { env }).then(
    (ended) => ({ code: 0, ...ended }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

describe('A workflow of GitHub without a stored secret, with a real OpenID provider', () => {
  it('starts a deployment and waits for it, with a new token for each request', async () => {
    const { code, stdout } = await runStep({ key: 'passes', input: '{"target": "deploy.yml"}' })
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ verdict: 'pass' })])
    const tokens = github.calls.map(({ query }) => query.get('audience'))
    expect(new Set(tokens)).toEqual(new Set([AUDIENCE]))
    expect(tokens.length).toBeGreaterThanOrEqual(2)
    expect(service.output).not.toMatch(/eyJ[\w-]+\.eyJ/)
  })

  it('is refused with the reason on another branch', async () => {
    job.ref = 'refs/heads/evil'
    const { code, stderr } = await runStep({ key: 'branch', input: '{"target": "deploy.yml"}' })
    job.ref = 'refs/heads/main'
    expect([code, stderr]).toEqual([2, expect.stringContaining('its claim ref is refs/heads/evil')])
  })

  it('reports the permission that it lacks', async () => {
    const { code, stdout } = await runStep({ key: 'permission' }, { ACTIONS_ID_TOKEN_REQUEST_URL: '' })
    expect([code, stdout]).toEqual([2, expect.stringContaining('Add the permission "id-token: write"')])
  })
})
