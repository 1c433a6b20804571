import { createHash, createHmac } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { CompactSign, exportSPKI } from 'jose'
import { authenticate } from '../../../shared/auth/authenticate.ts'
import { readCallers } from '../../../shared/auth/callers.ts'
import { redact } from '../../../shared/redact.ts'
import { failureOf, startOnce, timeOut } from '../../functions/helpers.ts'
import { startSecrets } from '../../functions/secrets.ts'
import { type Issuer, issueToken, type SigningKey, signingKey, startIssuer } from '../../platforms/issuer.ts'

const AUDIENCE = 'https://hooks.example.com'
const DISCOVERY = '/.well-known/openid-configuration'
const secrets = new Map<string, unknown>()
startOnce(() => startSecrets(secrets))

let key: SigningKey
let otherKey: SigningKey
let issuer: Issuer

beforeAll(async () => {
  ;[key, otherKey] = await Promise.all([signingKey('k1'), signingKey('k2')])
})

beforeEach(async () => {
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
  issuer = await startIssuer(key)
  await store({ deploy: entry() })
})

afterEach(async () => {
  jest.useRealTimers()
  await issuer.close()
})

const pass = (seconds: number) => jest.setSystemTime(Date.now() + seconds * 1_000)
const seconds = () => Math.floor(Date.now() / 1_000)

/** Saves the callers, and lets the function read them. */
async function store(callers: object): Promise<void> {
  secrets.set('callers', callers)
  await readCallers(true)
}

function entry(oidc: object = {}): object {
  const claims = { repository: 'acme/shop', ref: 'refs/heads/*' }
  return { oidc: { issuer: issuer.url, audience: AUDIENCE, claims, ...oidc }, categories: ['ci-cd'] }
}

function claimsOf(changes: object = {}): Record<string, unknown> {
  const times = { iat: seconds() - 5, nbf: seconds() - 5, exp: seconds() + 295 }
  const subject = { sub: 'repo:acme/shop:ref:refs/heads/main', repository: 'acme/shop', ref: 'refs/heads/main' }
  return { iss: issuer.url, aud: AUDIENCE, ...times, ...subject, ...changes }
}

const tokenWith = (changes: object = {}, header: object = {}, signer = key) =>
  issueToken(signer, claimsOf(changes), header)
const send = (token: string) =>
  authenticate({ headers: { authorization: `Bearer ${token}` }, rawBody: () => Buffer.from('') })
const sent = () => issuer.calls.map(({ path }) => path)

/** Sends a token, and returns why it is refused. */
async function refusalOf(token: string): Promise<string> {
  const { kind, message } = await failureOf(send(token))
  expect(kind).toBe('unauthenticated')
  expect(message).not.toContain(token)
  return message
}

/** Returns a token whose parts are any texts. */
function forge(header: object, payload: string, signature = 'c2ln'): string {
  return `${[JSON.stringify(header), payload].map((part) => Buffer.from(part).toString('base64url')).join('.')}.${signature}`
}

describe('A token of an OpenID provider', () => {
  it('identifies its caller, and the person or program in its claims', async () => {
    const { caller, message } = await send(await tokenWith())
    expect(caller).toMatchObject({
      name: 'deploy',
      categories: ['ci-cd'],
      person: 'repo:acme/shop:ref:refs/heads/main',
    })
    expect(message).toBeUndefined()
    expect(sent()).toEqual([DISCOVERY, '/jwks'])
  })

  it('identifies a person by an e-mail address only if it is verified', async () => {
    const person = async (claims: object) => (await send(await tokenWith(claims))).caller.person
    expect(await person({ email: 'ada@acme.example', email_verified: true })).toBe('ada@acme.example')
    for (const email_verified of [false, 'true', undefined])
      expect(await person({ email: 'ada@acme.example', email_verified })).toBe('repo:acme/shop:ref:refs/heads/main')
    // The o is Cyrillic, so the address could look like that of another person.
    expect(await person({ email: 'ada@acme.example'.replace('a@', '\u043e@'), email_verified: true })).toBe(
      'repo:acme/shop:ref:refs/heads/main',
    )
    expect(await person({ sub: undefined })).toBeUndefined()
  })

  it('is masked from then on', async () => {
    const token = await tokenWith()
    await send(token)
    expect(redact(`The token ${token}.`)).not.toContain(token)
  })

  it('is accepted as x-token, and alongside the stored token of the same caller', async () => {
    const stored = 'a-token-that-is-stored'
    const hash = createHash('sha256').update(stored).digest('hex')
    await store({ deploy: { ...entry(), tokens: [`sha256:${hash}`] } })
    for (const token of [await tokenWith(), stored]) {
      const request = { headers: { 'x-token': token }, rawBody: () => Buffer.from('') }
      expect((await authenticate(request)).caller.name).toBe('deploy')
    }
  })

  it('of one of several audiences is accepted', async () => {
    expect((await send(await tokenWith({ aud: ['https://other.example.com', AUDIENCE] }))).caller.name).toBe('deploy')
  })

  it.each(['RS512', 'PS256', 'ES256', 'EdDSA'])('is verified with %s', async (alg) => {
    const signer = await signingKey('k1', alg)
    issuer.keys = [signer.publicJwk]
    expect((await send(await tokenWith({}, {}, signer))).caller.name).toBe('deploy')
  })
})

