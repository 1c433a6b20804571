import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { ok, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { type Issuer, issueToken, type SigningKey, signingKey, startIssuer } from '../platforms/issuer.ts'
import { Service } from './service.ts'

const action = join(import.meta.dirname, '../../.github/actions/webhook')
const REQUEST_TOKEN = 'a-request-token-of-the-job'

let key: SigningKey
let issuer: Issuer
let github: Served
let service: Service
/** Claims that the tokens of the job have instead. */
let changes: object = {}

beforeAll(async () => {
  key = await signingKey('github')
  issuer = await startIssuer(key)
  github = await serve(async ({ path, query, headers }) => {
    if (path !== '/token' || headers.authorization !== `bearer ${REQUEST_TOKEN}`) return { status: 401 }
    return ok({ count: 1_000, value: await jobToken(query.get('audience') ?? '') })
  })
  const claims = { repository: 'acme/shop', ref: 'refs/heads/main' }
  const deploy = { oidc: { issuer: issuer.url, audience: 'acme-webhooks', claims }, categories: ['ci-cd'] }
  service = new Service({ timeScale: 20, secrets: { 'cloud-automation-webhooks/callers': { deploy } } })
  await service.start()
})
afterAll(() => Promise.all([service.end(), github.close(), issuer.close()]))

/** Returns a token as GitHub issues it, for some minutes. */
function jobToken(aud: string): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000)
  const subject = { sub: 'repo:acme/shop:ref:refs/heads/main', repository: 'acme/shop', ref: 'refs/heads/main' }
  return issueToken(key, { iss: issuer.url, aud, ...subject, iat, nbf: iat, exp: iat + 300, ...changes })
}

/** Runs the step of the composite action in a job that has no secret. */
async function runStep(given: Record<string, string>, job: Record<string, string> = {}) {
  const { inputs, runs } = parse(readFileSync(join(action, 'action.yml'), 'utf8'))
  const values = { url: service.url, action: 'ci-cd/trigger-deployment', audience: 'acme-webhooks', ...given }
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
    ...job,
    ...Object.fromEntries(variables),
    GITHUB_ACTION_PATH: action,
  }
  return promisify(execFile)('bash', ['-c', runs.steps[0].run], { env }).then(
    (ended) => ({ code: 0, ...ended }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )
}

describe('A workflow of GitHub without a stored secret', () => {
  it('starts a deployment and waits for it, with a new token for each request', async () => {
    const { code, stdout } = await runStep({ key: 'passes', input: '{"target": "deploy.yml"}' })
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ verdict: 'pass' })])
    const tokens = github.calls.map(({ query }) => query.get('audience'))
    expect(new Set(tokens)).toEqual(new Set(['acme-webhooks']))
    expect(tokens.length).toBeGreaterThanOrEqual(2)
    expect(service.output).not.toMatch(/eyJ[\w-]+\.eyJ/)
  })

  it('is refused with the reason on another branch', async () => {
    changes = { ref: 'refs/heads/evil' }
    const { code, stderr } = await runStep({ key: 'branch', input: '{"target": "deploy.yml"}' })
    changes = {}
    expect([code, stderr]).toEqual([2, expect.stringContaining('its claim ref is refs/heads/evil')])
  })

  it('reports the permission that it lacks', async () => {
    const { code, stdout } = await runStep({ key: 'permission' }, { ACTIONS_ID_TOKEN_REQUEST_URL: '' })
    expect([code, stdout]).toEqual([2, expect.stringContaining('Add the permission "id-token: write"')])
  })
})
