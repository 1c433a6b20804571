/**
 * Simulates the secrets and the state table of a deployment. Import it before the modules under test, which read the environment
 * when they are imported.
 */
import { afterAll } from '@jest/globals'
import { skipPauses } from '../functions/helpers.ts'
import { startTable } from '../functions/load-testing/table.ts'
import { startSecrets } from '../functions/secrets.ts'

const key = 'a-signing-key-of-the-tests-0123456789'
const secrets = new Map<string, unknown>(['identity', 'approvals'].map((name) => [name, { key }]))
// The fake platforms show a change immediately or never.
skipPauses()
const servers = [await startTable(), await startSecrets(secrets)]
afterAll(async () => {
  for (const server of servers) await server.close()
})

/** Stores the secret of a connection or an orchestrator. */
export function storeSecret(path: string, secret: Record<string, unknown>): void {
  secrets.set(path, secret)
}
