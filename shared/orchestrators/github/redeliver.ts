import { readSecret } from '../../aws/deployment-secrets.ts'
import { log } from '../../log.ts'
import { clearSecrets } from '../../redact.ts'
import { settings } from '../../settings.ts'
import { appClient } from '../../vendors/clients/github-app.ts'
import { failedDeliveries, redeliver } from '../../vendors/clients/github-deliveries.ts'
import { githubSecret } from './secret.ts'

/**
 * The handler of the schedule that asks GitHub to send failed deliveries again: GitHub itself sends each only once. The time
 * between two attempts doubles. A delivery that was in fact processed is recognized as a repeat.
 */
export async function redeliverHandler(): Promise<void> {
  for (const name of settings.redeliver) {
    clearSecrets()
    const http = appClient(
      await readSecret(`orchestrators/${name}`, githubSecret, { fresh: true, ignoresUnknown: true }),
    )
    const now = Date.now()
    const due = (await failedDeliveries(http, now)).filter(({ firstAt, lastAt }) => now - lastAt >= lastAt - firstAt)
    for (const delivery of due) {
      const refusal = await redeliver(http, delivery)
      const { guid, event, attempts, reason } = delivery
      log.info('delivery requested again', { orchestrator: name, guid, event, attempts, reason, refusal })
    }
  }
}
