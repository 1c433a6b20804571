import * as z from 'zod/mini'
import { unwrap } from '../../../shared/fields.ts'
import { choicesOf, target } from '../fields.ts'
import type { NamedAction } from '../names.ts'

/** Which event calls what, and how. */
export interface Subscription {
  action: NamedAction
  task: string
  suffix: 'triggered' | 'started' | 'finished'
  mode: 'silent' | 'interactive'
  /** The API's URL, without a slash or `/v1`. */
  url: string
  connection?: string | undefined
  deadline?: string | undefined
  when?: string | undefined
}

/** The standard task, of which Keptn's approval-service has a part. */
export const approval = 'approval'

const always = ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service']

/**
 * The form that a subscription sends, as a Go template: each value goes through `urlquery`, what an event may lack stands
 * inside `with`. No value can break it.
 */
export function payloadOf(subscription: Subscription): string {
  return [
    always.map((name) => `${name}={{urlquery .${name}}}`).join('&'),
    ...contextOf(subscription),
    inputOf(subscription),
  ].join('')
}

/** What the action makes its title, its message or its decision of. */
function contextOf({ action: { action }, task, suffix, mode, when }: Subscription): string[] {
  const tells = action?.tells === true
  const opens = action?.shape === 'ticket' && Object.hasOwn(action.input.shape, 'title')
  return [
    ...(tells ? ['status', 'message'].map((name) => optional('.data', name, `data.${name}`)) : []),
    ...(tells || when !== undefined ? [optional('.data', 'result', 'data.result')] : []),
    ...(tells || mode === 'interactive' ? [each('.data', 'labels', 'data.labels')] : []),
    ...(tells || opens ? [problem()] : []),
    // Of an evaluation that is still to be made, these are its properties, and input.
    ...(tells && !(task === 'evaluation' && suffix === 'triggered') ? [evaluation(suffix)] : []),
    // An evaluation without a time frame is made for the time of the test before it.
    ...(action?.shape === 'evaluation' ? [block('test', ['start', 'end'])] : []),
    ...(action?.ask && task === approval && suffix === 'triggered' ? [block(approval, ['pass', 'warning'])] : []),
  ]
}

/**
 * The problem of the event, wherever it stands: of a remediation, of the quick start's trigger, or of Dynatrace's
 * notification.
 */
function problem(): string {
  const sources = ['problem', 'incident', 'dynatraceProblem'].map((name) => `(index .data "${name}")`)
  const parts = ['ProblemID', 'ProblemTitle', 'ProblemURL', 'State', 'Tags']
  const sent = parts.map((part) => optional('.', part, `data.problem.${part}`))
  return `{{with or ${sources.join(' ')}}}${sent.join('')}{{end}}`
}

/** What an evaluation has found, objective by objective. On a triggered event, `score` may be that of an earlier stage. */
function evaluation(suffix: Subscription['suffix']): string {
  const at = 'data.evaluation'
  const objective = `${at}.indicatorResults.{{$i}}`
  const parts = ['result', 'timeStart', 'timeEnd'].map((name) => optional('.', name, `${at}.${name}`))
  const named = ['displayName', 'status', 'score', 'keySli'].map((name) => optional('$r', name, `${objective}.${name}`))
  const value = ['metric', 'value', 'success'].map((name) => `&${objective}.value.${name}={{urlquery .${name}}}`)
  return [
    '{{with index .data "evaluation"}}',
    suffix === 'finished'
      ? optional('.', 'score', `${at}.score`) + unless('score', '0', `${at}.score`, '0')
      : optional('.', 'scoreText', `${at}.scoreText`),
    ...parts,
    '{{range $i, $r := index . "indicatorResults"}}',
    ...named,
    `{{with index $r "value"}}${value.join('')}{{end}}`,
    '{{end}}{{end}}',
  ].join('')
}

/** The input that the task's properties carry; what an earlier task of its name has answered is none. */
function inputOf({ action: { action }, task, suffix }: Subscription): string {
  if (suffix !== 'triggered') return ''
  if (!action) return block(task, ['action', 'value'])
  const fields = Object.entries(action.input.shape).map(([name, type]) => fieldOf(name, type))
  return `{{with index .data "${task}"}}${fields.join('')}{{end}}`
}

function fieldOf(name: string, type: z.core.$ZodType): string {
  const to = `input.${name}`
  if (isMap(type)) return each('.', name, to)
  // A template takes false and 0 for nothing.
  const nothing = falseOf(type)
  return optional('.', name, to) + (nothing ? unless(name, nothing.printed, to, nothing.value) : '')
}

/** Whether the properties hold an object of names and values there. */
export function isMap(type: z.core.$ZodType): boolean {
  return unwrap(type)._zod.def.type === 'record'
}

function falseOf(type: z.core.$ZodType): { printed: string; value: string } | undefined {
  // YAML takes a bare `off` for false.
  if (choicesOf(type)?.includes('off')) return { printed: 'false', value: 'off' }
  return target(unwrap(type)) instanceof z.ZodMiniNumber ? { printed: '0', value: '0' } : undefined
}

function block(name: string, parts: readonly string[]): string {
  const held = parts.map((part) => optional('.', part, `data.${name}.${part}`))
  return `{{with index .data "${name}"}}${held.join('')}{{end}}`
}

function optional(from: string, name: string, to: string): string {
  return `{{with index ${from} "${name}"}}&${to}={{urlquery .}}{{end}}`
}

/** What `with` leaves out, though it is said. */
function unless(name: string, printed: string, to: string, value: string): string {
  return `{{if eq (print (index . "${name}")) "${printed}"}}&${to}=${value}{{end}}`
}

function each(from: string, name: string, to: string): string {
  return `{{range $name, $value := index ${from} "${name}"}}&${to}.{{urlquery $name}}={{urlquery $value}}{{end}}`
}
