import type { Report } from '../../shared/providers/report.ts'
import { clipSingleLine } from '../../shared/text/single-line.ts'
import { textOf } from '../notification/templates/values.ts'
import { objectivesOf, type ToldObjective } from './objectives.ts'

/** Holds the identity of the call, by which a repeat finds the event. */
export const keyProperty = 'cloudAutomationWebhooksKey'

/** Dynatrace refuses an event with more, or with longer ones. */
const most = 100
const longestKey = 100
const longestValue = 4_096

const order = ['fail', 'warning', 'pass', 'info']

/**
 * An evaluation as the properties of an event, within what Dynatrace takes: what is asked for first, then each objective,
 * those that were missed before the others, then the labels.
 *
 * @param key the identity of the call
 * @param asked properties of the caller's own, which come before ours
 */
export function propertiesOf(
  { evaluation, event, message }: Report,
  key: string | undefined,
  asked: Record<string, unknown>,
): Record<string, string> {
  const { result, score, timeStart, timeEnd } = evaluation
  const { project, stage, service, shkeptncontext: keptnContext, labels } = event
  const properties = new Map<string, string>()
  for (const [name, value] of Object.entries(asked)) properties.set(name, String(value).slice(0, longestValue))
  if (key !== undefined) properties.set(keyProperty, key)
  add(properties, { result, score, project, stage, service, keptnContext, timeStart, timeEnd }, most)
  add(properties, { url: message.links[0]?.url }, most)
  const objectives = objectivesOf(evaluation).toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status))
  // One is kept for their number, where not all have a place.
  const room = most - 1
  const told = add(properties, named(objectives), room)
  if (told < objectives.length) properties.set('objectivesLeftOut', String(objectives.length - told))
  add(
    properties,
    Object.fromEntries(Object.entries(labels ?? {}).map(([name, value]) => [`label.${name}`, value])),
    most,
  )
  return Object.fromEntries(properties)
}

/** Adds what has a value and no name that is taken already; answers how many those were. */
function add(properties: Map<string, string>, more: Record<string, unknown>, room: number): number {
  let added = 0
  for (const [name, value] of Object.entries(more)) {
    const [property, text] = [clipSingleLine(name, longestKey), clipSingleLine(textOf(value) ?? '', longestValue)]
    if (text === '' || properties.has(property) || properties.size >= room) continue
    properties.set(property, text)
    added++
  }
  return added
}

function named(objectives: readonly ToldObjective[]): Record<string, string> {
  const seen = new Map<string, number>()
  const told = objectives.map(({ name, status, value, target }) => {
    // Nothing keeps two from having one name.
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    const text = `${status}: ${value ?? 'no data'}${target ? ` (target ${target})` : ''}`
    return [`objective.${name}${count > 1 ? ` #${count}` : ''}`, text]
  })
  return Object.fromEntries(told)
}