describe('A token is refused without a request', () => {
  it.each<[string, () => object, string]>([
    ['another issuer', () => ({ iss: 'https://token.example.com' }), 'its issuer is https://token.example.com'],
    ['an issuer that differs in a slash', () => ({ iss: `${issuer.url}/` }), 'its issuer is'],
    ['another audience', () => ({ aud: 'https://other.example.com' }), 'its audience is https://other.example.com'],
    ['a part of the audience', () => ({ aud: [`${AUDIENCE}/`, 'https'] }), 'its audience is'],
    ['no audience', () => ({ aud: undefined }), 'it has no claim aud'],
    ['another claim', () => ({ repository: 'evil/shop' }), 'its claim repository is evil/shop'],
    ['no claim', () => ({ repository: undefined }), 'it has no text as claim repository'],
    ['a list as claim', () => ({ repository: ['acme/shop'] }), 'it has no text as claim repository'],
    ['a claim that a pattern does not match', () => ({ ref: 'refs/tags/v1' }), 'its claim ref is refs/tags/v1'],
    ['an end that has passed', () => ({ exp: seconds() - 60 }), 'it expired at'],
    ['no end', () => ({ exp: undefined }), 'it has no valid claim exp'],
    ['a text as end', () => ({ exp: '99999999999' }), 'it has no valid claim exp'],
    ['a start in the future', () => ({ nbf: seconds() + 62 }), 'it is not valid before'],
    ['a time of issue in the future', () => ({ iat: seconds() + 62 }), 'it is not valid before'],
    ['no time of issue', () => ({ iat: undefined }), 'it has no valid claim iat'],
    ['more than 8 KB', () => ({ more: 'x'.repeat(8_192) }), 'not a JSON Web Token'],
  ])('with %s', async (_, changes, refusal) => {
    expect(await refusalOf(await tokenWith(changes()))).toContain(refusal)
    expect(sent()).toEqual([])
  })

  it('if it is not a JSON Web Token', async () => {
    for (const token of ['a.b.c', '..', forge({}, 'null'), forge({ alg: 'RS256' }, '[1]')])
      expect(await refusalOf(token)).toContain('not a JSON Web Token')
    // A stored token, and an encrypted token.
    for (const token of ['a-token', 'a.b.c.d.e']) expect(await refusalOf(token)).toContain('The token is not valid')
    expect(sent()).toEqual([])
  })

  it('if no caller has an issuer', async () => {
    await store({ ci: { tokens: [], categories: ['*'] } })
    expect(await refusalOf(await tokenWith())).toBe('The token is not valid. Check the secret that the webhook uses.')
  })

  it('but may be up to a minute before or after its time', async () => {
    for (const changes of [{ exp: seconds() - 58 }, { nbf: seconds() + 58 }, { iat: seconds() + 58 }])
      expect((await send(await tokenWith(changes))).caller.name).toBe('deploy')
  })
})

