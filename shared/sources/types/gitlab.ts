import * as z from 'zod/mini'
import { optional } from '../../fields.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** A pipeline that waits for a manual job may count as ended: the connection decides. */
const ENDS = ['success', 'failed', 'canceled', 'skipped', 'manual']

/** @see https://docs.gitlab.com/user/project/integrations/webhook_events/ */
export const gitlab = defineSourceType({
  title: 'GitLab',
  signatures: ['standard-webhooks'],
  choosesKey: true,
  token: ['x-gitlab-token'],
  deliveryHeader: 'idempotency-key',
  body: z.object({
    object_kind: eventWord,
    object_attributes: z.nullish(
      z.object({ id: optional(eventId), status: z.nullish(eventWord), action: z.nullish(eventWord) }),
    ),
    pipeline_id: z.nullish(eventId),
    build_status: z.nullish(eventWord),
  }),
  read({ object_kind: kind, object_attributes: pipeline, pipeline_id, build_status }) {
    const status = build_status ?? pipeline?.status ?? pipeline?.action
    return {
      event: status ? `${kind}.${status}` : kind,
      // Numbers of pipelines are unique. A caller may write the project as its path or as its number.
      runs: [kind === 'pipeline' ? pipeline?.id : (pipeline_id ?? undefined)],
      ended: kind === 'pipeline' && ENDS.includes(status ?? ''),
    }
  },
  alerts: {
    firing: "contains(['issue', 'work_item'], object_kind) && contains(['open', 'reopen'], object_attributes.action)",
    resolved: "contains(['issue', 'work_item'], object_kind) && object_attributes.action == 'close'",
    key: 'object_attributes.id',
    at: 'object_attributes.updated_at',
  },
  setup: [
    'Open Settings > Webhooks of the project (or of the group), and add a webhook.',
    'URL: {url}',
    {
      keys: 'Signing token: generate one, and add it to "keys" of the secret: GitLab never shows it again. A GitLab without signing tokens needs a token instead: --credential token.',
      token: 'Secret token: {secret}',
    },
    'Trigger: select only "Pipeline events". For rules on issues and incidents, "Issues events" instead.',
    'Keep SSL verification enabled.',
  ],
})
