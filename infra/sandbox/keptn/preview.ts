import { buildLine, RefusedError, toArgv } from './curl-command.ts'
import { checkModes, type ModeWarning } from './mode-warnings.ts'
import { DroppedEventError, receiveEvent } from './received-event.ts'
import { TemplateError } from './template/errors.ts'
import { render } from './template/evaluate.ts'
import type { GoObject } from './template/values.ts'
import { type ConfiguredRequest, parseWebhookConfig, type Webhook, WebhookConfigError } from './webhook-config.ts'

const REMEDIATION_VALUE = 'data.action.value'

/** The curl command of a request, or why webhook-service rejects it. */
export type PreviewResult = { argv: string[] } | { refused: string }
/** `dropped` is the reason why webhook-service ignores the event without any notification. */
export type Preview =
  | { configError: string }
  | { dropped: string }
  | { results: PreviewResult[]; warnings: ModeWarning[] }

/**
 * Returns what webhook-service would run for an event: all requests of all subscriptions to the type of the event. Unlike
 * webhook-service, does not stop at the first rejected request.
 *
 * @param webhookYaml text of a webhook.yaml
 * @param env secrets by their names in envFrom
 * @throws UnreadableConfigError if the text is not a webhook.yaml
 */
export function preview(webhookYaml: string, event: GoObject, env: Readonly<Record<string, string>> = {}): Preview {
  try {
    const webhooks = parseWebhookConfig(webhookYaml).filter(({ type }) => type === event['type'])
    if (webhooks.length === 0) return { results: [], warnings: [] }
    const received = receiveEvent(event)
    const sent = webhooks.flatMap((webhook) =>
      webhook.requests.map((request) => ({ webhook, result: previewRequest(request, received, env) })),
    )
    return {
      results: sent.map(({ result }) => result),
      warnings: [...checkModes(webhooks), ...sent.flatMap(textOfMaps)],
    }
  } catch (error) {
    if (error instanceof WebhookConfigError) return { configError: error.message }
    if (error instanceof DroppedEventError) return { dropped: error.message }
    throw error
  }
}

/**
 * Returns what webhook-service would run for a request.
 *
 * @param received the event as `receiveEvent` returns it
 */
export function previewRequest(
  request: string | ConfiguredRequest,
  received: GoObject,
  env: Readonly<Record<string, string>>,
): PreviewResult {
  try {
    return { argv: toArgv(render(buildLine(request), withSecrets(received, env))) }
  } catch (error) {
    if (error instanceof TemplateError) return { refused: `template: ${error.message}` }
    if (error instanceof RefusedError) return { refused: error.message }
    throw error
  }
}

/** Finds fields whose template prints a map of the event: the receiver gets text instead of an object. */
function textOfMaps({ webhook, result }: { webhook: Webhook; result: PreviewResult }): ModeWarning[] {
  const text = 'argv' in result ? result.argv.join('\n') : ''
  return [...text.matchAll(/(?:([\w.-]+)=|"([\w.-]+)": ?")map(?:\[|%5B)/g)].flatMap(
    ([, inForm, inJson]): ModeWarning[] => {
      const field = inForm ?? inJson
      // A remediation accepts the text.
      if (field === undefined || field === REMEDIATION_VALUE) return []
      const problem = `${field} is a map, and its template prints it as text (map[..]).`
      const advice = 'Send its values one by one, or range over them as webhooks config does.'
      return [{ subscriptionID: webhook.subscriptionID, type: webhook.type, severity: 'wrong', problem, advice }]
    },
  )
}

const withSecrets = (event: GoObject, env: Readonly<Record<string, string>>): GoObject => ({
  ...event,
  env: new Map(Object.entries(env)),
})
