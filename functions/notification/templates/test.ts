import type { Field, Mood, Table } from '../../../shared/providers/message.ts'
import { compose, type Template } from './compose.ts'
import { stateOf, titleOf } from './event-title.ts'
import { formatElapsed, formatNumber, humanName, numberOf, periodOf, recordsOf, textOf } from './event-values.ts'
import { field, resultsOf, tableOf } from './fields-and-links.ts'

/**
 * A test: its period, metrics and thresholds.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (test)
 */
export const test: Template = (context) => {
  const { event } = context
  const { teststrategy, start, end, thresholds, ...results } = event.properties
  const state = stateOf(event, 'passed')
  const { fields, links } = resultsOf(withoutMetrics(results))
  return compose(context, {
    mood: state.mood,
    title: titleOf('Test', event, state),
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

/** Formats the common metrics of load tests. The most important ones come first. */
const METRICS = new Map<string, (value: number) => string>([
  ['p95', formatMilliseconds],
  ['errorRate', (value) => `${formatNumber(value * 100)} %`],
  ['rps', (value) => `${formatNumber(value)} per second`],
  ['requests', formatNumber],
  ['errors', formatNumber],
  ['duration', formatElapsed],
  ['mean', formatMilliseconds],
  ['p50', formatMilliseconds],
  ['p90', formatMilliseconds],
  ['p99', formatMilliseconds],
  ['max', formatMilliseconds],
  ['min', formatMilliseconds],
])

function formatMilliseconds(value: number): string {
  return `${formatNumber(value)} ms`
}

function metricsOf(results: Record<string, unknown>): Field[] {
  return [...METRICS.keys()].flatMap((metric) => field(humanName(metric), formatMetric(metric, results[metric])))
}

/** Removes the numeric metrics. Other values are shown like any result. */
function withoutMetrics(results: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(results).filter(([name, value]) => !METRICS.has(name) || numberOf(value) === undefined),
  )
}

const MOODS = new Map<unknown, Mood>([
  ['pass', 'good'],
  ['warning', 'warning'],
  ['fail', 'bad'],
])

/** Returns the row of a threshold in the results of a load test. */
function rowOf({ metric, op, value, warn, actual, result }: Record<string, unknown>): Table['rows'][number] {
  const name = textOf(metric) ?? ''
  const limit = (number: unknown) => [textOf(op), formatMetric(name, number)].filter(Boolean).join(' ')
  return {
    mood: MOODS.get(result) ?? 'neutral',
    cells: [
      humanName(name) || 'Unnamed',
      formatMetric(name, actual) || 'not measured',
      numberOf(warn) === undefined ? limit(value) : `${limit(warn)}; warning ${limit(value)}`,
    ],
  }
}

/** Returns a number with the unit of its metric, or an empty text for other values. */
function formatMetric(metric: string, value: unknown): string {
  const number = numberOf(value)
  return number === undefined ? '' : (METRICS.get(metric) ?? formatNumber)(number)
}
