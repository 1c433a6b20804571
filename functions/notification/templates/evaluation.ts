import type { Mood, Table } from '../../../shared/providers/message.ts'
import { isRecord } from '../../../shared/record.ts'
import { compose, type Template } from './compose.ts'
import { hasEnded, stateOf, titleOf } from './event-title.ts'
import { formatNumber, numberOf, periodOf, recordsOf, textOf } from './event-values.ts'
import { field, tableOf } from './fields-and-links.ts'

/**
 * An evaluation: its score, and a table of the objectives with value and target.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (evaluation)
 */
export const evaluation: Template = (context) => {
  const { event } = context
  // A triggered event can contain the results of an earlier evaluation of the sequence.
  const { score, timeStart, timeEnd, indicatorResults, ...rest } = hasEnded(event) ? event.properties : {}
  const result = event.data.result ?? textOf(rest['result'])
  const state = stateOf(event, 'passed', result)
  const title = titleOf('Evaluation', event, state)
  // A failed evaluation also has a score of 0.
  const points = event.data.status === 'errored' ? '' : numberText(score)
  return compose(context, {
    mood: state.mood,
    title: points ? `${title} (score ${points})` : title,
    result,
    fields: [...field('Score', points), ...field('Period', periodOf(timeStart, timeEnd))],
    table: tableOf(['Objective', 'Value', 'Target', 'Score'], recordsOf(indicatorResults).map(rowOf)),
  })
}

const MOODS = new Map<unknown, Mood>([
  ['pass', 'good'],
  ['warning', 'warning'],
  ['fail', 'bad'],
  ['failed', 'bad'],
])

function rowOf(objective: Record<string, unknown>): Table['rows'][number] {
  const { displayName, status, score, keySli, value, passTargets, warningTargets } = objective
  const measured = isRecord(value) ? value : {}
  const name = textOf(displayName) ?? textOf(measured['metric']) ?? 'Unnamed'
  const warning = targetsOf(warningTargets)
  return {
    mood: MOODS.get(status) ?? 'neutral',
    cells: [
      keySli === true || keySli === 'true' ? `${name} (key)` : name,
      valueText(measured),
      [targetsOf(passTargets), warning && `warning ${warning}`].filter(Boolean).join('; '),
      numberText(score),
    ],
  }
}

/** Returns the measured value. A failed measurement has the value 0 and a reason. */
function valueText({ value, success, message }: Record<string, unknown>): string {
  if (success !== false && success !== 'false') return numberText(value)
  return ['none', textOf(message)].filter(Boolean).join(': ')
}

function targetsOf(targets: unknown): string {
  return recordsOf(targets).map(targetOf).filter(Boolean).join(', ')
}

/** Returns a target such as `<= 800`, or a relative one with its limit: `<= +10% (392.6)`. */
function targetOf({ criteria, targetValue }: Record<string, unknown>): string {
  const text = (textOf(criteria) ?? '').replace(/^([<>]=?|=)\s*/, '$1 ')
  const limit = numberOf(targetValue)
  return /[+%-]/.test(text) && limit ? `${text} (${formatNumber(limit)})` : text
}

function numberText(value: unknown): string {
  const number = numberOf(value)
  return number === undefined ? '' : formatNumber(number)
}
