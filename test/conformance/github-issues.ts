import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Served, serve } from '../../infra/platforms/loopback-server.ts'
import { start as startSandbox } from '../infra/platforms/start.ts'

/** Starts the sandbox's GitHub behind a server that can replace its responses. */
export async function startGithubIssues(): Promise<Served & { made(): number }> {
  const state = mkdtempSync(join(tmpdir(), 'webhooks-conformance-'))
  const sandbox = await startSandbox(state)
  let made = 0
  const served = await serve(async ({ method, path, query, headers, text }) => {
    const { host: _, connection: __, 'content-length': ___, ...sent } = headers as Record<string, string>
    const answer = await fetch(`${sandbox.origin}${path}?${query}`, {
      method,
      headers: sent,
      ...(text === '' ? {} : { body: text }),
    })
    if (method === 'POST' && path.endsWith('/issues')) made++
    return { status: answer.status, body: await answer.text() }
  })
  return {
    ...served,
    made: () => made,
    async close() {
      await served.close()
      await sandbox.stop()
      rmSync(state, { recursive: true, force: true })
    },
  }
}
