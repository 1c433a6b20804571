import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../e2e/service.ts'
import { startProcess } from './process.ts'
import { Program } from './program.ts'
import type { ServiceTask } from './restate-service.ts'

/** The server and the SDK of the service. */
export const restate = new Program('Restate 1.7.12', [
  '@restatedev/restate-server@1.7.12',
  '@restatedev/restate-sdk@1.17.2',
])
const START_TIMEOUT_MS = 60_000

interface Restate {
  /** The address that accepts calls of services. */
  ingress: string
  close(): Promise<void>
}

/**
 * Starts the server with its default settings, on loopback only, and a service that makes the requests of a task.
 *
 * @throws Error if it does not start
 */
export async function startRestate(scratch: string, task: Omit<ServiceTask, 'folder' | 'port'>): Promise<Restate> {
  const [port, node, admin, ingress] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const service = startProcess('./restate-service.ts', { ...task, folder: restate.folder, port })
  await once(service, 'message')
  const platform = `${process.platform}-${process.arch}`
  const server = spawn(restate.file(`@restatedev/restate-server-${platform}/bin/restate-server`), [], {
    env: {
      RESTATE_BASE_DIR: await mkdtemp(join(scratch, 'restate-')),
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'error',
      // It asks GitHub for its newest release.
      HTTPS_PROXY: 'http://127.0.0.1:9',
    },
    stdio: 'ignore',
  })
  const ends = [once(server, 'exit'), once(service, 'exit')]
  // The bench may end first.
  process.once('exit', () => server.kill('SIGKILL'))
  const close = async () => {
    server.kill('SIGKILL')
    service.kill('SIGKILL')
    await Promise.all(ends)
  }
  for (const until = Date.now() + START_TIMEOUT_MS; Date.now() < until; await sleep(100)) {
    const registered = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
    }).catch(() => undefined)
    if (registered?.ok) return { ingress: `http://127.0.0.1:${ingress}`, close }
  }
  await close()
  throw new Error(`Restate does not accept its service after ${START_TIMEOUT_MS / 1_000} s`)
}
