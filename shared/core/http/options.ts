import { parseDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { EVENT_FIELDS } from '../../orchestrators/event.ts'
import { unknownField } from '../../validate.ts'
import { nest } from './dotted-keys.ts'

/** The parts of the query that are neither event nor input. */
export interface CallOptions {
  mode: 'silent' | 'interactive'
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
}

const OPTION_NAMES = [
  ...(['mode', 'key', 'connection', 'sendStarted', 'deadline', 'when', 'dryRun', 'labels', 'progress'] as const),
]
type OptionName = (typeof OPTION_NAMES)[number]
/** The options that are not allowed in the body. */
export const QUERY_ONLY = OPTION_NAMES.filter((name) => !['key', 'connection', 'labels'].includes(name))
const RESULTS = ['pass', 'warning', 'fail']

/**
 * Splits a query into the options of the call and the fields of event and input. Refuses unknown names: a mistyped `mode`
 * would leave a sequence waiting.
 *
 * @param query each name with all its values
 * @param maxDeadline the maximum deadline of the category, in seconds
 * @throws Failure `invalid`
 */
export function parseQuery(
  query: Record<string, string[] | undefined>,
  maxDeadline: number,
): { options: CallOptions; body: Record<string, unknown> } {
  const given: Partial<Record<OptionName, string>> = {}
  const pairs: [string, string][] = []
  for (const [name, values = []] of Object.entries(query)) {
    const option = OPTION_NAMES.find((known) => known === name)
    if (option) {
      const [value, second] = values
      if (second !== undefined && second !== value) throw invalidQuery(name, 'must not be sent more than once')
      if (value) given[option] = value
    } else if (/^(data|input)\./.test(name) || EVENT_FIELDS.includes(name)) {
      pairs.push(...values.map((value): [string, string] => [name, value]))
    } else {
      throw invalidQuery(name, unknownField(name, [...OPTION_NAMES, ...EVENT_FIELDS, 'data.<field>', 'input.<field>']))
    }
  }
  return { options: parseOptions(given, maxDeadline), body: nest(pairs) }
}

function parseOptions(given: Partial<Record<OptionName, string>>, maxDeadline: number): CallOptions {
  const mode = given.mode ?? 'silent'
  if (mode !== 'silent' && mode !== 'interactive') throw invalidQuery('mode', 'must be silent or interactive')
  const deadline = given.deadline === undefined ? undefined : parseDuration(given.deadline, 'deadline')
  if (deadline !== undefined && deadline > maxDeadline)
    throw invalidQuery('deadline', `must be at most P${maxDeadline / 86_400}D`)
  const when = given.when?.split(',').map((part) => part.trim())
  const unknown = when?.find((result) => !RESULTS.includes(result))
  if (unknown !== undefined)
    throw invalidQuery('when', `must list pass, warning or fail, not "${unknown.slice(0, 40)}"`)
  return {
    mode,
    key: given.key,
    connection: given.connection,
    sendStarted: parseSwitch('sendStarted', given.sendStarted, false),
    deadline,
    when,
    dryRun: parseSwitch('dryRun', given.dryRun, false),
    labels: parseSwitch('labels', given.labels, true),
    progress: parseSwitch('progress', given.progress, false),
  }
}

function parseSwitch(name: string, value: string | undefined, defaultValue: boolean): boolean {
  if (value === undefined) return defaultValue
  if (value !== 'true' && value !== 'false') throw invalidQuery(name, 'must be true or false')
  return value === 'true'
}

function invalidQuery(name: string, message: string): Failure {
  const path = name.slice(0, 60)
  return new Failure('invalid', `The query is not valid: ${path} ${message}`, { errors: [{ path, message }] })
}
