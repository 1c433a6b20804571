import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Issuer, issueToken, type SigningKey, signingKey, startIssuer } from '../../platforms/issuer.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

let key: SigningKey
let issuer: Issuer

beforeEach(async () => {
  aws.reset()
  key = await signingKey('k1')
  issuer = await startIssuer(key)
})
afterEach(() => issuer.close())

const entry = (oidc: object = {}) => ({
  categories: ['ci-cd'],
  oidc: { issuer: issuer.url, audience: 'https://hooks.example.com', claims: { ref: 'refs/heads/main' }, ...oidc },
})

function tokenWith(claims: object = {}): Promise<string> {
  const seconds = Math.floor(Date.now() / 1_000)
  const times = { iat: seconds, exp: seconds + 300 }
  const subject = { sub: 'repo:acme/shop', ref: 'refs/heads/main' }
  return issueToken(key, { iss: issuer.url, aud: 'https://hooks.example.com', ...times, ...subject, ...claims })
}

async function check(claims?: object) {
  const token = await tokenWith(claims)
  const { code, out, err } = await webhooks(['token', 'check', token, '--json'], { env: aws.env })
  expect(`${out}${err}`).not.toContain(token.slice(-40))
  return { code, rows: out === '' ? [] : JSON.parse(out), err }
}

describe('webhooks token check', () => {
  it('names the caller of a token, and whom it identifies', async () => {
    aws.store('callers', { deploy: entry(), stored: { categories: ['*'] } })
    expect(await check()).toMatchObject({
      code: 0,
      rows: [{ caller: 'deploy', accepted: true, problem: null, required: null, person: 'repo:acme/shop' }],
    })
  })

  it('says for each caller why it refuses a token, and what it requires', async () => {
    aws.store('callers', {
      branch: entry(),
      audience: entry({ audience: 'https://other.example.com' }),
      issuer: entry({ issuer: 'https://token.example.com' }),
    })
    expect(await check({ ref: 'refs/heads/dev' })).toMatchObject({
      code: 1,
      rows: [
        { caller: 'branch', accepted: false, problem: 'its claim ref is refs/heads/dev', required: 'refs/heads/main' },
        { caller: 'audience', problem: expect.stringContaining('audience'), required: 'https://other.example.com' },
        { caller: 'issuer', problem: expect.stringContaining('issuer'), required: 'https://token.example.com' },
      ],
    })
  })

  it('names the scope that a token for agents lacks', async () => {
    const audience = 'https://hooks.example.com/v1/mcp'
    aws.store('callers', { agent: entry({ audience }) })
    const [required, problem] = ['actions:read or actions:write', 'it lacks the scope actions:read or actions:write']
    expect(await check({ aud: audience, scope: 'openid' })).toMatchObject({
      code: 1,
      rows: [{ caller: 'agent', accepted: false, problem, required }],
    })
    expect((await check({ aud: audience, scope: 'actions:read' })).code).toBe(0)
  })

  it('shows the rest even if the keys of one caller cannot be read', async () => {
    const { url } = issuer
    aws.store('callers', { down: entry({ jwks: `${url}/nothing` }), deploy: entry() })
    expect(await check()).toMatchObject({
      code: 0,
      rows: [{ problem: expect.stringContaining(`${url}/nothing`) }, { caller: 'deploy', accepted: true }],
    })
  })

  it('reports a token that two callers accept, and prints a table', async () => {
    aws.store('callers', { deploy: entry(), main: entry({ claims: { ref: 'refs/*' } }) })
    expect((await check()).code).toBe(1)
    const { out } = await webhooks(['token', 'check', '-'], { env: aws.env, stdin: `${await tokenWith()}\n` })
    expect(out).toMatch(/^caller +accepted +problem +required\ndeploy +yes\nmain +yes\n/)
    expect(out).toContain('Several callers accept it, so it is refused.')
  })

  it('is a mistake without a caller that has an issuer', async () => {
    aws.store('callers', { stored: { categories: ['*'] } })
    expect(await check()).toMatchObject({ code: 2, err: expect.stringContaining('No caller in Secrets Manager') })
  })
})

