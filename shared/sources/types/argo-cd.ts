import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/**
 * Argo CD sends what its template says. Operations of Argo CD have no id, so a notification is about all runs of an application.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/
 */
export const argoCd = defineSourceType({
  title: 'Argo CD',
  token: ['bearer'],
  basic: true,
  body: z.object({
    application: eventId,
    namespace: z.nullish(eventWord),
    phase: eventWord,
    health: z.nullish(eventWord),
  }),
  read({ application, namespace, phase, health }) {
    return {
      event: health ? `${phase}/${health}` : phase,
      runs: [application, namespace ? `${namespace}/${application}` : undefined],
      // A rollout follows the sync.
      ended: ['Failed', 'Error'].includes(phase) || (phase === 'Succeeded' && health !== 'Progressing'),
    }
  },
  setup: [
    {
      token: 'Add the token to the Secret argocd-notifications-secret, as webhooks-token: {secret}',
      password: 'Add the password to the Secret argocd-notifications-secret, as webhooks-password: {secret}',
    },
    {
      token: `Add to data of the ConfigMap argocd-notifications-cm:
service.webhook.webhooks: |
  url: {url}
  headers:
    - {name: Authorization, value: "Bearer $webhooks-token"}
    - {name: Content-Type, value: application/json}`,
      password: `Add to data of the ConfigMap argocd-notifications-cm:
service.webhook.webhooks: |
  url: {url}
  basicAuth: {username: {user}, password: $webhooks-password}
  headers:
    - {name: Content-Type, value: application/json}`,
    },
    `Also add to it:
template.webhooks-wake: |
  webhook:
    webhooks:
      method: POST
      body: |
        {"application": {{toJson .app.metadata.name}}, "namespace": {{toJson .app.metadata.namespace}},
         "phase": {{toJson .app.status.operationState.phase}}, "health": {{toJson .app.status.health.status}}}
trigger.webhooks-wake: |
  - when: app.status?.operationState?.phase in ['Succeeded', 'Failed', 'Error']
    oncePer: app.status.operationState.startedAt + app.status.operationState.phase
    send: [webhooks-wake]
  - when: app.status?.health?.status in ['Healthy', 'Degraded'] and app.status?.operationState?.phase == 'Succeeded'
    oncePer: app.status.operationState.startedAt + app.status.health.status
    send: [webhooks-wake]`,
    'Annotate the Applications, or their AppProject: notifications.argoproj.io/subscribe.webhooks-wake.webhooks: ""',
  ],
})
