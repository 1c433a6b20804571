import { nest } from '../../../../shared/dotted-keys.ts'
import { LAST_RUN } from '../../../../shared/fields.ts'
import { isRecord } from '../../../../shared/record.ts'
import { UsageError } from '../../../project/usage-error.ts'
import { explain } from '../hints.ts'
import type { ModeWarning } from '../mode-warnings.ts'
import { preview } from '../preview.ts'
import type { GoObject } from '../template/values.ts'
import { webhookYaml } from './entry.ts'
import { approval, type IdSource, isMap, optionalParts, type Subscription } from './payload.ts'

/** Contains every character that is known to break webhooks. */
const HARD_TEXT = `It's "slow" & <down>; a | b > $c \`d\` \\ 100 %\nÜber 🎉 {{.x}}`
const REQUIRED_DATA = { project: 'demo', stage: 'production', service: 'shop' }

/**
 * Runs the subscription through a simulated webhook-service: with a minimal event, and with an event whose values are HARD_TEXT
 * to escape. Each value must arrive unchanged.
 *
 * @returns the contradictions in its settings, see `checkModes`
 * @throws UsageError if Keptn would reject the webhook
 */
export function verifyPayload(subscription: Subscription): ModeWarning[] {
  const { bare, full, expected } = samples(subscription)
  const { warnings } = receivedForm(subscription, bare)
  const { form } = receivedForm(subscription, full)
  for (const [path, value] of expected) {
    if (valueAt(form, path) !== value) throw new Error(`The payload for ${subscription.task} loses ${path.join('.')}.`)
  }
  return warnings
}

const OTHER_ID = `${HARD_TEXT} of another task`

/** Returns the result of the earlier task in the event data. */
function resultOf({ mode }: Exclude<IdSource, 'last'>): GoObject {
  return mode === 'silent' ? { responses: [{ data: { id: OTHER_ID } }] } : { id: OTHER_ID }
}

function samples(subscription: Subscription) {
  const {
    action: { action },
    task,
    suffix,
    only,
    idFrom,
  } = subscription
  const isOmitted = (part: string): boolean =>
    only !== undefined && !only.includes(part) && optionalParts(subscription).includes(part)
  const event = { id: 'an-id', type: `sh.keptn.event.${task}.${suffix}`, shkeptncontext: 'a-context' }
  const fields = suffix === 'triggered' ? Object.entries(action?.input.shape ?? {}) : []
  const sent = fields.filter(([name]) => !isOmitted(name) && !(name === 'id' && idFrom !== undefined))
  const properties = Object.fromEntries(
    fields.map(([name, type]) => [name, isMap(type) ? { part: HARD_TEXT } : HARD_TEXT]),
  )
  const own: GoObject = {
    ...(task === approval ? { pass: 'manual', warning: 'manual' } : {}),
    ...(action ? {} : { action: HARD_TEXT }),
    ...properties,
  }
  // On evaluation.triggered, data.evaluation contains the properties of the task, not a result.
  const hasEvaluation = !(task === 'evaluation' && suffix === 'triggered')
  const value = { metric: HARD_TEXT, value: 1.5, success: true }
  const evaluation: GoObject = hasEvaluation
    ? { score: 0, scoreText: HARD_TEXT, indicatorResults: [{ displayName: HARD_TEXT, value }] }
    : {}
  const problem = { ProblemID: HARD_TEXT, ProblemTitle: HARD_TEXT, ProblemURL: HARD_TEXT, State: HARD_TEXT }
  const data = {
    ...REQUIRED_DATA,
    status: HARD_TEXT,
    result: HARD_TEXT,
    message: HARD_TEXT,
    labels: { name: HARD_TEXT },
    problem,
    evaluation,
    ...(idFrom === undefined || idFrom === 'last' ? {} : { [idFrom.task]: resultOf(idFrom) }),
    [task]: { ...(task === 'evaluation' ? evaluation : {}), ...own },
  }
  const expected: [string[], string][] = [
    [['id'], event.id],
    [['type'], event.type],
    [['data', 'service'], REQUIRED_DATA.service],
    ...sent.map(([name, type]): [string[], string] => [['input', name, ...(isMap(type) ? ['part'] : [])], HARD_TEXT]),
    ...(idFrom === undefined ? [] : [[['input', 'id'], idFrom === 'last' ? LAST_RUN : OTHER_ID] as [string[], string]]),
    ...(action?.isNotification && !isOmitted('data.problem')
      ? [[['data', 'problem', 'ProblemTitle'], HARD_TEXT] as [string[], string]]
      : []),
    ...(action?.isNotification && hasEvaluation && !isOmitted('data.evaluation')
      ? ([
          suffix === 'finished'
            ? [['data', 'evaluation', 'score'], '0']
            : [['data', 'evaluation', 'scoreText'], HARD_TEXT],
          [['data', 'evaluation', 'indicatorResults', '0', 'value', 'metric'], HARD_TEXT],
        ] satisfies [string[], string][])
      : []),
    ...(action || suffix !== 'triggered' ? [] : [[['data', task, 'action'], HARD_TEXT] as [string[], string]]),
  ]
  return { bare: { ...event, data: REQUIRED_DATA }, full: { ...event, data }, expected }
}

/**
 * Returns the fields that the receiver gets for an event.
 *
 * @throws UsageError if Keptn would reject the webhook
 */
export function receivedForm(
  subscription: Subscription,
  event: GoObject,
): { form: Record<string, unknown>; warnings: ModeWarning[] } {
  const played = preview(webhookYaml(subscription), event, { secret_webhooks_token: 'a-token' })
  if ('configError' in played) throw refused(played.configError)
  if ('dropped' in played) throw new Error(`The sample event is invalid: ${played.dropped}`)
  const [result] = played.results
  if (!result) throw new Error('The subscription does not match its own event.')
  if ('refused' in result) throw refused(result.refused)
  const form = nest(new URLSearchParams(result.argv[result.argv.indexOf('--data') + 1]))
  return { form, warnings: played.warnings }
}

function valueAt(value: unknown, [first, ...rest]: readonly string[]): unknown {
  if (first === undefined) return value
  return isRecord(value) ? valueAt(value[first], rest) : undefined
}

function refused(why: string): UsageError {
  return new UsageError(['Keptn would reject this webhook:', why, explain(why)].filter(Boolean).join(' '))
}
