import type { Mood, Table } from '../../../shared/providers/message.ts'
import { isRecord } from '../../../shared/record.ts'
import { compose, type Template } from './compose.ts'
import { field, tableOf } from './facts.ts'
import { isOver, standingOf, titleOf } from './standing.ts'
import { forPeople, numberOf, periodOf, recordsOf, textOf } from './values.ts'

/**
 * An evaluation of objectives: its score, and each objective with its value and target.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (evaluation)
 */
export const evaluation: Template = (occasion) => {
  const { event } = occasion
  // What is triggered may carry the results of an earlier evaluation of its sequence.
  const { score, timeStart, timeEnd, indicatorResults, ...others } = isOver(event) ? event.properties : {}
  const result = event.data.result ?? textOf(others['result'])
  const standing = standingOf(event, 'passed', result)
  const title = titleOf('Evaluation', event, standing)
  // A score of 0 stands beside what could not be evaluated, too.
  const points = event.data.status === 'errored' ? '' : numberText(score)
  return compose(occasion, {
    mood: standing.mood,
    title: points ? `${title} (score ${points})` : title,
    result,
    fields: [...field('Score', points), ...field('Period', periodOf(timeStart, timeEnd))],
    table: tableOf(['Objective', 'Value', 'Target', 'Score'], recordsOf(indicatorResults).map(rowOf)),
  })
}

const moods = new Map<unknown, Mood>([
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
    mood: moods.get(status) ?? 'neutral',
    cells: [
      keySli === true || keySli === 'true' ? `${name} (key)` : name,
      measuredOf(measured),
      [targetsOf(passTargets), warning && `warning ${warning}`].filter(Boolean).join('; '),
      numberText(score),
    ],
  }
}

/** A provider that found nothing says why, and its 0 is no value. */
function measuredOf({ value, success, message }: Record<string, unknown>): string {
  if (success !== false && success !== 'false') return numberText(value)
  return ['none', textOf(message)].filter(Boolean).join(': ')
}

function targetsOf(targets: unknown): string {
  return recordsOf(targets).map(targetOf).filter(Boolean).join(', ')
}

/** `<= 800`; of one that is relative to earlier evaluations also what that came to: `<= +10% (392.6)`. */
function targetOf({ criteria, targetValue }: Record<string, unknown>): string {
  const written = (textOf(criteria) ?? '').replace(/^([<>]=?|=)\s*/, '$1 ')
  const limit = numberOf(targetValue)
  return /[+%-]/.test(written) && limit ? `${written} (${forPeople(limit)})` : written
}

function numberText(value: unknown): string {
  const number = numberOf(value)
  return number === undefined ? '' : forPeople(number)
}
