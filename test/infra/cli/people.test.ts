import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type PeopleProvider, startPeopleProvider } from '../../platforms/people-provider.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

let provider: PeopleProvider
beforeAll(async () => {
  provider = await startPeopleProvider()
})
beforeEach(() => {
  aws.reset()
  aws.store('people', provider.secret)
})
afterAll(() => provider.close())

const policy = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policy,
  `groups: { sre: [], leads: [ben@example.com] }
approval: { connection: inbox }
rules:
  - { name: production, approve: { by: ["group:sre"] } }
  - { name: leads, approve: { by: ["group:leads", kim@example.com] } }
`,
)

async function check(...args: string[]) {
  const { code, out, err } = await webhooks(['people', 'check', ...args, '--json', '--policy', policy], {
    env: aws.env,
  })
  expect(`${out}${err}`).not.toContain(provider.secret.clientSecret)
  return { code, err, shown: out === '' ? undefined : JSON.parse(out) }
}
const approval = (requiredBy: string, as: string | null) => ({ requiredBy, mayDecide: as !== null, as })

describe('webhooks people check', () => {
  it('checks the secret and the provider', async () => {
    const { issuer, clientId, domains } = provider.secret
    expect(await check()).toMatchObject({ code: 0, shown: { issuer, clientId, domains, problem: null } })
    const { out } = await webhooks(['people', 'check'], { env: aws.env })
    expect(out).toContain('/v1/notification/approvals/sign-in')
  })

  it('shows whom a token identifies, and which approvals this person may decide', async () => {
    const token = await provider.tokenOf('jane')
    const { code, shown } = await check(token)
    expect([code, shown]).toEqual([
      0,
      expect.objectContaining({
        problem: null,
        person: 'Jane Doe (jane@example.com)',
        groups: ['group:sre', 'group:staff'],
        approvals: [
          approval('rule "production"', 'group:sre'),
          approval('rule "leads"', null),
          approval('section approval', 'anyone'),
        ],
      }),
    ])
    expect(JSON.stringify(shown)).not.toContain(token.slice(-40))
  })

  it.each([
    ['of another issuer', { iss: 'https://accounts.example.com' }, 'its issuer is https://accounts.example.com'],
    ['for another client', { aud: 'another' }, 'its audience is another'],
    ['that has expired', { exp: 1_000_000_000 }, 'it expired at 2001-09-09'],
    ['without a verified address', { email_verified: false }, 'it has no verified e-mail address of example.com'],
    ['of another domain', { email: 'jane@example.org' }, 'it has no verified e-mail address of example.com'],
  ])('says why a token %s is not accepted, and whose it is', async (_what, claims, problem) => {
    const { code, shown } = await check(await provider.tokenOf('jane', claims))
    expect([code, shown]).toMatchObject([
      1,
      { problem: expect.stringContaining(problem), groups: ['group:sre', 'group:staff'] },
    ])
  })

  it('says that a signature is forged', async () => {
    const [header, claims] = (await provider.tokenOf('jane')).split('.')
    const { code, shown } = await check(`${header}.${claims}.${Buffer.alloc(256).toString('base64url')}`)
    expect([code, shown.problem]).toEqual([1, 'its signature is not valid'])
  })

  it('accepts claims as JSON, which are not verified', async () => {
    const claims = { email: 'ben@example.com', email_verified: true, groups: 'staff' }
    const { code, shown } = await check(JSON.stringify(claims))
    expect([code, shown]).toMatchObject([0, { person: 'ben@example.com (ben@example.com)', groups: ['group:staff'] }])
    expect(shown.approvals).toContainEqual(approval('rule "leads"', 'ben@example.com'))
  })

  it('names the URL of a provider that cannot be read', async () => {
    aws.store('people', { ...provider.secret, issuer: 'http://127.0.0.1:9' })
    const { code, shown } = await check()
    expect([code, shown.problem]).toEqual([
      1,
      expect.stringContaining('http://127.0.0.1:9/.well-known/openid-configuration'),
    ])
  })

  it.each([
    ['no secret', undefined, 'contains no secret people'],
    ['a secret without domains', { domains: [] }, 'domains'],
    ['a domain in other letters', { domains: ['Example.com'] }, 'must be a domain in lower case'],
    ['an issuer without encryption', { issuer: 'http://login.example.com' }, 'must be an https:// URL'],
  ])('refuses %s', async (_what, more, text) => {
    aws.reset()
    if (more) aws.store('people', { ...provider.secret, ...more })
    const { code, err } = await check()
    expect([code, err]).toEqual([more ? 1 : 2, expect.stringContaining(text)])
  })

  it('refuses what is neither a token nor claims', async () => {
    expect(await check('neither')).toMatchObject({ code: 2, err: expect.stringContaining('must be a JSON Web Token') })
  })
})

describe('webhooks doctor', () => {
  async function findings() {
    const { out } = await webhooks(['doctor', '--json'], { env: aws.env })
    return (JSON.parse(out) as { what: string }[]).filter(({ what }) => what === 'people')
  }

  it('checks the provider at which people sign in, if there is one', async () => {
    expect(await findings()).toMatchObject([{ state: 'ok', found: `sign in at ${provider.issuer}` }])
    aws.store('people', { ...provider.secret, issuer: 'http://127.0.0.1:9' })
    expect(await findings()).toMatchObject([{ state: 'wrong', found: expect.stringContaining('http://127.0.0.1:9/') }])
    aws.reset()
    expect(await findings()).toEqual([])
  })
})
