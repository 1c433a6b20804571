import * as z from 'zod/mini'
import { LAST_RUN, unwrap } from '../../../../shared/fields.ts'
import { isRecord } from '../../../../shared/record.ts'
import type { NamedAction } from '../../../project/find-by-name.ts'
import { choicesOf, target } from '../../../project/schema-fields.ts'

/** Source of the id: the result of an earlier task, or the most recent run of the sequence. */
export type IdSource = { task: string; mode: 'silent' | 'interactive' } | 'last'

/** A Keptn subscription that calls an action. */
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
  idFrom?: IdSource | undefined
  /** The optional parts to send, see `optionalParts`. Defaults to all. */
  only?: readonly string[] | undefined
  /** The input, if it is the same for each event. Defaults to the properties of the task. */
  input?: Record<string, unknown> | undefined
  /** More of the query, such as `labels`. */
  options?: Record<string, string> | undefined
}

/** The URL of an API that is not known. */
export const PLACEHOLDER_URL = 'https://webhooks.example.com'

/** The standard task that Keptn's approval-service handles in part. */
export const approval = 'approval'

const REQUIRED_FIELDS = ['id', 'type', 'shkeptncontext', 'data.project', 'data.stage', 'data.service']

/**
 * Returns the form that a subscription sends, as a Go template. Each value goes through `urlquery`, so no value can break
 * the form. The template renders for events that lack optional fields, too.
 */
export function payloadOf(subscription: Subscription): string {
  return [
    REQUIRED_FIELDS.map((name) => `${name}={{urlquery .${name}}}`).join('&'),
    ...contextOf(subscription),
    inputOf(subscription),
    subscription.idFrom === undefined ? '' : idOf(subscription.idFrom),
  ].join('')
}

/** Lists the parts of a payload that are optional: input fields, and `data.<field>` for data of the event. */
export function optionalParts(subscription: Subscription): string[] {
  const input = inputFields(subscription).filter(([, type]) => isOptional(type))
  return [...Object.keys(eventParts(subscription)), ...input.map(([name]) => name)]
}

const isWanted = ({ only }: Subscription, part: string): boolean => only === undefined || only.includes(part)

/** Returns the event data from which the action builds its title, message or decision. */
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

/** Returns the optional parts of the event with their templates; undefined for a text field of `data`. */
function eventParts({ action: { action }, task, suffix, mode }: Subscription): Record<string, string | undefined> {
  const isNotification = action?.isNotification === true
  const opensTicket = action?.kind === 'ticket' && Object.hasOwn(action.input.shape, 'title')
  // On evaluation.triggered, data.evaluation contains the properties of the task, not a result.
  const hasEvaluation = isNotification && !(task === 'evaluation' && suffix === 'triggered')
  return {
    ...(isNotification ? { 'data.status': undefined, 'data.message': undefined, 'data.result': undefined } : {}),
    ...(isNotification || mode === 'interactive' ? { 'data.labels': each('.data', 'labels', 'data.labels') } : {}),
    ...(isNotification || opensTicket ? { 'data.problem': problem() } : {}),
    ...(hasEvaluation ? { 'data.evaluation': evaluation(suffix) } : {}),
    // An evaluation without a time frame uses the time frame of the preceding test.
    ...(action?.kind === 'evaluation' ? { 'data.test': block('test', ['start', 'end']) } : {}),
  }
}

/** Returns the problem of the event: from a remediation, the trigger of the quick start, or a Dynatrace notification. */
function problem(): string {
  const sources = ['problem', 'incident', 'dynatraceProblem'].map((name) => `(index .data "${name}")`)
  const parts = ['ProblemID', 'ProblemTitle', 'ProblemURL', 'State', 'Tags']
  return ifObject(`or ${sources.join(' ')}`, members('.', parts, 'data.problem'))
}

/** Returns the evaluation result by objective. On a triggered event, `score` may come from an earlier stage. */
function evaluation(suffix: Subscription['suffix']): string {
  const path = 'data.evaluation'
  const objective = `${path}.indicatorResults.{{$i}}`
  const parts = [
    members('.', [suffix === 'finished' ? 'score' : 'scoreText', 'result', 'timeStart', 'timeEnd'], path),
    suffix === 'finished' ? falsyMember('score', '0', `${path}.score`, '0') : '',
    '{{range $i,$r:=index . "indicatorResults"}}',
    members('$r', ['displayName', 'status', 'score', 'keySli'], objective),
    `{{range $n,$v:=index $r "value"}}{{if eq $n "metric" "value" "success"}}&${objective}.value.{{$n}}={{urlquery $v}}{{end}}{{end}}`,
    '{{end}}',
  ]
  return ifObject('index .data "evaluation"', parts.join(''))
}

function inputFields({ action: { action }, suffix, idFrom }: Subscription): [string, z.core.$ZodType][] {
  if (suffix !== 'triggered') return []
  const fields = Object.entries(action?.input.shape ?? {})
  // The property of that name may be the result of an earlier task with the same name.
  return idFrom === undefined ? fields : fields.filter(([name]) => name !== 'id')
}

