import type { CallEvent } from '../../../shared/orchestrators/event/event.ts'
import { problemIn } from '../../../shared/orchestrators/event/problem.ts'
import type { Field, Link, Message, MessageContext, Table } from '../../../shared/providers/message.ts'
import { isRecord } from '../../../shared/record.ts'
import { clip } from '../../../shared/text/plain-text.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { textOfMessage } from './event-message.ts'
import { hasEnded } from './event-title.ts'
import { numberOf } from './event-values.ts'
import { type FieldsAndLinks, field, fieldsAndLinks, linkTo } from './fields-and-links.ts'

/** Converts any event to a message. */
export type Template = (context: MessageContext) => Message

export const MAX_TITLE = 200
/** Limits of each part, in characters or items. Platforms with lower limits cut further. */
const MAX = { text: 3_000, fields: 12, name: 80, value: 500, links: 5, cell: 200 }

/** The parts of a message that depend on the template. */
interface TemplateParts extends Pick<Message, 'mood' | 'title' | 'table'>, Partial<FieldsAndLinks> {
  /** Overrides the result of the event. */
  result?: string | undefined
}

/** Combines the parts of a template with the common parts of an event, within the limits. */
export function compose({ event, sequenceUrl }: MessageContext, parts: TemplateParts): Message {
  const { message, labels } = event.data
  const problem = problemIn(event)
  const fromLabels = fieldsAndLinks(Object.entries(labels))
  const text = clip(textOfMessage(message).toWellFormed(), MAX.text)
  return {
    mood: parts.mood,
    title: line(parts.title, MAX_TITLE),
    ...(text ? { text } : {}),
    fields: limitFields([...commonFields(event, parts.result), ...(parts.fields ?? []), ...fromLabels.fields]),
    ...(parts.table ? { table: limitTable(parts.table) } : {}),
    links: limitLinks([
      ...linkTo('Open in the orchestrator', sequenceUrl),
      ...(parts.links ?? []),
      ...linkTo(problem?.id ? `Problem ${problem.id}` : 'Problem', problem?.url),
      ...fromLabels.links,
    ]),
  }
}

/** Returns the image to deploy and the result of an earlier evaluation of the sequence. */
function sequenceFields({ task, data }: CallEvent): Field[] {
  const { configurationChange: change, evaluation } = data
  const { values } = change ?? {}
  return [
    ...field('Image', isRecord(values) ? values['image'] : undefined),
    ...(task === 'evaluation' ? [] : evaluationFields(evaluation)),
  ]
}

/** Without a score, returns the result: it may be that of an earlier stage. */
function evaluationFields(evaluation: CallEvent['data']['evaluation']): Field[] {
  const score = numberOf(evaluation?.['score'])
  return score === undefined ? field('Evaluation', evaluation?.['result']) : field('Evaluation score', score)
}

function commonFields(event: CallEvent, result = event.data.result): Field[] {
  const { project, stage, service, status } = event.data
  return [
    ...field('Project', project),
    ...field('Stage', stage),
    ...field('Service', service),
    ...(event.kind === 'triggered' ? field('Result so far', result) : []),
    ...(hasEnded(event) ? field('Result', result) : []),
    ...(hasEnded(event) && status !== 'succeeded' ? field('Status', status) : []),
    ...sequenceFields(event),
  ]
}

function limitFields(fields: Field[]): Field[] {
  return fields
    .map(({ name, value }) => ({ name: line(name, MAX.name), value: line(value, MAX.value) }))
    .filter(({ name, value }) => name && value)
    .slice(0, MAX.fields)
}

function limitTable({ columns, rows }: Table): Table {
  return {
    columns,
    rows: rows.map(({ mood, cells }) => ({ mood, cells: cells.map((cell) => line(cell, MAX.cell)) })),
  }
}

/** Returns the first link to each URL. */
function limitLinks(links: Link[]): Link[] {
  const seen = new Set<string>()
  return links
    .filter(({ url }) => !seen.has(url) && seen.add(url))
    .slice(0, MAX.links)
    .map(({ label, url }) => ({ label: line(label, MAX.name) || 'Link', url }))
}

function line(text: string, length: number): string {
  return clipSingleLine(text.toWellFormed(), length)
}
