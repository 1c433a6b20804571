import type { Report } from '../../../shared/providers/report.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { textOf } from '../../notification/templates/event-values.ts'
import { objectivesOf, type ReportedObjective } from '../objectives.ts'

/** The property that stores the idempotency key, so that a retry finds the event. */
export const KEY_PROPERTY = 'cloudAutomationWebhooksKey'

// Dynatrace refuses an event that exceeds one of these.
const MAX_PROPERTIES = 100
const MAX_KEY = 100
const MAX_VALUE = 4_096

const severity = ['fail', 'warning', 'pass', 'info']

/**
 * Returns an evaluation as the properties of an event, within the limits of Dynatrace. Custom properties come first, then
 * the evaluation, then its objectives from failed to passed, then the labels.
 *
 * @param custom properties from the input of the call. They replace properties of the same name
 */
export function propertiesOf(
  { evaluation, event, message }: Report,
  idempotencyKey: string | undefined,
  custom: Record<string, unknown>,
): Record<string, string> {
  const { result, score, timeStart, timeEnd } = evaluation
  const { project, stage, service, shkeptncontext: keptnContext, labels } = event
  const properties = new Map<string, string>()
  for (const [name, value] of Object.entries(custom)) properties.set(name, String(value).slice(0, MAX_VALUE))
  if (idempotencyKey !== undefined) properties.set(KEY_PROPERTY, idempotencyKey)
  add(properties, { result, score, project, stage, service, keptnContext, timeStart, timeEnd }, MAX_PROPERTIES)
  add(properties, { url: message.links[0]?.url }, MAX_PROPERTIES)
  const objectives = objectivesOf(evaluation).toSorted(
    (a, b) => severity.indexOf(a.status) - severity.indexOf(b.status),
  )
  // One property is reserved for the number of omitted objectives.
  const added = add(properties, objectiveProperties(objectives), MAX_PROPERTIES - 1)
  if (added < objectives.length) properties.set('objectivesLeftOut', String(objectives.length - added))
  const labelProperties = Object.entries(labels ?? {}).map(([name, value]) => [`label.${name}`, value])
  add(properties, Object.fromEntries(labelProperties), MAX_PROPERTIES)
  return Object.fromEntries(properties)
}

/** Adds the values that are not empty and whose name is not taken. Returns how many were added. */
function add(properties: Map<string, string>, values: Record<string, unknown>, maxProperties: number): number {
  let added = 0
  for (const [name, value] of Object.entries(values)) {
    const property = clipSingleLine(name, MAX_KEY)
    const text = clipSingleLine(textOf(value) ?? '', MAX_VALUE)
    if (text === '' || properties.has(property) || properties.size >= maxProperties) continue
    properties.set(property, text)
    added++
  }
  return added
}

function objectiveProperties(objectives: readonly ReportedObjective[]): Record<string, string> {
  const counts = new Map<string, number>()
  const properties = objectives.map(({ name, status, value, target }) => {
    // Names are not unique.
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const text = `${status}: ${value ?? 'no data'}${target ? ` (target ${target})` : ''}`
    return [`objective.${name}${count > 1 ? ` #${count}` : ''}`, text]
  })
  return Object.fromEntries(properties)
}
