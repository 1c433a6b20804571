import * as z from 'zod/mini'
import { LAST_RUN, unwrap } from '../../../shared/fields.ts'
import { choicesOf, target } from '../fields.ts'
import type { NamedAction } from '../names.ts'

/** The task that created something, and in which mode it did; or the newest run that was started in the sequence. */
export type IdSource = { task: string; mode: 'silent' | 'interactive' } | 'last'

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
  /** Whose id the action gets: that of what an earlier task created, or of the newest run of the sequence. */
  idFrom?: IdSource | undefined
  /** The optional parts to send, see `optionalParts`; undefined for all of them. */
  only?: readonly string[] | undefined
}

/** The standard task, of which Keptn's approval-service has a part. */
export const approval = 'approval'

const always = ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service']

/**
 * The form that a subscription sends, as a Go template. Each value goes through `urlquery`, so no value can break it, and
 * what an event may lack is not referred to.
 */
export function payloadOf(subscription: Subscription): string {
  return [
    always.map((name) => `${name}={{urlquery .${name}}}`).join('&'),
    ...contextOf(subscription),
    inputOf(subscription),
    subscription.idFrom === undefined ? '' : idOf(subscription.idFrom),
  ].join('')
}

/** The parts of a payload that `only` can leave out: optional input fields, and `data.<field>` for the event's own data. */
export function optionalParts(subscription: Subscription): string[] {
  const input = inputFields(subscription).filter(([, type]) => isOptional(type))
  return [...Object.keys(eventParts(subscription)), ...input.map(([name]) => name)]
}

const isWanted = ({ only }: Subscription, part: string): boolean => only === undefined || only.includes(part)

/** What the action makes its title, its message or its decision of. */
function contextOf(subscription: Subscription): string[] {
  const { action, task, suffix, when } = subscription
  const parts = Object.entries(eventParts(subscription)).filter(([name]) => isWanted(subscription, name))
  const texts = parts.flatMap(([name, template]) => (template === undefined ? [name.slice('data.'.length)] : []))
  const decides = action.action?.type === 'approval' && task === approval && suffix === 'triggered'
  if ((when !== undefined || decides) && !texts.includes('result')) texts.push('result')
  return [
    texts.length > 0 ? members('.data', texts, 'data') : '',
    ...parts.flatMap(([, template]) => template ?? []),
    ...(decides ? [block(approval, ['pass', 'warning'])] : []),
    // The function decides by the same data as Keptn's approval-service.
    ...(decides && !isWanted(subscription, 'data.evaluation') ? [block('evaluation', ['result'])] : []),
  ]
}

/** The optional parts of the event by their names, with their templates; undefined for a text of `data`. */
function eventParts({ action: { action }, task, suffix, mode }: Subscription): Record<string, string | undefined> {
  const tells = action?.isNotification === true
  const opens = action?.kind === 'ticket' && Object.hasOwn(action.input.shape, 'title')
  // Of an evaluation that is still to be made, these are its properties, and input.
  const evaluated = tells && !(task === 'evaluation' && suffix === 'triggered')
  return {
    ...(tells ? { 'data.status': undefined, 'data.message': undefined, 'data.result': undefined } : {}),
    ...(tells || mode === 'interactive' ? { 'data.labels': each('.data', 'labels', 'data.labels') } : {}),
    ...(tells || opens ? { 'data.problem': problem() } : {}),
    ...(evaluated ? { 'data.evaluation': evaluation(suffix) } : {}),
    // An evaluation without a time frame is made for the time of the test before it.
    ...(action?.kind === 'evaluation' ? { 'data.test': block('test', ['start', 'end']) } : {}),
  }
}

/**
 * The problem of the event, wherever it stands: of a remediation, of the quick start's trigger, or of Dynatrace's
 * notification.
 */
function problem(): string {
  const sources = ['problem', 'incident', 'dynatraceProblem'].map((name) => `(index .data "${name}")`)
  const parts = ['ProblemID', 'ProblemTitle', 'ProblemURL', 'State', 'Tags']
  return members(`or ${sources.join(' ')}`, parts, 'data.problem')
}

