/**
 * Plays the secrets and the state table of a deployment. Import it before the modules under test, which read the environment
 * and the mocked modules when they are imported.
 */
import '../functions/aws.ts'
import { afterAll, jest } from '@jest/globals'
import { skipPauses } from '../functions/helpers.ts'
import { startTable } from '../functions/load-testing/table.ts'

const prefix = 'cloud-automation-webhooks'
const key = 'a-signing-key-of-the-tests-0123456789'
const secrets = new Map(['identity', 'approvals'].map((name) => [`${prefix}/${name}`, JSON.stringify({ key })]))
jest.unstable_mockModule('../../shared/aws/secret-value.ts', () => ({
  getSecret: async (name: string) => secrets.get(name),
}))
// The fake platforms show a change immediately or never.
skipPauses()
const table = await startTable()
afterAll(() => table.close())

/** Stores the secret of a connection or an orchestrator. */
export function storeSecret(path: string, secret: Record<string, unknown>): void {
  secrets.set(`${prefix}/${path}`, JSON.stringify(secret))
}
