import type { CallEvent } from '../../../shared/orchestrators/keptn/event.ts'
import { problemOf } from '../../../shared/orchestrators/keptn/problem.ts'
import type { Field, Link, Message, MessageContext, Table } from '../../../shared/providers/message.ts'
import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { type Facts, factsOf, field, linkTo } from './facts.ts'
import { isOver } from './standing.ts'
import { clip, numberOf } from './values.ts'

/** Makes a message of an event: nothing but the event goes in, and any event comes out as a message. */
export type Template = (occasion: MessageContext) => Message

/** In characters. */
export const longestTitle = 200
/** What a message takes; a platform that takes less cuts further. */
const most = { text: 3_000, fields: 12, name: 80, value: 500, links: 5, cell: 200 }

/** What a template has found in an event, beside what every event has. */
interface Found extends Pick<Message, 'mood' | 'title' | 'table'>, Partial<Facts> {
  /** Where it is not the event's own. */
  result?: string | undefined
}

/** The message of an event: what a template has found and what every event has, within the bounds of a message. */
export function compose({ event, bridgeUrl: bridge }: MessageContext, found: Found): Message {
  const { message, labels } = event.data
  const problem = problemOf(event)
  const ofLabels = factsOf(Object.entries(labels))
  const text = clip(message ?? '', most.text)
  return {
    mood: found.mood,
    title: line(found.title, longestTitle),
    ...(text ? { text } : {}),
    fields: fieldsWithin([...commonFields(event, found.result), ...(found.fields ?? []), ...ofLabels.fields]),
    ...(found.table ? { table: tableWithin(found.table) } : {}),
    links: linksWithin([
      ...linkTo('Open in the Bridge', bridge),
      ...(found.links ?? []),
      ...linkTo(problem?.id ? `Problem ${problem.id}` : 'Problem', problem?.url),
      ...ofLabels.links,
    ]),
  }
}

/** What was to be deployed, and how an earlier evaluation of the sequence went. */
function soFar({ task, data }: CallEvent): Field[] {
  const { configurationChange: change, evaluation } = data
  const { values } = change ?? {}
  return [
    ...field('Image', isRecord(values) ? values['image'] : undefined),
    ...(task === 'evaluation' ? [] : evaluationSoFar(evaluation)),
  ]
}

/** The result alone if the score is not known: it may be that of an earlier stage. */
function evaluationSoFar(evaluation: CallEvent['data']['evaluation']): Field[] {
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
    ...(isOver(event) ? field('Result', result) : []),
    ...(isOver(event) && status !== 'succeeded' ? field('Status', status) : []),
    ...soFar(event),
  ]
}

function fieldsWithin(fields: Field[]): Field[] {
  return fields
    .map(({ name, value }) => ({ name: line(name, most.name), value: line(value, most.value) }))
    .filter(({ name, value }) => name && value)
    .slice(0, most.fields)
}

function tableWithin({ columns, rows }: Table): Table {
  return {
    columns,
    rows: rows.map(({ mood, cells }) => ({ mood, cells: cells.map((cell) => line(cell, most.cell)) })),
  }
}

/** Two names of one place are one link: the first. */
function linksWithin(links: Link[]): Link[] {
  const seen = new Set<string>()
  return links
    .filter(({ url }) => !seen.has(url) && seen.add(url))
    .slice(0, most.links)
    .map(({ label, url }) => ({ label: line(label, most.name) || 'Link', url }))
}

function line(text: string, length: number): string {
  return clipSingleLine(text.toWellFormed(), length)
}
