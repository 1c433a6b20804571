import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://developer.atlassian.com/cloud/jira/platform/webhooks/ */
export const jira = defineSourceType({
  title: 'Jira',
  signatures: ['jira'],
  token: ['bearer'],
  deliveryHeader: 'x-atlassian-webhook-identifier',
  body: z.object({
    webhookEvent: eventWord,
    issue: optional(
      z.object({
        id: optional(eventId),
        key: eventId,
        fields: z.nullish(
          z.object({
            status: z.nullish(z.object({ statusCategory: z.nullish(z.object({ key: optional(eventWord) })) })),
          }),
        ),
      }),
    ),
  }),
  read({ webhookEvent: event, issue }) {
    const isDone = issue?.fields?.status?.statusCategory?.key === 'done'
    return {
      event,
      // The key changes when an issue moves to another project.
      runs: [issue?.key, issue?.id],
      ended: event === 'jira:issue_deleted' || (event.startsWith('jira:issue') && isDone),
    }
  },
  setup: [
    {
      keys: 'As an admin, open System > WebHooks, and create a webhook with the URL {url} and the secret {secret}.',
      token:
        'Create an automation rule with the action "Send web request": URL {url}, header Authorization: Bearer {secret}, and the custom data of the next step.',
    },
    {
      keys: 'Events: only "updated" and "deleted" of issues, for the JQL of your project.',
      token:
        '{"webhookEvent": "jira:issue_updated", "issue": {"key": "{{issue.key}}", "id": "{{issue.id}}", "fields": {"status": {"statusCategory": {"key": "{{issue.status.statusCategory.key}}"}}}}}',
    },
  ],
  unverified: 'the settings and the fields of the body',
})