describe('A claim', () => {
  it.each([
    ['acme/*', 'acme/shop', true],
    ['acme/*', 'acme/', true],
    ['acme/*', 'evil/acme/shop', false],
    ['*/shop', 'acme/shop', true],
    ['*/shop', 'acme/shop2', false],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a*b*b*c', 'a-b-c', false],
    ['acme.shop', 'acmexshop', false],
    ['acme/shop', 'ACME/shop', false],
    ['true', true, true],
    ['42', 42, true],
    ['[object Object]', {}, false],
  ])('%p compared with %p is accepted: %p', async (required, value, isAccepted) => {
    await store({ deploy: entry({ claims: { claim: required } }) })
    const token = await tokenWith({ claim: value })
    if (isAccepted) expect((await send(token)).caller.name).toBe('deploy')
    else expect(await refusalOf(token)).toContain('claim claim')
  })

  it('with the name of a property of every object is not found', async () => {
    await store({ deploy: entry({ claims: { constructor: '*Object*' } }) })
    expect(await refusalOf(await tokenWith())).toContain('no text as claim constructor')
  })

  it('that appears twice has its last value everywhere', async () => {
    const twice = (first: string, last: string) =>
      JSON.stringify(claimsOf({ repository: last })).replace('{', `{"repository":"${first}",`)
    const signed = (payload: string) =>
      new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(key.privateKey)
    expect(await refusalOf(await signed(twice('acme/shop', 'evil/shop')))).toContain('evil/shop')
    expect((await send(await signed(twice('evil/shop', 'acme/shop')))).caller.name).toBe('deploy')
  })
})

describe('A forged token', () => {
  it('without a signature is refused', async () => {
    for (const alg of ['none', 'None', 'NONE'])
      for (const signature of ['', 'c2ln'])
        expect(await refusalOf(forge({ alg, kid: 'k1' }, JSON.stringify(claimsOf()), signature))).toMatch(
          /algorithm is not allowed|cannot be verified/,
        )
  })

  it('that is signed with the public key as a shared secret is refused', async () => {
    const pem = await exportSPKI(key.publicKey)
    const unsigned = forge({ alg: 'HS256', kid: 'k1' }, JSON.stringify(claimsOf()), '').slice(0, -1)
    const signature = createHmac('sha256', pem).update(unsigned).digest('base64url')
    expect(await refusalOf(`${unsigned}.${signature}`)).toContain('its algorithm is not allowed')
  })

  it('that is signed with a shared secret among the keys is refused', async () => {
    const secret = Buffer.from('a-shared-secret-of-the-tests-0123456789')
    issuer.keys = [{ kty: 'oct', k: secret.toString('base64url'), kid: 'k1', alg: 'HS256' }]
    const unsigned = forge({ alg: 'HS256', kid: 'k1' }, JSON.stringify(claimsOf()), '').slice(0, -1)
    const signature = createHmac('sha256', secret).update(unsigned).digest('base64url')
    expect(await refusalOf(`${unsigned}.${signature}`)).toContain('its algorithm is not allowed')
  })

  it('with another key is refused, even if it contains this key or its address', async () => {
    const evil = { ...otherKey, kid: 'k1' }
    const { url } = issuer
    for (const header of [{}, { jwk: evil.publicJwk }, { jku: `${url}/evil` }, { x5u: `${url}/evil` }])
      expect(await refusalOf(await tokenWith({}, header, evil))).toContain('its signature is not valid')
    expect(sent()).not.toContain('/evil')
  })

  it('with changed claims is refused', async () => {
    const [header, , signature] = (await tokenWith({ repository: 'evil/shop' })).split('.')
    const payload = Buffer.from(JSON.stringify(claimsOf())).toString('base64url')
    expect(await refusalOf(`${header}.${payload}.${signature}`)).toContain('its signature is not valid')
  })

  it('with a critical extension that is unknown is refused', async () => {
    const header = { alg: 'RS256', kid: 'k1', crit: ['evil'], evil: true }
    expect(await refusalOf(forge(header, JSON.stringify(claimsOf())))).toContain('cannot be verified')
  })
})

