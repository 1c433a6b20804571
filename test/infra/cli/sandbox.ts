import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSandbox, type Sandbox } from '../../../infra/platforms/sandbox/index.ts'

/** Starts the platforms and the Keptn API of the sandbox without the functions. */
export async function startSandbox(): Promise<{ url: string; sandbox: Sandbox; close(): Promise<void> }> {
  const state = mkdtempSync(join(tmpdir(), 'cli-sandbox-'))
  const sandbox = createSandbox({ state })
  const server = createServer((req, res) => void sandbox.handle(req, res))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sandbox,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      sandbox.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}
