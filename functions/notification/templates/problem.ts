import { problemFields, problemIn } from '../../../shared/orchestrators/event/problem.ts'
import type { Mood } from '../../../shared/providers/message.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { compose, MAX_TITLE, type Template } from './compose.ts'
import { locationOf, nameOf, stateOf } from './event-title.ts'
import { textOf } from './event-values.ts'
import { field } from './fields-and-links.ts'

const MOODS = new Map<string | undefined, Mood>([
  ['open', 'bad'],
  ['resolved', 'good'],
  ['closed', 'good'],
])

/**
 * The problem in an event, in the format of Dynatrace, and the state of the task.
 *
 * @see https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration
 */
export const problem: Template = (context) => {
  const { event } = context
  const details = problemFields(event)
  const state = textOf(details['State'])?.toLowerCase()
  const { title, impacted = [] } = problemIn(event) ?? {}
  const location = locationOf(event)
  const suffix = location && ` (${location})`
  const prefix = ['Problem', state].filter(Boolean).join(' ')
  const { mood, verb } = stateOf(event, 'succeeded')
  return compose(context, {
    mood: MOODS.get(state) ?? mood,
    title: clipSingleLine(title ? `${prefix}: ${title}` : prefix, MAX_TITLE - suffix.length) + suffix,
    fields: [
      ...field('State', state),
      ...field('Severity', details['ProblemSeverity']),
      ...field('Impact', details['ProblemImpact']),
      ...field(impacted.length > 1 ? 'Impacted entities' : 'Impacted entity', impacted.join(', ')),
      ...field('Tags', details['Tags']),
      ...field('Event', verb && `${nameOf(event)} ${verb}`),
    ],
  })
}
