import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent, Context } from 'aws-lambda'
import { handler } from '../../../functions/mcp.ts'
import { authorizeWrite, type Caller, readCallers } from '../../../shared/auth/callers.ts'
import { startOnce } from '../../functions/helpers.ts'
import { startSecrets } from '../../functions/secrets.ts'
import { AuthorizationServer } from '../../platforms/authorization-server.ts'
import { issueToken, type SigningKey, signingKey } from '../../platforms/issuer.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const RESOURCE = 'https://hooks.example.com/v1/mcp'
const METADATA = '/oauth-protected-resource/v1/mcp'
const METADATA_URL = `https://hooks.example.com/.well-known${METADATA}`
const READ = { aud: RESOURCE, sub: 'ada', scope: 'openid actions:read' }
const folder = temporaryFolder()
const secrets = new Map<string, unknown>()
startOnce(() => startSecrets(secrets))

let provider: AuthorizationServer
let keys: SigningKey[]
const saved = { ...process.env }

beforeAll(async () => {
  keys = await Promise.all(['k1', 'k2'].map((kid) => signingKey(kid)))
  const toolsFile = join(folder, 'tools.json')
  writeFileSync(toolsFile, JSON.stringify({ version: '1.0.0', tools: [] }))
  Object.assign(process.env, {
    WEBHOOKS_TOOLS_FILE: toolsFile,
    WEBHOOKS_WEBHOOK_FUNCTIONS: '{}',
    WEBHOOKS_MCP_URL: RESOURCE,
  })
})
beforeEach(async () => {
  jest.useFakeTimers({
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
    ],
  })
  provider = await AuthorizationServer.start(keyAt(0), { ada: { email: 'ada@acme.example', email_verified: true } })
  await store(entry())
})
afterEach(async () => {
  jest.useRealTimers()
  process.env['WEBHOOKS_MCP_URL'] = RESOURCE
  await provider.stop()
})
afterAll(() => {
  process.env = saved
})

const pass = (seconds: number) => jest.setSystemTime(Date.now() + seconds * 1_000)
const seconds = () => Math.floor(Date.now() / 1_000)

function keyAt(at: number): SigningKey {
  const key = keys[at]
  if (!key) throw new Error('There is no such key.')
  return key
}

const entry = (oidc: object = {}) => ({
  oidc: { issuer: provider.issuer, audience: RESOURCE, claims: { sub: 'a*' }, ...oidc },
  categories: ['*'],
  agent: true,
})

async function store(agent: object): Promise<void> {
  secrets.set('callers', { agent })
  await readCallers(true)
}

const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as unknown as Context
const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } }

async function handle(event: object) {
  const sent = { multiValueHeaders: {}, headers: {}, isBase64Encoded: false, ...event } as APIGatewayProxyEvent
  const response = await handler(sent, context)
  if (!('statusCode' in response)) throw new Error('This is the response of an authorizer.')
  const { statusCode: status, headers, body } = response
  return { status, headers, body: JSON.parse(body), challenge: headers['www-authenticate'] }
}

/** Sends a request as an agent. */
function send(token?: string, address = '192.0.2.7') {
  const headers = {
    'Content-Type': 'application/json',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  }
  return handle({
    httpMethod: 'POST',
    resource: '/mcp',
    headers,
    body: JSON.stringify(initialize),
    requestContext: { domainName: 'hooks.example.com', path: '/v1/mcp', identity: { sourceIp: address } },
  })
}

const readMetadata = () => handle({ httpMethod: 'GET', resource: METADATA, requestContext: { identity: {} } })

async function refusalOf(token: string): Promise<string> {
  const { status, body, challenge } = await send(token)
  expect(status).toBe(401)
  expect(challenge).toBe(
    `Bearer error="invalid_token", scope="actions:read actions:write", resource_metadata="${METADATA_URL}"`,
  )
  expect(JSON.stringify(body)).not.toContain(token)
  return body.detail
}

describe('An agent without a token', () => {
  it('learns where it gets one', async () => {
    const { status, challenge } = await send()
    expect(status).toBe(401)
    expect(challenge).toBe(`Bearer scope="actions:read actions:write", resource_metadata="${METADATA_URL}"`)
    const { status: found, headers, body } = await readMetadata()
    expect([found, headers['cache-control']]).toEqual([200, 'public, max-age=300'])
    expect(body).toEqual({
      resource: RESOURCE,
      authorization_servers: [provider.issuer],
      scopes_supported: ['actions:read', 'actions:write'],
      bearer_methods_supported: ['header'],
      resource_name: 'cloud-automation-webhooks',
    })
  })

  it('is not sent to providers whose tokens are for others', async () => {
    await store(entry({ audience: 'https://hooks.example.com' }))
    expect((await readMetadata()).status).toBe(404)
    expect((await send()).challenge).toBe('Bearer')
  })

  it('cannot sign in without a custom domain', async () => {
    delete process.env['WEBHOOKS_MCP_URL']
    expect((await readMetadata()).status).toBe(404)
    expect((await send()).challenge).toBe('Bearer')
    expect((await send('wrong')).challenge).toBe('Bearer error="invalid_token"')
  })
})

