import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LocalCredentials } from '../../infra/local/credentials.ts'
import type { RuntimeFile } from '../../infra/local/runtime-file.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { runInProcess } from '../runner/in-process.ts'
import { waitForAll } from '../wait-for-all.ts'
import { freePort } from './service.ts'
import { StartedRuntime } from './started-runtime.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'webhooks-private-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const TRACKER = 'cloud-automation-webhooks/connections/issue-ticketing/tracker'
const connections = {
  [TRACKER]: {
    provider: 'github',
    baseUrl: 'https://github.example.com/api/v3',
    token: 'a-real-token',
    project: 'acme/shop',
  },
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

/** A runtime with a real platform, whose state folder others could read before. */
const real = new StartedRuntime(join(folder, 'real'))
afterAll(() => real.end())
let child: ChildProcess
beforeAll(async () => {
  mkdirSync(real.state)
  writeFileSync(join(real.state, 'secrets.json'), JSON.stringify(connections), { mode: 0o600 })
  chmodSync(real.state, 0o755)
  child = await real.start()
})

async function open(url: string, token: string): Promise<number> {
  const { status } = await fetch(`${url}/v1/issue-ticketing/open-issue?connection=tracker&dryRun=true`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"input":{"title":"Checkout is slow"}}',
  })
  return status
}

