import type { Field, Mood, Table } from '../../../shared/providers/message.ts'
import { compose, type Template } from './compose.ts'
import { field, resultsOf, tableOf } from './facts.ts'
import { standingOf, titleOf } from './standing.ts'
import { forPeople, humanName, lasting, numberOf, periodOf, recordsOf, textOf } from './values.ts'

/**
 * A test: when it ran, what it measured, and what became of each threshold.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (test)
 */
export const test: Template = (occasion) => {
  const { event } = occasion
  const { teststrategy, start, end, thresholds, ...results } = event.properties
  const standing = standingOf(event, 'passed')
  const { fields, links } = resultsOf(withoutMetrics(results))
  return compose(occasion, {
    mood: standing.mood,
    title: titleOf('Test', event, standing),
    fields: [
      ...field('Strategy', teststrategy),
      ...field('Period', periodOf(start, end)),
      ...metricsOf(results),
      ...fields,
    ],
    table: tableOf(['Metric', 'Value', 'Target'], recordsOf(thresholds).map(rowOf)),
    links,
  })
}

/** How to write what load tests measure, by the names that it has for every platform; the most telling first. */
const metrics = new Map<string, (value: number) => string>([
  ['p95', milliseconds],
  ['errorRate', (value) => `${forPeople(value * 100)} %`],
  ['rps', (value) => `${forPeople(value)} per second`],
  ['requests', forPeople],
  ['errors', forPeople],
  ['duration', lasting],
  ['mean', milliseconds],
  ['p50', milliseconds],
  ['p90', milliseconds],
  ['p99', milliseconds],
  ['max', milliseconds],
  ['min', milliseconds],
])

function milliseconds(value: number): string {
  return `${forPeople(value)} ms`
}

function metricsOf(results: Record<string, unknown>): Field[] {
  return [...metrics.keys()].flatMap((metric) => field(humanName(metric), written(metric, results[metric])))
}

/** What is no number is told as any other result. */
function withoutMetrics(results: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(results).filter(([name, value]) => !metrics.has(name) || numberOf(value) === undefined),
  )
}

const moods = new Map<unknown, Mood>([
  ['pass', 'good'],
  ['warning', 'warning'],
  ['fail', 'bad'],
])

/** A threshold, as our load tests answer it: see `Judged`. */
function rowOf({ metric, op, value, warn, actual, result }: Record<string, unknown>): Table['rows'][number] {
  const name = textOf(metric) ?? ''
  const limit = (number: unknown) => [textOf(op), written(name, number)].filter(Boolean).join(' ')
  return {
    mood: moods.get(result) ?? 'neutral',
    cells: [
      humanName(name) || 'Unnamed',
      written(name, actual) || 'not measured',
      numberOf(warn) === undefined ? limit(value) : `${limit(warn)}; warning ${limit(value)}`,
    ],
  }
}

/** A number with the unit that its metric has; of anything else nothing. */
function written(metric: string, value: unknown): string {
  const number = numberOf(value)
  return number === undefined ? '' : (metrics.get(metric) ?? forPeople)(number)
}