describe('The authorizer of the endpoint', () => {
  const admit = (headers: object) =>
    handler({ type: 'REQUEST', methodArn: 'arn:m', headers } as unknown as APIGatewayRequestAuthorizerEvent, context)

  it('lets API Gateway send the challenge to an agent without a token', async () => {
    await expect(admit({ accept: 'application/json' })).rejects.toThrow(/^Unauthorized$/)
  })

  it.each([{ Authorization: 'Bearer wrong' }, { 'X-Token': 'wrong' }])(
    'leaves a request with %p to the endpoint',
    async (headers) => {
      expect(await admit(headers)).toMatchObject({
        policyDocument: { Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: 'arn:m' }] },
      })
    },
  )

  it('leaves errors to it', async () => {
    await expect(store({ tokens: 'none' })).rejects.toThrow('callers')
    expect(await admit({})).toHaveProperty('policyDocument')
  })

  it('leaves all requests to it if no one can sign in', async () => {
    await store({ tokens: [], categories: ['*'] })
    expect(await admit({})).toHaveProperty('policyDocument')
  })
})

describe('A token for the endpoint', () => {
  it('that the provider has issued to a person is accepted', async () => {
    const token = await provider.tokenOf('ada', RESOURCE)
    const { status, body } = await send(token)
    expect([status, body.result.serverInfo.name]).toEqual([200, 'cloud-automation-webhooks'])
  })

  it.each<[string, object]>([
    ['a text', { scope: 'actions:write' }],
    ['a text of Entra', { scope: undefined, scp: 'actions:read' }],
    ['a list', { scope: undefined, scp: ['openid', 'actions:read'] }],
  ])('may have its scopes as %s', async (_, claims) => {
    expect((await send(await provider.sign({ ...READ, ...claims }))).status).toBe(200)
  })

  it.each<[string, () => object, string]>([
    ['has expired', () => ({ iat: seconds() - 900, exp: seconds() - 60 }), 'it expired at'],
    ['is for another resource', () => ({ aud: 'https://other.example.com/v1/mcp' }), 'its audience is https://other.'],
    ['is for the API', () => ({ aud: 'https://hooks.example.com' }), 'its audience is https://hooks.example.com'],
    ['is for another path', () => ({ aud: `${RESOURCE}/` }), 'its audience is'],
    ['has no audience', () => ({ aud: undefined }), 'it has no claim aud'],
    ['has no time', () => ({ exp: undefined }), 'it has no valid claim exp'],
  ])('that %s is refused', async (_, changes, refusal) => {
    expect(await refusalOf(await provider.sign({ ...READ, ...changes() }))).toContain(refusal)
  })

  it('of an account that no caller accepts gets 403 with the reason, and not another sign-in', async () => {
    const { status, body, challenge } = await send(await provider.sign({ ...READ, sub: 'eve' }))
    expect([status, body.detail, challenge]).toEqual([
      403,
      'No caller accepts this account: its claim sub is eve.',
      undefined,
    ])
  })

  describe('with the scopes of the provider', () => {
    const entra = { read: 'api://hooks/actions.read', write: 'api://hooks/actions.write' }
    const cognito = { read: `${RESOURCE}/read`, write: `${RESOURCE}/write` }

    it.each<[string, { read: string; write: string }, object, number]>([
      ['Entra ID, which omits the resource in scp', entra, { scp: 'actions.read' }, 200],
      ['Okta, which has a list', entra, { scp: ['openid', entra.write] }, 200],
      ['Auth0 and Keycloak, with their full names', entra, { scope: `openid ${entra.read}` }, 200],
      ['our names, which this provider does not have', entra, { scope: 'actions:read' }, 403],
      ['a short name where full ones are expected', entra, { scope: 'actions.read' }, 403],
      ['Cognito, whose scope names the resource instead of aud', cognito, { aud: undefined, scope: cognito.read }, 200],
      ['Cognito, for another resource', cognito, { aud: undefined, scope: 'https://other.example.com/read' }, 401],
      ['Cognito, for this resource and another audience', cognito, { aud: 'web', scope: cognito.read }, 401],
      ['no audience, and a scope of any resource', cognito, { aud: undefined, scp: 'read' }, 401],
      ['no audience, and scopes that do not name it', entra, { aud: undefined, scope: entra.read }, 401],
    ])('%s', async (_, scopes, claims, expected) => {
      await store(entry({ scopes }))
      const { status, challenge } = await send(await provider.sign({ ...READ, scope: undefined, ...claims }))
      expect(status).toBe(expected)
      if (expected === 403) expect(challenge).toContain(`error="insufficient_scope", scope="${scopes.read}"`)
    })

    it('names them in the challenge and in the metadata', async () => {
      await store(entry({ scopes: entra }))
      expect((await send()).challenge).toBe(
        `Bearer scope="${entra.read} ${entra.write}", resource_metadata="${METADATA_URL}"`,
      )
      expect((await readMetadata()).body.scopes_supported).toEqual([entra.read, entra.write])
      const { agent } = await readCallers(false)
      if (!agent) throw new Error('There is no caller.')
      const reader: Caller = { name: 'agent', ...agent, scope: 'actions:read' }
      expect(() => authorizeWrite(reader)).toThrow(entra.write)
    })

    it.each([{ read: 'a b', write: 'c' }, { read: 'a', write: 'a' }, { read: 'a"', write: 'b' }, { read: 'a' }])(
      'refuses %j',
      async (scopes) => {
        await expect(store(entry({ scopes }))).rejects.toThrow('scopes')
      },
    )
  })

  it('of another provider is refused', async () => {
    const other = await AuthorizationServer.start(keyAt(0), {})
    const token = await other.tokenOf('ada', RESOURCE)
    await other.stop()
    expect(await refusalOf(token)).toContain(`its issuer is ${other.issuer}`)
  })

  it('whose claims are copied is refused', async () => {
    const claims = { ...READ, iss: provider.issuer, iat: seconds(), exp: seconds() + 300 }
    expect(await refusalOf(await issueToken({ ...keyAt(1), kid: 'k1' }, claims))).toContain(
      'its signature is not valid',
    )
  })

  it('without a scope is refused, and the scope is named', async () => {
    for (const scope of ['openid', 'actions:reads', 'xactions:read', undefined]) {
      const { status, challenge } = await send(await provider.sign({ ...READ, scope }))
      expect(status).toBe(403)
      expect(challenge).toBe(
        `Bearer error="insufficient_scope", scope="actions:read", resource_metadata="${METADATA_URL}"`,
      )
    }
  })

  it('that a caller accepts for another audience is refused here', async () => {
    await store(entry({ audience: 'https://hooks.example.com' }))
    const { status, body } = await send(await provider.sign({ ...READ, aud: 'https://hooks.example.com' }))
    expect([status, body.detail]).toEqual([401, expect.stringContaining('its audience is https://hooks.example.com')])
  })
})