describe('A token whose audience is the endpoint for agents', () => {
  it.each([
    'https://hooks.example.com/v1/mcp',
    'https://hooks.example.com/v1/mcp/',
    'https://hooks.example.com/V1/MCP',
  ])('needs a scope for %s', async (audience) => {
    await store({ deploy: entry({ audience }) })
    expect((await failureOf(send(await tokenWith({ aud: audience })))).kind).toBe('forbidden')
    const { caller } = await send(await tokenWith({ aud: audience, scope: 'openid actions:read' }))
    expect(caller).toMatchObject({ name: 'deploy', scope: 'actions:read' })
  })

  it.each(['https://hooks.example.com/v1/mcps', 'https://hooks.example.com/mcp'])('is not %s', async (audience) => {
    await store({ deploy: entry({ audience }) })
    const { caller } = await send(await tokenWith({ aud: audience, scope: 'actions:read' }))
    expect(caller.scope).toBeUndefined()
  })
})

describe('Keys', () => {
  it('that an issuer has replaced are read again', async () => {
    await send(await tokenWith())
    issuer.keys = [otherKey.publicJwk]
    pass(61)
    expect((await send(await tokenWith({}, {}, otherKey))).caller.name).toBe('deploy')
    expect(await refusalOf(await tokenWith())).toContain('its key is not one of the keys of the issuer')
  })

  it('that are unknown are looked up once a minute, no matter how many tokens name them', async () => {
    await send(await tokenWith())
    pass(61)
    for (let n = 0; n < 20; n++) expect(await refusalOf(await tokenWith({}, { kid: `evil-${n}` }))).toContain('its key')
    expect(sent()).toEqual([DISCOVERY, '/jwks', '/jwks'])
    pass(61)
    await refusalOf(await tokenWith({}, { kid: 'evil' }))
    expect(sent()).toHaveLength(4)
  })

  it('are fetched once for calls at the same time', async () => {
    await Promise.all(Array.from({ length: 5 }, async () => send(await tokenWith())))
    expect(sent()).toEqual([DISCOVERY, '/jwks'])
  })

  it('in the entry need no request', async () => {
    await store({ deploy: entry({ jwks: { keys: [key.publicJwk] } }) })
    expect((await send(await tokenWith())).caller.name).toBe('deploy')
    expect(await refusalOf(await tokenWith({}, {}, otherKey))).toContain('its key is not one of the keys')
    expect(sent()).toEqual([])
  })

  it('at the address in the entry need one request', async () => {
    await store({ deploy: entry({ jwks: `${issuer.url}/jwks` }) })
    expect((await send(await tokenWith())).caller.name).toBe('deploy')
    expect(sent()).toEqual(['/jwks'])
  })
})

describe('An issuer that', () => {
  it('is down lets no one in, is asked every 30 seconds, and is named', async () => {
    issuer.down()
    const token = await tokenWith()
    for (let n = 0; n < 3; n++) {
      const { kind, status, message, retryAfter } = await failureOf(send(token))
      expect([kind, status, retryAfter]).toEqual(['unavailable', 503, 30])
      expect(message).toContain(`${issuer.url}${DISCOVERY}`)
    }
    expect(sent()).toHaveLength(1)
    issuer.recover()
    pass(31)
    expect((await send(token)).caller.name).toBe('deploy')
  })

  it('is down keeps no one out whose key is known, regardless of what others send', async () => {
    await send(await tokenWith())
    issuer.down()
    pass(61)
    expect((await failureOf(send(await tokenWith({}, { kid: 'evil' })))).kind).toBe('unavailable')
    expect((await send(await tokenWith())).caller.name).toBe('deploy')
    pass(3_600)
    expect((await failureOf(send(await tokenWith()))).kind).toBe('unavailable')
  })

  it('does not respond is waited for two seconds', async () => {
    issuer.hang()
    const token = await tokenWith()
    const { failure, milliseconds } = await timeOut(
      () => send(token),
      () => issuer.calls.length > 0,
    )
    expect(failure.kind).toBe('unavailable')
    expect(milliseconds).toBeLessThanOrEqual(2_000)
  })

  it.each<[string, () => void]>([
    ['publishes no set of keys', () => Object.assign(issuer, { keys: 'none' })],
    ['publishes more than 256 KB of keys', () => issuer.keys.push({ kty: 'RSA', more: 'x'.repeat(262_144) } as never)],
    ['publishes more than 5 MB', () => issuer.keys.push({ kty: 'RSA', more: 'x'.repeat(6_000_000) } as never)],
    ['names another issuer', () => Object.assign(issuer, { configuration: { issuer: 'https://evil.example.com' } })],
    ['names no address of its keys', () => Object.assign(issuer, { configuration: { jwks_uri: undefined } })],
    [
      'names an address without TLS',
      () => Object.assign(issuer, { configuration: { jwks_uri: 'http://169.254.169.254/latest' } }),
    ],
    ['names a file', () => Object.assign(issuer, { configuration: { jwks_uri: 'file:///etc/passwd' } })],
  ])('%s lets no one in', async (_, change) => {
    change()
    const { kind, retryAfter } = await failureOf(send(await tokenWith()))
    expect(kind).toBe('unavailable')
    expect(retryAfter).toBeGreaterThan(0)
  })

  it('has corrected its response is asked again after a minute', async () => {
    issuer.configuration = { jwks_uri: undefined }
    await failureOf(send(await tokenWith()))
    issuer.configuration = {}
    pass(61)
    expect((await send(await tokenWith())).caller.name).toBe('deploy')
  })

  it('publishes a key that cannot be used lets no one in', async () => {
    issuer.keys = [{ kty: 'RSA', kid: 'k1', n: 'AQAB', e: 'AQAB' }]
    expect(await refusalOf(await tokenWith())).toContain('it cannot be verified')
  })
})

