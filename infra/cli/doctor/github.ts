import { githubSecret } from '../../../shared/orchestrators/github/secret.ts'
import { appClient } from '../../../shared/vendors/clients/github-app.ts'
import { failedDeliveries } from '../../../shared/vendors/clients/github-deliveries.ts'
import { readStoredCallers } from '../secrets/callers.ts'
import type { SecretStore } from '../secrets/secret-store.ts'
import { validateSecret } from '../terminal/prompt-for-fields.ts'
import { type Finding, findingsOf, noteFinding, wrongFinding } from './finding.ts'

/**
 * Checks what the connection test of a GitHub App does not: its caller, and deliveries that failed.
 *
 * @param what `orchestrator <name>`
 * @param stored the secret of the orchestrator
 */
export async function githubFindings(
  what: string,
  name: string,
  stored: Record<string, unknown>,
  store: SecretStore,
): Promise<Finding[]> {
  const settings = validateSecret(githubSecret, stored, 'Its secret')
  const { caller } = settings
  const found = Object.entries(await readStoredCallers(store)).find(([name]) => name === caller)?.[1]
  const problem = found ? `does not have "orchestrator": "${name}"` : 'does not exist'
  const advice = found
    ? 'Correct the secret callers.'
    : `Run npx webhooks token create ${caller} --orchestrator ${name}${store.option}, or correct "caller".`
  const isWrong = found?.orchestrator !== name
  const missing = isWrong ? [wrongFinding(what, `its caller ${caller} ${problem}`, advice)] : []
  const redeliver = `Run npx webhooks github redeliver ${name}${store.option}.`
  const failed = await findingsOf(what, redeliver, async () => {
    const { length } = await failedDeliveries(appClient(settings), Date.now())
    if (length === 0) return []
    return [noteFinding(what, `deliveries that failed in three days: ${length}`, redeliver)]
  })
  return [...missing, ...failed]
}