describe('webhooks token', () => {
  const trust = (line: string) => webhooks(`token trust ${line}`, { env: aws.env })

  it('trust creates a caller without a token, which a token of the issuer identifies', async () => {
    const options = `--issuer ${issuer.url} --audience https://hooks.example.com --claim ref=refs/heads/* --claim sub=a=b`
    expect(await trust(`deploy --categories ci-cd ${options}`)).toMatchObject({ code: 0 })
    const claims = { ref: 'refs/heads/*', sub: 'a=b' }
    const oidc = { issuer: issuer.url, audience: 'https://hooks.example.com', claims }
    expect(aws.stored('callers')).toEqual({ deploy: { tokens: [], categories: ['ci-cd'], oidc } })
    expect(await check({ sub: 'a=b' })).toMatchObject({ code: 0, rows: [{ accepted: true }] })
  })

  it('trust keeps the rest of an existing caller', async () => {
    const caller = { tokens: [`sha256:${'a'.repeat(64)}`], categories: ['slo'], reads: 'all' }
    aws.store('callers', { deploy: caller, other: caller })
    await trust(`deploy --issuer ${issuer.url} --audience a --claim sub=b`)
    const oidc = { issuer: issuer.url, audience: 'a', claims: { sub: 'b' } }
    expect(aws.stored('callers')).toEqual({ deploy: { ...caller, oidc }, other: caller })
  })

  it('trust keeps the keys of the same issuer only', async () => {
    const jwks = { keys: [key.publicJwk] }
    aws.store('callers', { deploy: entry({ jwks }) })
    await trust(`deploy --issuer ${issuer.url} --audience a --claim sub=b`)
    const oidc = { issuer: issuer.url, audience: 'a', claims: { sub: 'b' }, jwks }
    expect(aws.stored('callers')).toMatchObject({ deploy: { oidc } })
    await trust('deploy --issuer https://token.example.com --audience a --claim sub=b')
    expect(aws.stored('callers')['deploy'].oidc).not.toHaveProperty('jwks')
  })

  it.each([
    ['--claim sub', 2, '--claim must be a name and a value'],
    ['--claim sub=*', 2, 'deploy.oidc.claims.sub must contain more than *'],
    ['--claim sub=a --issuer http://token.example.com', 2, 'deploy.oidc.issuer must be an https:// URL'],
  ])('trust refuses %s', async (options, code, message) => {
    const ended = await trust(`deploy --issuer ${issuer.url} --audience a ${options}`)
    expect(ended).toMatchObject({ code, err: expect.stringContaining(message) })
    expect(aws.stored('callers')).toBeNull()
  })

  it('revoke deletes the last stored token of a caller with an issuer, and keeps the caller', async () => {
    const hash = `sha256:${'a'.repeat(64)}`
    aws.store('callers', { deploy: { ...entry(), tokens: [hash] } })
    const { code, out } = await webhooks(`token revoke deploy --hash ${hash}`, { env: aws.env })
    expect([code, out]).toEqual([0, expect.stringContaining('Deleted one token of deploy')])
    expect(aws.stored('callers')).toMatchObject({ deploy: { tokens: [], oidc: { issuer: issuer.url } } })
  })

  it('list shows the issuer of a caller', async () => {
    aws.store('callers', { deploy: entry() })
    expect((await webhooks('token list', { env: aws.env })).out).toContain(issuer.url)
  })
})

describe('webhooks doctor', () => {
  async function findings(): Promise<{ what: string; state: string; found: string; advice?: string }[]> {
    const { out } = await webhooks('doctor --json', { env: aws.env })
    return JSON.parse(out).filter(({ what }: { what: string }) => what.startsWith('issuer'))
  }

  it('reads the keys of each issuer', async () => {
    const { url } = issuer
    aws.store('callers', {
      deploy: entry(),
      cluster: entry({ issuer: 'https://cluster.internal', jwks: { keys: [key.publicJwk] } }),
      down: entry({ jwks: `${url}/nothing` }),
    })
    expect(await findings()).toEqual([
      { what: 'issuer of deploy', state: 'ok', found: url },
      { what: 'issuer of cluster', state: 'ok', found: 'https://cluster.internal, with keys in the entry' },
      {
        what: 'issuer of down',
        state: 'wrong',
        found: expect.stringContaining(`${url}/nothing`),
        advice: expect.stringContaining('Check the issuer'),
      },
    ])
  })

  it.each([
    ['https://token.actions.githubusercontent.com', { ref: 'refs/heads/main' }],
    ['https://token.actions.githubusercontent.com', { sub: 'repo:*:ref:refs/heads/main' }],
    ['https://token.actions.githubusercontent.com', { repository: '*/shop' }],
    ['https://gitlab.com', { ref: 'main', ref_protected: 'true' }],
    ['https://accounts.google.com', { email_verified: 'true' }],
  ])('warns that everybody can get a token of %s with the claims %p', async (shared, claims) => {
    aws.store('callers', { deploy: entry({ issuer: shared, claims, jwks: { keys: [key.publicJwk] } }) })
    expect(await findings()).toMatchObject([{ state: 'wrong', found: expect.stringContaining('everybody can get') }])
    aws.store('callers', {
      deploy: entry({ issuer: shared, claims: { ...claims, sub: 'repo:acme/*' }, jwks: { keys: [key.publicJwk] } }),
    })
    expect(await findings()).toMatchObject([{ state: 'ok' }])
  })
})
