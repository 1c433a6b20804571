import { nest } from '../../../shared/core/http/dotted-keys.ts'
import { LAST_RUN } from '../../../shared/fields.ts'
import { isRecord } from '../../../shared/record.ts'
import { explain } from '../../keptn/hints.ts'
import type { ModeWarning } from '../../keptn/mode-warnings.ts'
import { preview } from '../../keptn/preview.ts'
import type { GoObject } from '../../keptn/template/values.ts'
import { UsageError } from '../receiver.ts'
import { webhookYaml } from './entry.ts'
import { approval, type IdSource, isMap, optionalParts, type Subscription } from './payload.ts'

/** Each character that has ever broken a webhook. */
const hard = `It's "slow" & <down>; a | b > $c \`d\` \\ 100 %\nÜber 🎉 {{.x}}`
/** The least that an event has. */
const place = { project: 'demo', stage: 'production', service: 'shop' }

/**
 * Plays webhook-service with the subscription: with an event that has nothing but what it must, and with one whose every
 * value is as hard as can be. Each value must arrive as it was.
 *
 * @returns what is contradictory about its events, see `checkModes`
 * @throws UsageError with what Keptn would say
 */
export function prove(subscription: Subscription): ModeWarning[] {
  const { bare, full, expected } = samples(subscription)
  const { warnings } = receive(subscription, bare)
  const { form } = receive(subscription, full)
  for (const [path, value] of expected) {
    if (at(form, path) !== value) throw new Error(`The payload for ${subscription.task} loses ${path.join('.')}.`)
  }
  return warnings
}

/** An id as hard as can be, and not the one of the task itself. */
const createdBy = `${hard} of another task`

/** What Keptn keeps of the task that created something. */
function answerOf({ mode }: Exclude<IdSource, 'last'>): GoObject {
  return mode === 'silent' ? { responses: [{ data: { id: createdBy } }] } : { id: createdBy }
}

function samples(subscription: Subscription) {
  const {
    action: { action },
    task,
    suffix,
    only,
    idFrom,
  } = subscription
  const leftOut = (part: string): boolean =>
    only !== undefined && !only.includes(part) && optionalParts(subscription).includes(part)
  const event = { id: 'an-id', type: `sh.keptn.event.${task}.${suffix}`, shkeptncontext: 'a-context' }
  const fields = suffix === 'triggered' ? Object.entries(action?.input.shape ?? {}) : []
  const sent = fields.filter(([name]) => !leftOut(name) && !(name === 'id' && idFrom !== undefined))
  const properties = Object.fromEntries(fields.map(([name, type]) => [name, isMap(type) ? { part: hard } : hard]))
  const own: GoObject = {
    ...(task === approval ? { pass: 'manual', warning: 'manual' } : {}),
    ...(action ? {} : { action: hard }),
    ...properties,
  }
  // Its own properties, as long as it has found nothing.
  const evaluated = !(task === 'evaluation' && suffix === 'triggered')
  const value = { metric: hard, value: 1.5, success: true }
  const evaluation: GoObject = evaluated
    ? { score: 0, scoreText: hard, indicatorResults: [{ displayName: hard, value }] }
    : {}
  const problem = { ProblemID: hard, ProblemTitle: hard, ProblemURL: hard, State: hard }
  const data = {
    ...place,
    status: hard,
    result: hard,
    message: hard,
    labels: { name: hard },
    problem,
    evaluation,
    ...(idFrom === undefined || idFrom === 'last' ? {} : { [idFrom.task]: answerOf(idFrom) }),
    [task]: { ...(task === 'evaluation' ? evaluation : {}), ...own },
  }
  const expected: [string[], string][] = [
    [['id'], event.id],
    [['type'], event.type],
    [['data', 'service'], place.service],
    ...sent.map(([name, type]): [string[], string] => [['input', name, ...(isMap(type) ? ['part'] : [])], hard]),
    ...(idFrom === undefined
      ? []
      : [[['input', 'id'], idFrom === 'last' ? LAST_RUN : createdBy] as [string[], string]]),
    ...(action?.isNotification && !leftOut('data.problem')
      ? [[['data', 'problem', 'ProblemTitle'], hard] as [string[], string]]
      : []),
    ...(action?.isNotification && evaluated && !leftOut('data.evaluation')
      ? ([
          suffix === 'finished' ? [['data', 'evaluation', 'score'], '0'] : [['data', 'evaluation', 'scoreText'], hard],
          [['data', 'evaluation', 'indicatorResults', '0', 'value', 'metric'], hard],
        ] satisfies [string[], string][])
      : []),
    ...(action || suffix !== 'triggered' ? [] : [[['data', task, 'action'], hard] as [string[], string]]),
  ]
  return { bare: { ...event, data: place }, full: { ...event, data }, expected }
}

/** What the receiver gets of an event. */
function receive(
  subscription: Subscription,
  event: GoObject,
): { form: Record<string, unknown>; warnings: ModeWarning[] } {
  const played = preview(webhookYaml(subscription), event, { secret_webhooks_token: 'a-token' })
  if ('configError' in played) throw refused(played.configError)
  if ('dropped' in played) throw new Error(`The sample event is invalid: ${played.dropped}`)
  const [result] = played.results
  if (!result) throw new Error('The subscription is not to its own event.')
  if ('refused' in result) throw refused(result.refused)
  const form = nest(new URLSearchParams(result.argv[result.argv.indexOf('--data') + 1]))
  return { form, warnings: played.warnings }
}

function at(value: unknown, [first, ...rest]: readonly string[]): unknown {
  if (first === undefined) return value
  return isRecord(value) ? at(value[first], rest) : undefined
}

function refused(why: string): UsageError {
  return new UsageError(['Keptn would refuse this webhook:', why, explain(why)].filter(Boolean).join(' '))
}
