import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { LocalCredentials } from '../../infra/local/credentials.ts'
import type { RuntimeFile } from '../../infra/local/runtime-file.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { freePort, until } from './service.ts'

const root = join(import.meta.dirname, '../..')
const children: ChildProcess[] = []
let folder: string
let state: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'webhooks-private-'))
  state = join(folder, 'state')
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

/** Starts it as `npm start` does, with the permissions that a user's files usually get. */
function launch(port: number) {
  const env = { ...process.env, WEBHOOKS_PORT: String(port), WEBHOOKS_STATE: state, WEBHOOKS_DEMO: 'off' }
  const command = `umask 022; exec '${process.execPath}' infra/local/start.ts`
  const child = spawn('sh', ['-c', command], { cwd: root, env })
  children.push(child)
  const launched = { output: '', child }
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      launched.output += chunk.toString()
    })
  return launched
}

async function start() {
  const port = await freePort()
  const launched = launch(port)
  await until(
    async () => launched.output.includes('Stop with Ctrl-C'),
    60,
    () => `the start:\n${launched.output}`,
  )
  return { ...launched, url: `http://127.0.0.1:${port}`, port, output: () => launched.output }
}

const readJson = <T>(name: string) => JSON.parse(readFileSync(join(state, name), 'utf8')) as T
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

