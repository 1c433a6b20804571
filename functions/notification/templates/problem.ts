import { problemFields, problemOf } from '../../../shared/orchestrators/keptn/problem.ts'
import type { Mood } from '../../../shared/providers/message.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { compose, longestTitle, type Template } from './compose.ts'
import { field } from './facts.ts'
import { nameOf, placeOf, standingOf } from './standing.ts'
import { textOf } from './values.ts'

const moods = new Map<string | undefined, Mood>([
  ['open', 'bad'],
  ['resolved', 'good'],
  ['closed', 'good'],
])

/**
 * A problem that an event carries, by the names that Dynatrace has for its parts; and what the event says of its task.
 *
 * @see https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration
 */
export const problem: Template = (occasion) => {
  const { event } = occasion
  const held = problemFields(event)
  const state = textOf(held['State'])?.toLowerCase()
  const { title, impacted = [] } = problemOf(event) ?? {}
  const place = placeOf(event)
  const where = place && ` (${place})`
  const what = ['Problem', state].filter(Boolean).join(' ')
  const { mood, verb } = standingOf(event, 'succeeded')
  return compose(occasion, {
    mood: moods.get(state) ?? mood,
    title: clipSingleLine(title ? `${what}: ${title}` : what, longestTitle - where.length) + where,
    fields: [
      ...field('State', state),
      ...field('Severity', held['ProblemSeverity']),
      ...field('Impact', held['ProblemImpact']),
      ...field(impacted.length > 1 ? 'Impacted entities' : 'Impacted entity', impacted.join(', ')),
      ...field('Tags', held['Tags']),
      ...field('Event', verb && `${nameOf(event)} ${verb}`),
    ],
  })
}
