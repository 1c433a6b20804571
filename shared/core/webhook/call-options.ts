import { nest } from '../../dotted-keys.ts'
import { parseDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { EVENT_FIELDS } from '../../orchestrators/event/event.ts'
import { unknownField } from '../../validate.ts'

/** The parts of the query that are neither event nor input. */
export interface CallOptions {
  mode: 'silent' | 'interactive' | 'gate'
  /** Identifies the call if its event has no id. */
  key: string | undefined
  connection: string | undefined
  /** Whether to send a `started` event, too. */
  sendStarted: boolean
  /** In seconds. Undefined for the action's default. */
  deadline: number | undefined
  /** Run the action only if `data.result` is one of these. */
  when: string[] | undefined
  dryRun: boolean
  /** Whether links are sent as labels. */
  labels: boolean
  /** Whether to send the progress. */
  progress: boolean
  /** Gate: `body` responds with the status of the task, `status` with 200 if the gate is open. */
  answer: 'body' | 'status'
  /** Gate: how long an outcome is returned before the next call starts a new task, in seconds. */
  hold: number
  /** Gate: opens on fail instead of on pass. */
  invert: 'false' | 'true' | 'any'
}

const OPTION_NAMES = [
  'mode',
  'key',
  'connection',
  'sendStarted',
  'deadline',
  'when',
  'dryRun',
  'labels',
  'progress',
  'answer',
  'hold',
  'invert',
]
type OptionName = (typeof OPTION_NAMES)[number]
/** The options that are not allowed in the body. */
export const QUERY_ONLY = OPTION_NAMES.filter((name) => !['key', 'connection', 'labels'].includes(name))
const GATE_ONLY = ['answer', 'hold', 'invert'] as const
const MODES = ['silent', 'interactive', 'gate'] as const
const ANSWERS = ['body', 'status'] as const
const INVERTS = ['false', 'true', 'any'] as const
const DEFAULT_HOLD_SECONDS = 3_600
const MIN_HOLD_SECONDS = 60
/** Shorter than Lambda keeps an ended execution. */
const MAX_HOLD_DAYS = 7
const RESULTS = ['pass', 'warning', 'fail']

/**
 * Splits a query into the options of the call and the fields of event and input. Refuses unknown names: a mistyped `mode`
 * would leave a sequence waiting.
 *
 * @param query each name with all its values
 * @param maxDeadline the maximum deadline of the category, in seconds
 * @param defaultAnswer of a gate
 * @throws Failure `invalid`
 */
export function parseQuery(
  query: Record<string, string[] | undefined>,
  maxDeadline: number,
  defaultAnswer?: CallOptions['answer'],
): { options: CallOptions; body: Record<string, unknown> } {
  const sent: Partial<Record<OptionName, string>> = {}
  const pairs: [string, string][] = []
  for (const [name, values = []] of Object.entries(query)) {
    const option = OPTION_NAMES.find((known) => known === name)
    if (option) {
      const [value, second] = values
      if (second !== undefined && second !== value) throw invalidQuery(name, 'must not be sent more than once')
      if (value) sent[option] = value
    } else if (/^(data|input)\./.test(name) || EVENT_FIELDS.includes(name)) {
      pairs.push(...values.map((value): [string, string] => [name, value]))
    } else {
      throw invalidQuery(name, unknownField(name, [...OPTION_NAMES, ...EVENT_FIELDS, 'data.<field>', 'input.<field>']))
    }
  }
  return { options: parseOptions(sent, maxDeadline, defaultAnswer), body: nest(pairs) }
}

function parseOptions(
  sent: Partial<Record<OptionName, string>>,
  maxDeadline: number,
  defaultAnswer: CallOptions['answer'] | undefined,
): CallOptions {
  const mode = parseOneOf('mode', sent.mode, MODES)
  const gateOnly = GATE_ONLY.find((name) => sent[name] !== undefined)
  if (mode !== 'gate' && gateOnly !== undefined) throw invalidQuery(gateOnly, 'needs mode=gate')
  const answer = parseOneOf('answer', sent.answer ?? defaultAnswer, ANSWERS)
  const invert = parseOneOf('invert', sent.invert, INVERTS)
  if (invert !== 'false' && answer !== 'status') throw invalidQuery('invert', 'needs answer=status')
  const deadline = sent.deadline === undefined ? undefined : parseDuration(sent.deadline, 'deadline')
  if (deadline !== undefined && deadline > maxDeadline)
    throw invalidQuery('deadline', `must be at most P${maxDeadline / 86_400}D`)
  const when = sent.when?.split(',').map((part) => part.trim())
  const unknown = when?.find((result) => !RESULTS.includes(result))
  if (unknown !== undefined)
    throw invalidQuery('when', `must list pass, warning or fail, not "${unknown.slice(0, 40)}"`)
  return {
    mode,
    key: sent.key,
    connection: sent.connection,
    sendStarted: parseSwitch('sendStarted', sent.sendStarted, false),
    deadline,
    when,
    dryRun: parseSwitch('dryRun', sent.dryRun, false),
    labels: parseSwitch('labels', sent.labels, true),
    progress: parseSwitch('progress', sent.progress, false),
    answer,
    hold: parseHold(sent.hold),
    invert,
  }
}

function parseHold(text: string | undefined): number {
  if (text === undefined) return DEFAULT_HOLD_SECONDS
  const seconds = parseDuration(text, 'hold')
  if (seconds >= MIN_HOLD_SECONDS && seconds <= MAX_HOLD_DAYS * 86_400) return seconds
  throw invalidQuery('hold', `must be between PT1M and P${MAX_HOLD_DAYS}D`)
}

/** The first value is the default. */
function parseOneOf<T extends string>(name: string, value: string | undefined, values: readonly [T, ...T[]]): T {
  const found = value === undefined ? values[0] : values.find((allowed) => allowed === value)
  if (found !== undefined) return found
  throw invalidQuery(name, `must be ${new Intl.ListFormat('en', { type: 'disjunction' }).format(values)}`)
}

function parseSwitch(name: string, value: string | undefined, defaultValue: boolean): boolean {
  if (value === undefined) return defaultValue
  if (value !== 'true' && value !== 'false') throw invalidQuery(name, 'must be true or false')
  return value === 'true'
}

/** Returns the error for one parameter of a query. */
export function invalidQuery(name: string, message: string): Failure {
  const path = name.slice(0, 60)
  return new Failure('invalid', `The query is not valid: ${path} ${message}`, { errors: [{ path, message }] })
}
