import { buildLine, RefusedError, toArgv } from './curl-command.ts'
import { checkModes, type ModeWarning } from './mode-warnings.ts'
import { DroppedEventError, receiveEvent } from './received-event.ts'
import { TemplateError } from './template/errors.ts'
import { render } from './template/evaluate.ts'
import type { GoObject } from './template/values.ts'
import { parseWebhookConfig, WebhookConfigError, type WebhookRequest } from './webhook-config.ts'

/** What webhook-service makes of one request: the command that it runs, or why it runs none. */
export type PreviewResult = { argv: string[] } | { refused: string }
/** `dropped` is the reason if webhook-service ignores the event: nothing starts, and nothing tells of it. */
export type Preview =
  | { configError: string }
  | { dropped: string }
  | { results: PreviewResult[]; warnings: ModeWarning[] }

/**
 * What webhook-service would run for an event: every request of every subscription to the event's type, each on its own
 * (the real one stops at the first that it refuses). Source: protocol section 1.
 * @param webhookYaml the text of a webhook.yaml
 * @param event the event, as JSON holds it
 * @param env the secrets by the names that envFrom gives them
 * @throws UnreadableConfigError where the text is no webhook.yaml at all
 */
export function preview(webhookYaml: string, event: GoObject, env: Readonly<Record<string, string>> = {}): Preview {
  try {
    const webhooks = parseWebhookConfig(webhookYaml).filter(({ type }) => type === event['type'])
    if (webhooks.length === 0) return { results: [], warnings: [] }
    const received = receiveEvent(event)
    return {
      results: webhooks.flatMap(({ requests }) => requests.map((request) => previewRequest(request, received, env))),
      warnings: checkModes(webhooks),
    }
  } catch (error) {
    if (error instanceof WebhookConfigError) return { configError: error.message }
    if (error instanceof DroppedEventError) return { dropped: error.message }
    throw error
  }
}

/**
 * The same for one request.
 * @param received the event as `receiveEvent` returns it
 */
export function previewRequest(
  request: string | WebhookRequest,
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

const withSecrets = (event: GoObject, env: Readonly<Record<string, string>>): GoObject => ({
  ...event,
  env: new Map(Object.entries(env)),
})
