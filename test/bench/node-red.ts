import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../e2e/service.ts'
import { Program } from './program.ts'
import type { ServerTask } from './webhook-server.ts'

/** Pinned, because the results depend on the version. */
const version = '5.0.7'

export const nodeRed = new Program(`Node-RED ${version}`, [`node-red@${version}`])
const START_TIMEOUT_MS = 60_000

interface NodeRed {
  port: number
  pid: number
  close(): Promise<void>
}

/**
 * Starts it with one flow that responds like the bare handler, on loopback only, without editor, log and telemetry.
 *
 * @throws Error if it does not start
 */
export async function start(scratch: string, task: Omit<ServerTask, 'file'>): Promise<NodeRed> {
  const program = nodeRed.file('node-red/red.js')
  const folder = await mkdtemp(join(scratch, 'node-red-'))
  const port = await freePort()
  await writeFile(join(folder, 'flows.json'), JSON.stringify(flow(task)))
  await writeFile(join(folder, 'settings.js'), settings(port))
  const child = spawn(process.execPath, [program, '--userDir', folder, '--settings', join(folder, 'settings.js')], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-2_000)
    })
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const close = async () => {
    child.kill()
    await exited
  }
  // The bench may end first.
  process.once('exit', () => child.kill('SIGKILL'))
  try {
    await listening(port, child)
  } catch (error) {
    await close()
    throw new Error(`Node-RED did not start: ${said}`, { cause: error })
  }
  return { port, pid: child.pid ?? 0, close }
}

const path = '/v1/issue-ticketing/open-issue'

function flow({ issuesUrl, token, callerHash }: Omit<ServerTask, 'file'>): object[] {
  const node = (id: string, type: string, more: object) => ({ id, type, z: 'tab', x: 0, y: 0, ...more })
  const check = `
const { createHash, timingSafeEqual } = global.get('crypto')
const presented = (msg.req.headers.authorization || '').replace('Bearer ', '')
const hash = createHash('sha256').update(presented).digest()
if (!timingSafeEqual(hash, Buffer.from('${callerHash}', 'hex'))) {
  return [null, { ...msg, statusCode: 401, payload: {} }]
}
const { title, description, labels } = msg.payload.input
msg.headers = { authorization: 'Bearer ${token}', 'content-type': 'application/json', 'user-agent': 'node-red' }
msg.payload = { title, body: description, labels }
return [msg, null]`
  const answer = `
msg.statusCode = msg.statusCode === 201 ? 200 : 502
msg.headers = {}
msg.payload = { status: 'succeeded', result: 'pass', data: msg.payload }
return msg`
  return [
    { id: 'tab', type: 'tab', label: 'bench' },
    node('in', 'http in', { url: path, method: 'post', upload: false, wires: [['check']] }),
    node('check', 'function', { func: check, outputs: 2, wires: [['call'], ['out']] }),
    // Keep-alive, as in our functions. The default is a connection per call.
    node('call', 'http request', { method: 'POST', url: issuesUrl, ret: 'obj', persist: true, wires: [['answer']] }),
    node('answer', 'function', { func: answer, outputs: 1, wires: [['out']] }),
    node('out', 'http response', { wires: [] }),
  ]
}

function settings(port: number): string {
  return `module.exports = {
  uiHost: '127.0.0.1',
  uiPort: ${port},
  httpAdminRoot: false,
  flowFile: 'flows.json',
  credentialSecret: false,
  functionGlobalContext: { crypto: require('node:crypto') },
  telemetry: { enabled: false },
  logging: { console: { level: 'warn', metrics: false, audit: false } },
}
`
}

/** Waits until the flow responds; 401 is enough. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + START_TIMEOUT_MS; Date.now() < until; await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`Node-RED exited with ${child.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST' }).catch(() => undefined)
    if (answer?.status === 401) return
  }
  throw new Error(`Node-RED does not listen after ${START_TIMEOUT_MS / 1_000} s`)
}
