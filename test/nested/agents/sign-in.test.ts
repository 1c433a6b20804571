import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Service } from '../../e2e/service.ts'
import { AuthorizationServer, publicClient, signIn } from '../../platforms/authorization-server.ts'
import { signingKey } from '../../platforms/issuer.ts'
import { callToEnd } from './call-to-end.ts'
import { installPrograms, programs } from './programs.ts'

const TOOLS = 'issue-ticketing,remediation'
const REDIRECT_URL = 'http://127.0.0.1/signed-in'

let provider: AuthorizationServer
/** Its keys are never read, because it is down. */
let down: AuthorizationServer
let service: Service
let resource: string

beforeAll(async () => {
  await installPrograms()
  const people = { 'acme-jane': { email: 'jane@example.com', email_verified: true } }
  provider = await AuthorizationServer.start(await signingKey('k1'), people)
  down = await AuthorizationServer.start(await signingKey('k1'), people)
  await down.stop()
  const caller = ({ issuer }: AuthorizationServer, audience: string) => ({
    oidc: { issuer, audience, claims: { sub: 'acme-*' } },
    categories: ['*'],
    agent: true,
    writes: 'allow',
  })
  service = new Service({
    timeScale: 60,
    hasAgentSignIn: true,
    secrets: (url) => ({
      'cloud-automation-webhooks/callers': {
        agent: caller(provider, `${url}/v1/mcp`),
        other: caller(down, `${url}/v1/mcp`),
      },
    }),
  })
  await service.start()
  resource = `${service.url}/v1/mcp`
})
afterAll(() => Promise.all([service.end(), provider.stop()]))

const folder = join(programs, 'node_modules/@modelcontextprotocol')
// biome-ignore lint/suspicious/noExplicitAny: the packages are installed when the test runs.
const load = (file: string): Promise<any> => import(pathToFileURL(join(folder, file)).href)

interface Transport {
  finishAuth(code: string | null, issuer: string | null): Promise<void>
}

interface Tokens {
  access_token: string
  token_type: 'Bearer'
  refresh_token?: string
  /** The clients mark with it whose token it is. */
  issuer: string
}

/** The store of a client, and the page that it opens in the browser. */
class Store {
  readonly redirectUrl = REDIRECT_URL
  readonly clientMetadata = publicClient(REDIRECT_URL)
  page: URL | undefined
  #client: object | undefined
  #tokens: Tokens | undefined
  #verifier = ''
  #discovery: object | undefined

  clientInformation = () => this.#client
  tokens = () => this.#tokens
  codeVerifier = () => this.#verifier
  discoveryState = () => this.#discovery

  saveClientInformation(client: object): void {
    this.#client = client
  }

  saveTokens(tokens: Tokens): void {
    this.#tokens = tokens
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  saveDiscoveryState(state: object): void {
    this.#discovery = state
  }

  redirectToAuthorization(page: URL): void {
    this.page = page
  }
}

describe.each(['client', 'sdk'])('@modelcontextprotocol/%s', (name) => {
  async function open(store: Store) {
    const [{ Client }, { StreamableHTTPClientTransport }] =
      name === 'client'
        ? await Promise.all([load('client/dist/index.mjs'), load('client/dist/index.mjs')])
        : await Promise.all([load('sdk/dist/esm/client/index.js'), load('sdk/dist/esm/client/streamableHttp.js')])
    const mode = name === 'client' ? { versionNegotiation: { mode: 'auto' } } : {}
    const client = new Client({ name: 'test', version: '1.0.0' }, mode)
    // The query is not part of the resource for which it gets a token.
    const transport = new StreamableHTTPClientTransport(new URL(`${resource}?tools=${TOOLS}`), { authProvider: store })
    return { client, transport, connect: () => client.connect(transport) }
  }

  /** Returns a connected client of a person who has signed in. */
  async function connect(store: Store) {
    const first = await open(store)
    await expect(first.connect()).rejects.toThrow(/unauthorized/i)
    await finish(first.transport, store)
    const { client, connect: connectAgain } = await open(store)
    await connectAgain()
    return client
  }

  async function finish(transport: Transport, { page }: Store): Promise<void> {
    if (!page) throw new Error('The client has opened no page.')
    expect(page.searchParams.get('resource')).toBe(resource)
    const { searchParams } = await signIn(page, 'acme-jane')
    await transport.finishAuth(searchParams.get('code'), searchParams.get('iss'))
  }

  /** Returns the store of a client that has a token. */
  async function storeWith(claims: object, from = provider): Promise<Store> {
    const access_token = await from.sign({ aud: resource, sub: 'acme-jane', scope: 'actions:write', ...claims })
    return Object.assign(new Store(), { tokens: () => ({ access_token, token_type: 'Bearer', issuer: from.issuer }) })
  }

  const write = async (client: Parameters<typeof callToEnd>[0], title: string) => {
    const sent = { key: randomUUID(), input: { title } }
    return (await callToEnd(client, { name: 'issue-ticketing_open-issue', arguments: sent })).structuredContent
  }

  test('registers itself, lets a person sign in, and lists and calls tools', async () => {
    const client = await connect(new Store())
    const { tools } = await client.listTools()
    const names = tools.map((tool: { name: string }) => tool.name)
    expect([names.includes('issue-ticketing_open-issue'), names.includes('slo_push-report')]).toEqual([true, false])
    expect(await write(client, `Opened by ${name}`)).toMatchObject({ verdict: 'pass' })
    expect((await service.issues()).filter(({ title }) => title === `Opened by ${name}`)).toHaveLength(1)
    await client.close()
  })

  test('renews a token that has expired', async () => {
    const store = new Store()
    await (await connect(store)).close()
    const expired = await provider.sign({ aud: resource, sub: 'acme-jane', scope: 'actions:write', iat: 1, exp: 2 })
    store.saveTokens({ ...(store.tokens() as Tokens), access_token: expired })
    const { client, connect: connectAgain } = await open(store)
    await connectAgain()
    expect(store.tokens()?.access_token).not.toBe(expired)
    expect(await write(client, 'Opened with a new token')).toMatchObject({ verdict: 'pass' })
    await client.close()
  })

  test('requests the scope that a tool needs', async () => {
    const store = new Store()
    const access_token = await provider.sign({ aud: resource, sub: 'acme-jane', scope: 'actions:read' })
    store.saveTokens({ access_token, token_type: 'Bearer', issuer: provider.issuer })
    const { client, transport, connect: connectFirst } = await open(store)
    await connectFirst()
    expect((await client.listTools()).tools.length).toBeGreaterThan(4)
    await expect(write(client, 'Read only')).rejects.toThrow()
    expect(store.page?.searchParams.get('scope')).toContain('actions:write')
    await finish(transport, store)
    expect(await write(client, 'With the scope')).toMatchObject({ verdict: 'pass' })
    expect((await service.issues()).filter(({ title }) => title === 'Read only')).toEqual([])
    await client.close()
  })

  test.each<[string, object]>([
    ['has expired', { iat: 1, exp: 2 }],
    ['is for another resource', { aud: 'https://other.example.com/v1/mcp' }],
    ['is of another provider', { iss: 'https://login.example.com' }],
  ])('lets a person sign in again if its token %s', async (_, claims) => {
    const store = await storeWith(claims)
    await expect((await open(store)).connect()).rejects.toThrow(/unauthorized/i)
    expect(store.page?.origin).toBe(provider.issuer)
  })

  test('gets in with no token of a provider that is down', async () => {
    const store = await storeWith({}, down)
    await expect((await open(store)).connect()).rejects.toThrow(/cannot be read|503/)
    expect(store.page).toBeUndefined()
  })
})