describe('The keys of the provider', () => {
  it('are read again after it has replaced them', async () => {
    expect((await send(await provider.tokenOf('ada', RESOURCE))).status).toBe(200)
    const old = await provider.tokenOf('ada', RESOURCE)
    await provider.rotate(keyAt(1))
    pass(61)
    expect((await send(await provider.tokenOf('ada', RESOURCE))).status).toBe(200)
    expect(await refusalOf(old)).toContain('its key is not one of the keys of the issuer')
  })

  it('let no one in while it is down, and everyone afterwards', async () => {
    const token = await provider.tokenOf('ada', RESOURCE)
    await provider.stop()
    const { status, headers, body } = await send(token)
    expect([status, headers['retry-after']]).toEqual([503, '30'])
    expect(body.detail).toContain(`${provider.issuer}/.well-known/openid-configuration`)
    await provider.startAgain()
    pass(31)
    expect((await send(token)).status).toBe(200)
  })

  it('that are known let agents in while it is down', async () => {
    await send(await provider.sign(READ))
    await provider.stop()
    pass(120)
    expect((await send(await provider.sign(READ))).status).toBe(200)
  })
})

describe('Forged tokens', () => {
  const forge = () => issueToken({ ...keyAt(1), kid: 'k1' }, forged())
  const forged = () => ({ ...READ, iss: provider.issuer, iat: seconds(), exp: seconds() + 300 })

  it('of one address are limited, and lock out no one else', async () => {
    const known = await provider.sign(READ)
    expect((await send(known)).status).toBe(200)
    const statuses: number[] = []
    for (let n = 0; n < 12; n++) statuses.push((await send(await forge())).status)
    expect([statuses.at(0), statuses.at(-1)]).toEqual([401, 429])
    const refused = await send(await provider.sign({ ...READ, jti: 'new' }))
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1'])
    // From another address, and a token that was valid before.
    expect((await send(await provider.sign({ ...READ, jti: 'new' }), '192.0.2.8')).status).toBe(200)
    expect((await send(known)).status).toBe(200)
    pass(1)
    expect((await send(await provider.sign({ ...READ, jti: 'new' }))).status).toBe(200)
  })

  it('do not include those with a key that is not known yet', async () => {
    await send(await provider.sign(READ))
    await provider.rotate(keyAt(1))
    for (let n = 0; n < 12; n++) await refusalOf(await provider.sign({ ...READ, jti: String(n) }))
    pass(61)
    expect((await send(await provider.sign(READ))).status).toBe(200)
  })
})