describe('A token for two callers', () => {
  it('is refused', async () => {
    await store({ deploy: entry(), all: entry({ claims: { repository: 'acme/*' } }) })
    expect(await refusalOf(await tokenWith())).toContain(
      'it is valid for deploy and for all. Make their claims differ.',
    )
  })

  it('does not show them to a sender who cannot sign', async () => {
    await store({ deploy: entry(), all: entry({ claims: { repository: 'acme/*' } }) })
    expect(await refusalOf(await tokenWith({}, {}, { ...otherKey, kid: 'k1' }))).not.toMatch(/deploy|all\b/)
  })

  it('is accepted if their claims differ, and refused with the reason of the closest entry', async () => {
    await store({
      other: entry({ issuer: 'https://token.example.com' }),
      main: entry({ claims: { ref: 'refs/heads/main' } }),
      tags: entry({ claims: { ref: 'refs/tags/*' } }),
    })
    expect((await send(await tokenWith({ ref: 'refs/tags/v1' }))).caller.name).toBe('tags')
    expect(await refusalOf(await tokenWith({ ref: 'refs/pull/1' }))).toContain('its claim ref is refs/pull/1')
  })
})

describe('The field oidc of a caller', () => {
  it.each<[string, object, string]>([
    ['an issuer without TLS', { issuer: 'http://token.example.com' }, 'issuer must be an https:// URL'],
    ['an issuer of a metadata service', { issuer: 'http://169.254.169.254' }, 'issuer must be an https:// URL'],
    ['an issuer with a password', { issuer: 'https://a:b@token.example.com' }, 'issuer must be an https:// URL'],
    ['an issuer with a query', { issuer: 'https://token.example.com?a' }, 'issuer must have no query'],
    ['no audience', { audience: '' }, 'audience'],
    ['no claims', { claims: {} }, 'claims must contain at least one claim'],
    ['a claim that everything matches', { claims: { sub: '**' } }, 'claims.sub must contain more than *'],
    ['keys without TLS', { jwks: 'http://token.example.com/jwks' }, 'jwks must be an https:// URL without'],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', kid: 'a', k: 'c2VjcmV0' }] } }, 'keys.0 must be a public key'],
    ['a private key', { jwks: { keys: [{ kty: 'RSA', kid: 'a', d: 'c2VjcmV0' }] } }, 'keys.0 must be a public key'],
    ['keys without a name', { jwks: { keys: [{ kty: 'RSA' }] } }, 'each with a kid'],
    ['keys of another type', { jwks: 42 }, 'jwks must be an https:// URL, or a set of public keys'],
    ['an unknown field', { algorithms: ['none'] }, 'algorithms'],
  ])('with %s is refused', async (_, oidc, message) => {
    const { kind, message: problem } = await failureOf(store({ deploy: entry(oidc) }))
    expect([kind, problem]).toEqual(['misconfigured', expect.stringContaining(message)])
    secrets.set('callers', {})
  })
})
