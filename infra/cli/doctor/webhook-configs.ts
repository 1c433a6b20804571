import { existsSync, readFileSync } from 'node:fs'
import { messageOf } from '../../../shared/errors.ts'
import { checkModes } from '../../sandbox/keptn/mode-warnings.ts'
import {
  parseWebhookConfig,
  UnreadableConfigError,
  type Webhook,
  WebhookConfigError,
} from '../../sandbox/keptn/webhook-config.ts'
import { type Finding, noteFinding, okFinding, wrongFinding } from './finding.ts'

/** The path in Keptn's configuration repository, and the usual target of `config --yaml`. */
export const DEFAULT_FILES = ['webhook.yaml', 'webhook/webhook.yaml']

/**
 * Checks that Keptn accepts webhook configurations, and that Keptn and the receiver together send the right events. The
 * files are checked together, because Keptn uses the files of project, stage and service at the same time.
 *
 * @param files defaults to the default files that exist in the working directory
 */
export function webhookConfigs(files = DEFAULT_FILES.filter((file) => existsSync(file))): Finding[] {
  const read = files.map((file) => readConfig(file))
  const warnings = checkModes(read.flatMap(({ webhooks }) => webhooks))
  return [
    ...read.map(({ finding }) => finding),
    ...warnings.map(({ subscriptionID, type, severity, problem, advice }) => {
      const finding = severity === 'wrong' ? wrongFinding : noteFinding
      return finding(`subscription ${subscriptionID}`, `${type}: ${problem}`, advice)
    }),
  ]
}

function readConfig(file: string): { webhooks: Webhook[]; finding: Finding } {
  try {
    const webhooks = parseWebhookConfig(readFileSync(file, 'utf8'))
    return { webhooks, finding: okFinding('webhook configuration', `${file}, subscriptions: ${webhooks.length}`) }
  } catch (error) {
    const isRefused = error instanceof WebhookConfigError || error instanceof UnreadableConfigError
    const advice = isRefused ? 'Correct the file: Keptn would reject it.' : 'Check the path given as --webhook-config.'
    return { webhooks: [], finding: wrongFinding('webhook configuration', `${file}: ${messageOf(error)}`, advice) }
  }
}
