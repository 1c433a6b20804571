import { approval, payloadOf, type Subscription } from './payload.ts'

/** The Keptn secret that contains the token of the caller, and its variable in a subscription. */
const secret = { name: 'webhooks', key: 'token', variable: 'secret_webhooks_token' } as const

const form = 'application/x-www-form-urlencoded'

/** A field of the Bridge and its value. */
export type BridgeField = readonly [field: string, value: string]

/** The secret for project > Settings > Secrets > Add secret. */
export const bridgeSecret: readonly BridgeField[] = [
  ['Name', secret.name],
  ['Scope', 'keptn-webhook-service'],
  ['Key', secret.key],
  ['Value', 'the token that webhooks token create printed'],
]

/** The fields of project > Settings > Integrations > webhook-service > Add subscription. */
export function bridgeFields(subscription: Subscription): BridgeField[] {
  const { task, suffix } = subscription
  const { sendStarted, sendFinished } = eventsOf(subscription)
  const by = (automatic: boolean) => (automatic ? 'automatically' : 'by webhook receiver')
  return [
    ['Task', task],
    ['Task suffix', suffix],
    ['Filter', 'stages and services; empty for all'],
    ['Request method', 'POST'],
    ['URL', urlOf(subscription)],
    ['Custom header', `Content-Type: ${form}`],
    ['Custom header', `Authorization: Bearer {{.secret.${secret.name}.${secret.key}}}`],
    ['Custom payload', payloadOf(subscription)],
    ['Proxy', '(empty)'],
    ...(suffix === 'triggered'
      ? ([
          ['Send started event', by(sendStarted)],
          ['Send finished event', by(sendFinished)],
        ] as const)
      : []),
  ]
}

/**
 * Returns a webhook.yaml with this subscription.
 *
 * @param payload replaces the full payload
 */
export function webhookYaml(subscription: Subscription, payload = payloadOf(subscription)): string {
  const { task, suffix } = subscription
  const { sendStarted, sendFinished } = eventsOf(subscription)
  const sends =
    suffix === 'triggered'
      ? `${sendStarted ? '' : '      sendStarted: false\n'}      sendFinished: ${sendFinished}\n`
      : ''
  // JSON's quotes are YAML's.
  return `apiVersion: webhookconfig.keptn.sh/v1beta1
kind: WebhookConfig
metadata:
  name: webhook-configuration
spec:
  webhooks:
    - type: sh.keptn.event.${task}.${suffix}
      subscriptionID: ${suffix === 'triggered' ? task : `${task}-${suffix}`}
${sends}      envFrom:
        - name: ${secret.variable}
          secretRef: { name: ${secret.name}, key: ${secret.key} }
      requests:
        - url: ${urlOf(subscription)}
          method: POST
          headers:
            - { key: Content-Type, value: ${form} }
            - { key: Authorization, value: "Bearer {{.env.${secret.variable}}}" }
          payload: ${JSON.stringify(payload)}
`
}

/** Keptn's approval-service sends the `started` event of its task. A second one would keep the task open forever. */
function eventsOf({ task, mode }: Subscription): { sendStarted: boolean; sendFinished: boolean } {
  return { sendStarted: task !== approval, sendFinished: mode === 'silent' }
}

function urlOf({ url, action, mode, connection, deadline, when, options }: Subscription): string {
  const query = { mode, connection, deadline, when, ...options }
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    // Commas stay readable.
    value === undefined ? [] : [`${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`],
  )
  return `${url}/v1/${action.category.name}/${action.name}?${pairs.join('&')}`
}