/** Uses `index`, because task names may contain a dash, and `with`, because a failed task has no id. */
function idOf(source: IdSource): string {
  if (source === 'last') return `&input.id=${LAST_RUN}`
  const { task, mode } = source
  const silent = ['"responses"', '0', '"data"', '"id"']
  const path = mode === 'silent' ? silent : ['"id"']
  const id = path.reduceRight((inner, key) => `{{with index . ${key}}}${inner}{{end}}`, '&input.id={{urlquery .}}')
  return ifObject(`index .data "${task}"`, id)
}

const isOptional = (type: z.core.$ZodType): boolean => type._zod.optin === 'optional'

/** Returns the input, which is constant or comes from the properties of the task. */
function inputOf(subscription: Subscription): string {
  const { action, task, suffix, input } = subscription
  if (input !== undefined) return constantsOf('input', input)
  if (suffix !== 'triggered') return ''
  if (!action.action) return block(task, ['action', 'value'])
  const fields = inputFields(subscription).filter(([name, type]) => !isOptional(type) || isWanted(subscription, name))
  if (fields.length === 0) return ''
  const plain = fields.filter(([, type]) => !isMap(type)).map(([name]) => name)
  const special = fields.map(([name, type]) => specialCaseOf(name, type))
  const templates = [plain.length > 0 ? members('.', plain, 'input') : '', ...special]
  return ifObject(`index .data "${task}"`, templates.join(''))
}

/** Returns the template for values that `members` skips: the values of an object, and values that are falsy in a template. */
function specialCaseOf(name: string, type: z.core.$ZodType): string {
  const to = `input.${name}`
  if (isMap(type)) return isRecordField(type) ? each('.', name, to) : eachOrText(name, to)
  const falsy = falsyValueOf(type)
  return falsy ? falsyMember(name, falsy.printed, to, falsy.value) : ''
}

/** Returns whether the field is, or may be, a map of names and texts. */
export function isMap(type: z.core.$ZodType): boolean {
  const bare = target(unwrap(type))
  if (!(bare instanceof z.ZodMiniUnion)) return isRecordField(type)
  // A payload cannot contain a map of maps, such as an SLO file.
  return bare.def.options.some((option) => {
    const record = target(option)
    return record instanceof z.ZodMiniRecord && record.def.valueType instanceof z.ZodMiniString
  })
}

function isRecordField(type: z.core.$ZodType): boolean {
  return unwrap(type)._zod.def.type === 'record'
}

function falsyValueOf(type: z.core.$ZodType): { printed: string; value: string } | undefined {
  // YAML parses a bare `off` as false.
  if (choicesOf(type)?.includes('off')) return { printed: 'false', value: 'off' }
  return target(unwrap(type)) instanceof z.ZodMiniNumber ? { printed: '0', value: '0' } : undefined
}

/** Returns values as fields of a form. A list of objects becomes its JSON, and other values become text. */
function constantsOf(name: string, value: unknown): string {
  if (isRecord(value)) {
    const parts = Object.entries(value).map(([part, held]) => constantsOf(`${name}.${constant(part)}`, held))
    return parts.join('')
  }
  if (Array.isArray(value) && !value.some((item) => typeof item === 'object'))
    return value.map((item) => constantsOf(name, item)).join('')
  if (value === null || value === undefined) return ''
  return `&${name}=${constant(typeof value === 'object' ? JSON.stringify(value) : String(value))}`
}

/** Returns a text for a form. Go has the quotes of JSON; a percent sign in a payload breaks the call. */
function constant(text: string): string {
  if (/^[\w.,:-]+$/.test(text)) return text
  return `{{urlquery ${JSON.stringify(text).replaceAll('%', '\\x25')}}}`
}

function block(name: string, parts: readonly string[]): string {
  return ifObject(`index .data "${name}"`, members('.', parts, `data.${name}`))
}

/**
 * Renders a template with a value if it is an object. The trigger of a sequence can contain anything, and `range` and `index`
 * fail for a text or a number. Go prints an object as `map[..]`. A percent sign in a payload breaks the call, so `printf "%T"`
 * is not possible.
 */
function ifObject(value: string, template: string): string {
  return `{{with ${value}}}{{if eq (slice (print . "nil") 0 4) "map["}}${template}{{end}}{{end}}`
}

/** Sends the named members of an object that are not empty. One loop is much shorter than a condition for each. */
function members(of: string, names: readonly string[], to: string): string {
  const quoted = names.map((name) => `"${name}"`).join(' ')
  return `{{range $n,$v:=${of}}}{{if and $v (eq $n ${quoted})}}&${to}.{{$n}}={{urlquery $v}}{{end}}{{end}}`
}

/** Sends a value that a template treats as empty. */
function falsyMember(name: string, printed: string, to: string, value: string): string {
  return `{{if eq (print (index . "${name}")) "${printed}"}}&${to}=${value}{{end}}`
}

/** Sends the entries of a map, or the value if it is a text or a number. */
function eachOrText(name: string, to: string): string {
  const entries = `{{range $n,$v:=.}}&${to}.{{urlquery $n}}={{urlquery $v}}{{end}}`
  return `{{with index . "${name}"}}{{if eq (slice (print . "nil") 0 4) "map["}}${entries}{{else}}&${to}={{urlquery .}}{{end}}{{end}}`
}

function each(from: string, name: string, to: string): string {
  return `{{range $n,$v:=index ${from} "${name}"}}&${to}.{{urlquery $n}}={{urlquery $v}}{{end}}`
}