describe('The local AWS services', () => {
  it('accept only the access key in a private file of the state folder', async () => {
    expect(JSON.stringify(await (await fetch(real.url)).json())).not.toContain('aws')
    const { aws } = real.read<RuntimeFile>('runtime.json')
    const secretOf = (accessKeyId: string) =>
      fetch(aws.endpoint, {
        method: 'POST',
        headers: {
          'x-amz-target': 'secretsmanager.GetSecretValue',
          authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20250101/eu-west-1/secretsmanager/aws4_request`,
        },
        body: JSON.stringify({ SecretId: Object.keys(connections)[0] }),
      })
    expect((await secretOf('local')).status).toBe(403)
    expect(await (await secretOf(aws.accessKeyId)).text()).toContain('a-real-token')
  })
})

describe('A state folder', () => {
  it('that others can read becomes private', () => {
    expect(modeOf(real.state)).toBe('700')
    expect(['runtime.json', 'credentials.json'].map((name) => modeOf(join(real.state, name)))).toEqual(['600', '600'])
    const entries = readdirSync(real.state, { recursive: true, withFileTypes: true })
    expect(entries.length).toBeGreaterThan(3)
    for (const { parentPath, name } of entries)
      expect([name, Number.parseInt(modeOf(join(parentPath, name)), 8) & 0o077]).toEqual([name, 0])
  })

  it.each([
    ['is shared, such as /tmp', (state: string) => chmodSync(state, 0o1777), 'is shared with other users'],
    ...(process.getuid?.() === 0
      ? [
          [
            'belongs to another user',
            (state: string) => chownSync(state, 12345, 12345),
            'belongs to another user',
          ] as const,
        ]
      : []),
  ])('that %s is rejected', async (name, prepare, message) => {
    const state = join(folder, name.split(',')[0] ?? '')
    mkdirSync(state)
    prepare(state)
    const env = { ...process.env, WEBHOOKS_PORT: '0', WEBHOOKS_STATE: state }
    expect(await runInProcess(join(root, 'infra/cli/start.ts'), [], { env, cwd: root })).toMatchObject({
      code: 1,
      err: expect.stringMatching(`The state folder .+ ${message}\\. Set WEBHOOKS_STATE`),
    })
    expect(readdirSync(state)).toEqual([])
  })
})

describe('A runtime with a real platform', () => {
  it('hides its console from other users of the machine', async () => {
    const { url } = real
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${url}${path}`, { headers: { accept: 'text/html', ...headers }, redirect: 'manual' })
    const sent = await fetch(`${url}/console/actions/issue-ticketing/open-issue`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'connection=tracker', body: { input: { title: 'T' } } }),
    })
    expect(sent.status).toBe(401)
    for (const path of ['/console/calls', '/console/stream', '/console/actions/a/b/c.d', '/tasks'])
      expect([path, (await get(path)).status]).toEqual([path, 401])
    expect((await get('/?key=wrong')).headers.get('set-cookie')).toBeNull()
    const { callerToken, consoleKey } = real.read<LocalCredentials>('credentials.json')
    expect(real.output).toContain(`${url}/?key=${consoleKey}`)
    const opened = await get(`/?key=${consoleKey}`)
    expect([opened.status, opened.headers.get('location')]).toEqual([303, '/'])
    const cookie = opened.headers.get('set-cookie') ?? ''
    expect(cookie).toContain('HttpOnly; SameSite=Strict')
    expect((await get('/console/calls', { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200)
    expect((await get('/tasks', { authorization: `Bearer ${callerToken}` })).status).toBe(200)
  })

  it('generates a token and an approvals key at the start and keeps them', async () => {
    const { callerToken, approvalsKey } = real.read<LocalCredentials>('credentials.json')
    expect(real.output).toContain(`Token for Keptn events: ${callerToken}`)
    expect(await open(real.url, demo.callerToken)).toBe(401)
    expect(await open(real.url, callerToken)).toBe(200)
    child.kill('SIGINT')
    await once(child, 'exit')
    expect(existsSync(join(real.state, 'runtime.json'))).toBe(false)
    await real.start()
    expect(real.read('credentials.json')).toMatchObject({ callerToken, approvalsKey })
    expect(await open(real.url, callerToken)).toBe(200)
  })
})

describe('A runtime of the demo', () => {
  const runtime = new StartedRuntime(join(folder, 'demo'))
  afterAll(() => runtime.end())
  const send = ['send', 'issue-ticketing/open-issue', '--input', 'title=T', '--dry-run']
  const env = { WEBHOOKS_STATE: runtime.state }

  it('responds as soon as it listens', async () => {
    const child = await runtime.launch()
    const { url } = runtime
    // Each on a connection of its own: one of them comes in the very moment in which the port is opened.
    const answers: Promise<number>[] = []
    while (child.exitCode === null) {
      const answer = fetch(url, { headers: { connection: 'close' } }).then(
        ({ status }) => status,
        () => 0,
      )
      answers.push(answer)
      if (await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 10))])) break
    }
    expect(new Set(await waitForAll(answers))).toEqual(new Set([0, 200]))
  })

  it('is found by the CLI by WEBHOOKS_PORT, and without it by the state folder', async () => {
    const WEBHOOKS_PORT = String(runtime.port)
    const elsewhere = { WEBHOOKS_STATE: join(folder, 'other') }
    expect(await webhooks(send, { env: { ...elsewhere, WEBHOOKS_PORT } })).toMatchObject({ code: 0 })
    expect(await webhooks(send, { env })).toMatchObject({ code: 0 })
    const url = `http://127.0.0.1:${await freePort()}`
    expect(await webhooks(send, { env: { WEBHOOKS_PORT, WEBHOOKS_URL: url } })).toMatchObject({
      code: 2,
      err: expect.stringContaining(`Cannot connect to ${url}`),
    })
    expect(await webhooks(send, { env: { WEBHOOKS_PORT: 'eighty' } })).toMatchObject({
      code: 2,
      err: expect.stringContaining('WEBHOOKS_PORT must be a port number'),
    })
  })

  it('keeps its token after another start with its state folder is refused', async () => {
    const secrets = join(folder, 'real.json')
    writeFileSync(secrets, JSON.stringify(connections))
    const env = { ...process.env, WEBHOOKS_PORT: '0', WEBHOOKS_STATE: runtime.state, WEBHOOKS_SECRETS: secrets }
    expect(await runInProcess(join(root, 'infra/cli/start.ts'), [], { env, cwd: root })).toMatchObject({
      code: 1,
      err: expect.stringContaining('Another process uses the state folder'),
    })
    expect(existsSync(join(runtime.state, 'credentials.json'))).toBe(false)
    expect(await webhooks(send, { env: { WEBHOOKS_STATE: runtime.state } })).toMatchObject({ code: 0 })
  })

  it('keeps its token and its connections to the sandbox when it is started on another port', async () => {
    const file = join(folder, 'sandbox.json')
    const baseUrl = `http://localhost:${runtime.port}/sandbox/github`
    writeFileSync(
      file,
      JSON.stringify({ ...connections[TRACKER], baseUrl, token: demo.githubToken, project: 'demo/shop' }),
    )
    const connect = ['connect', 'issue-ticketing/tracker', '--local', '--from-file', file]
    expect(await webhooks(connect, { env })).toMatchObject({ code: 0 })
    const { child: before } = runtime
    before?.kill('SIGINT')
    if (before) await once(before, 'exit')
    runtime.port = 0
    await runtime.start()
    expect(existsSync(join(runtime.state, 'credentials.json'))).toBe(false)
    const created = ['send', 'issue-ticketing/open-issue', '--input', 'title=T', '--connection', 'tracker']
    expect(await webhooks(created, { env })).toMatchObject({ code: 0 })
  })

  it('rejects the demo token after a platform is connected, and the CLI uses the new one', async () => {
    expect(await webhooks(send, { env, cwd: root })).toMatchObject({ code: 0 })
    expect(existsSync(join(runtime.state, 'credentials.json'))).toBe(false)
    // The hash of the demo token gets to the file with every caller that is added.
    const create = ['token', 'create', 'keptn', '--local', '--orchestrator', 'sandbox']
    expect(await webhooks(create, { env })).toMatchObject({ code: 0 })
    const file = join(folder, 'tracker.json')
    writeFileSync(file, JSON.stringify(Object.values(connections)[0]))
    const connect = ['connect', 'issue-ticketing/tracker', '--local', '--no-check', '--from-file', file]
    expect(await webhooks(connect, { env })).toMatchObject({ code: 0 })
    expect(await open(runtime.url, demo.callerToken)).toBe(401)
    expect(await webhooks([...send, '--token', demo.callerToken], { env })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/gets a new token .*omit --token .*\n.*npx webhooks console/),
    })
    const { callerToken } = runtime.read<LocalCredentials>('credentials.json')
    expect(await open(runtime.url, callerToken)).toBe(200)
    expect(runtime.output).toContain('A real platform is connected, so the demo token is no longer valid.')
    expect(await webhooks([...send, '--connection', 'tracker'], { env, cwd: root })).toMatchObject({ code: 0 })
  })
})