/** What an evaluation has found, objective by objective. On a triggered event, `score` may be that of an earlier stage. */
function evaluation(suffix: Subscription['suffix']): string {
  const at = 'data.evaluation'
  const objective = `${at}.indicatorResults.{{$i}}`
  return [
    '{{with index .data "evaluation"}}',
    members('.', [suffix === 'finished' ? 'score' : 'scoreText', 'result', 'timeStart', 'timeEnd'], at),
    suffix === 'finished' ? unless('score', '0', `${at}.score`, '0') : '',
    '{{range $i, $r := index . "indicatorResults"}}',
    members('$r', ['displayName', 'status', 'score', 'keySli'], objective),
    `{{range $n, $v := index $r "value"}}{{if eq $n "metric" "value" "success"}}&${objective}.value.{{$n}}={{urlquery $v}}{{end}}{{end}}`,
    '{{end}}{{end}}',
  ].join('')
}

function inputFields({ action: { action }, suffix, idFrom }: Subscription): [string, z.core.$ZodType][] {
  if (suffix !== 'triggered') return []
  const fields = Object.entries(action?.input.shape ?? {})
  // The property of that name may be what an earlier task of the same name answered.
  return idFrom === undefined ? fields : fields.filter(([name]) => name !== 'id')
}

/** Index, since a dash may be in the name of a task; and with, since a task that failed left no id. */
function idOf(source: IdSource): string {
  if (source === 'last') return `&input.id=${LAST_RUN}`
  const { task, mode } = source
  const silent = ['"responses"', '0', '"data"', '"id"']
  const path = [`.data "${task}"`, ...(mode === 'silent' ? silent : ['"id"']).map((key) => `. ${key}`)]
  return path.reduceRight((inner, key) => `{{with index ${key}}}${inner}{{end}}`, '&input.id={{urlquery .}}')
}

const isOptional = (type: z.core.$ZodType): boolean => type._zod.optin === 'optional'

/** The input that the task's properties carry, without what an earlier task of its name has answered. */
function inputOf(subscription: Subscription): string {
  const { action, task, suffix } = subscription
  if (suffix !== 'triggered') return ''
  if (!action.action) return block(task, ['action', 'value'])
  const fields = inputFields(subscription).filter(([name, type]) => !isOptional(type) || isWanted(subscription, name))
  if (fields.length === 0) return ''
  const plain = fields.filter(([, type]) => !isMap(type)).map(([name]) => name)
  const others = fields.map(([name, type]) => othersOf(name, type))
  const templates = [plain.length > 0 ? members('.', plain, 'input') : '', ...others]
  return `{{with index .data "${task}"}}${templates.join('')}{{end}}`
}

/** What `members` does not send of a field: an object's values, and values that a template takes for nothing. */
function othersOf(name: string, type: z.core.$ZodType): string {
  const to = `input.${name}`
  if (isMap(type)) return each('.', name, to)
  const nothing = falseOf(type)
  return nothing ? unless(name, nothing.printed, to, nothing.value) : ''
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
  return members(`index .data "${name}"`, parts, `data.${name}`)
}

/** The named members of an object that are there and not empty. One loop is much shorter than a condition for each. */
function members(of: string, names: readonly string[], to: string): string {
  const quoted = names.map((name) => `"${name}"`).join(' ')
  return `{{range $n, $v := ${of}}}{{if and $v (eq $n ${quoted})}}&${to}.{{$n}}={{urlquery $v}}{{end}}{{end}}`
}

/** A value that a template takes for nothing, though it is given. */
function unless(name: string, printed: string, to: string, value: string): string {
  return `{{if eq (print (index . "${name}")) "${printed}"}}&${to}=${value}{{end}}`
}

function each(from: string, name: string, to: string): string {
  return `{{range $n, $v := index ${from} "${name}"}}&${to}.{{urlquery $n}}={{urlquery $v}}{{end}}`
}