const real = {
  'cloud-automation-webhooks/connections/issue-ticketing/tracker': {
    provider: 'github',
    baseUrl: 'https://github.example.com/api/v3',
    token: 'a-real-token',
    project: 'acme/shop',
  },
}

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
    mkdirSync(state, { mode: 0o700 })
    writeFileSync(join(state, 'secrets.json'), JSON.stringify(real))
    const { url } = await start()
    expect(JSON.stringify(await (await fetch(url)).json())).not.toContain('aws')
    const { aws } = readJson<RuntimeFile>('runtime.json')
    const secretOf = (accessKeyId: string) =>
      fetch(aws.endpoint, {
        method: 'POST',
        headers: {
          'x-amz-target': 'secretsmanager.GetSecretValue',
          authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20250101/eu-west-1/secretsmanager/aws4_request`,
        },
        body: JSON.stringify({ SecretId: Object.keys(real)[0] }),
      })
    expect((await secretOf('local')).status).toBe(403)
    expect(await (await secretOf(aws.accessKeyId)).text()).toContain('a-real-token')
    expect(modeOf(join(state, 'runtime.json'))).toBe('600')
  })
})

describe('A runtime with a real platform', () => {
  it('generates a token and an approvals key at the start and keeps them', async () => {
    mkdirSync(state, { mode: 0o700 })
    writeFileSync(join(state, 'secrets.json'), JSON.stringify(real))
    const first = await start()
    const { callerToken, approvalsKey } = readJson<LocalCredentials>('credentials.json')
    expect(first.output()).toContain(`Token: ${callerToken}`)
    expect(await open(first.url, demo.callerToken)).toBe(401)
    expect(await open(first.url, callerToken)).toBe(200)
    expect(modeOf(join(state, 'credentials.json'))).toBe('600')
    first.child.kill('SIGINT')
    await once(first.child, 'exit')
    expect(existsSync(join(state, 'runtime.json'))).toBe(false)
    const second = await start()
    expect(readJson('credentials.json')).toMatchObject({ callerToken, approvalsKey })
    expect(await open(second.url, callerToken)).toBe(200)
  })

  it('rejects the demo token after a platform is connected, and the CLI uses the new one', async () => {
    const { url, output } = await start()
    const env = { WEBHOOKS_STATE: state }
    const send = ['send', 'issue-ticketing/open-issue', '--input', 'title=T', '--dry-run']
    expect(await webhooks(send, { env, cwd: root })).toMatchObject({ code: 0 })
    expect(existsSync(join(state, 'credentials.json'))).toBe(false)
    // The hash of the demo token gets to the file with every caller that is added.
    expect(await webhooks(['token', 'create', 'keptn', '--local', '--orchestrator', 'sandbox'], { env })).toMatchObject(
      {
        code: 0,
      },
    )
    const file = join(folder, 'tracker.json')
    writeFileSync(file, JSON.stringify(Object.values(real)[0]))
    const connect = ['connect', 'issue-ticketing/tracker', '--local', '--no-check', '--from-file', file]
    expect(await webhooks(connect, { env })).toMatchObject({ code: 0 })
    expect(await open(url, demo.callerToken)).toBe(401)
    const { callerToken } = readJson<LocalCredentials>('credentials.json')
    expect(await open(url, callerToken)).toBe(200)
    expect(output()).toContain(`A real platform is connected, so the demo token is no longer valid.`)
    expect(await webhooks([...send, '--connection', 'tracker'], { env, cwd: root })).toMatchObject({ code: 0 })
  })

  it('hides its console from other users of the machine', async () => {
    mkdirSync(state, { mode: 0o700 })
    writeFileSync(join(state, 'secrets.json'), JSON.stringify(real))
    const { url, output } = await start()
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
    const { callerToken, consoleKey } = readJson<LocalCredentials>('credentials.json')
    expect(output()).toContain(`${url}/?key=${consoleKey}`)
    const opened = await get(`/?key=${consoleKey}`)
    expect([opened.status, opened.headers.get('location')]).toEqual([303, '/'])
    const cookie = opened.headers.get('set-cookie') ?? ''
    expect(cookie).toContain('HttpOnly; SameSite=Strict')
    expect((await get('/console/calls', { cookie: cookie.split(';')[0] ?? '' })).status).toBe(200)
    expect((await get('/tasks', { authorization: `Bearer ${callerToken}` })).status).toBe(200)
  })
})

describe('A state folder', () => {
  it('that others can read becomes private', async () => {
    mkdirSync(state)
    chmodSync(state, 0o755)
    await start()
    expect(modeOf(state)).toBe('700')
    const entries = readdirSync(state, { recursive: true, withFileTypes: true })
    expect(entries.length).toBeGreaterThan(3)
    for (const { parentPath, name } of entries)
      expect([name, Number.parseInt(modeOf(join(parentPath, name)), 8) & 0o077]).toEqual([name, 0])
  })

  it.each([
    [
      'is shared, such as /tmp',
      () => chmodSync(state, 0o1777),
      /The state folder \S+ is shared with other users\. Set WEBHOOKS_STATE/,
    ],
    ...(process.getuid?.() === 0
      ? [
          [
            'belongs to another user',
            () => chownSync(state, 12345, 12345),
            /The state folder \S+ belongs to another user\. Set WEBHOOKS_STATE/,
          ] as const,
        ]
      : []),
  ])('that %s is rejected', async (_, prepare, message) => {
    mkdirSync(state)
    prepare()
    const launched = launch(await freePort())
    const [code] = await once(launched.child, 'exit')
    expect(code).toBe(1)
    expect(launched.output).toMatch(message)
    expect(readdirSync(state)).toEqual([])
  })
})

describe('The CLI', () => {
  it('finds the runtime by WEBHOOKS_PORT, and without it by the state folder', async () => {
    const { port } = await start()
    const send = ['send', 'issue-ticketing/open-issue', '--input', 'title=T']
    const elsewhere = { WEBHOOKS_STATE: join(folder, 'other') }
    expect(await webhooks(send, { env: { ...elsewhere, WEBHOOKS_PORT: String(port) } })).toMatchObject({ code: 0 })
    expect(await webhooks(send, { env: { WEBHOOKS_STATE: state } })).toMatchObject({ code: 0 })
    const closed = await freePort()
    const url = `http://127.0.0.1:${closed}`
    expect(await webhooks(send, { env: { WEBHOOKS_PORT: String(port), WEBHOOKS_URL: url } })).toMatchObject({
      code: 2,
      err: expect.stringContaining(`Cannot connect to ${url}`),
    })
    expect(await webhooks(send, { env: { WEBHOOKS_PORT: 'eighty' } })).toMatchObject({
      code: 2,
      err: expect.stringContaining('WEBHOOKS_PORT must be a port number'),
    })
  })
})

describe('A runtime that starts', () => {
  it('responds as soon as it listens', async () => {
    const port = await freePort()
    const { child } = launch(port)
    // Each on a connection of its own: one of them comes in the very moment in which the port is opened.
    const answers: Promise<number>[] = []
    while (child.exitCode === null) {
      const answer = fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
        ({ status }) => status,
        () => 0,
      )
      answers.push(answer)
      if (await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 10))])) break
    }
    expect(new Set(await Promise.all(answers))).toEqual(new Set([0, 200]))
  })
})
