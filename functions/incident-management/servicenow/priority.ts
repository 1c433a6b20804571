import { invalidInput } from '../../../shared/errors.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'

/** For both urgency and severity. */
export const SCALE: Levels = { critical: '1', high: '1', medium: '2', low: '3' }
const PRIORITIES: Levels = { critical: '1', high: '2', medium: '3', low: '5' }
/**
 * ServiceNow computes the priority from impact and urgency. These are the pairs of the default lookup table.
 *
 * @see https://www.servicenow.com/docs/r/it-service-management/incident-management/def-prio-lookup-rules.html
 */
const IMPACT_AND_URGENCY = new Map([
  ['1', { impact: '1', urgency: '1' }],
  ['2', { impact: '1', urgency: '2' }],
  ['3', { impact: '2', urgency: '2' }],
  ['4', { impact: '2', urgency: '3' }],
  ['5', { impact: '3', urgency: '3' }],
])

export function impactAndUrgency(priority: string): { impact: string; urgency: string } {
  const pair = IMPACT_AND_URGENCY.get(platformLevel(PRIORITIES, priority))
  if (pair) return pair
  throw invalidInput('input.priority', 'must be critical, high, medium or low, or a number from 1 to 5')
}
