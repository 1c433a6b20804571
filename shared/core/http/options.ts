import { parseDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { unknownField } from '../../validate.ts'
import { nest } from './dotted-keys.ts'

/** How a call is to be carried out: the part of the query that is not event or input. */
export interface CallOptions {
  mode: 'silent' | 'interactive'
  connection: string | undefined
  sendStarted: boolean
  /** Seconds until an interactive call gives up; undefined: the action's own. */
  deadline: number | undefined
  /** Act only where `data.result` is one of these. */
  when: string[] | undefined
  dryRun: boolean
  /** Whether links go out as labels. */
  labels: boolean
  /** Whether `status.changed` tells how far it is; a strict Keptn refuses such events. */
  progress: boolean
}

const optionNames = ['mode', 'connection', 'sendStarted', 'deadline', 'when', 'dryRun', 'labels', 'progress'] as const
/** The options that may stand in the query alone. */
export const queryOnly = optionNames.filter((name) => name !== 'connection' && name !== 'labels')
const eventNames = ['id', 'type', 'event', 'shkeptncontext', 'gitcommitid', 'project', 'stage', 'service']
const results = ['pass', 'warning', 'fail']

/**
 * Splits a query into the options of the call and the parts of event and input that it carries.
 *
 * @param query each name with all its values
 * @param maxDeadline the longest deadline that the category takes, in seconds
 * @throws Failure `invalid`, for an unknown name too: a mistyped `mode` would leave a sequence hanging
 */
export function parseQuery(
  query: Record<string, string[] | undefined>,
  maxDeadline: number,
): {
  options: CallOptions
  body: Record<string, unknown>
} {
  const given: Partial<Record<(typeof optionNames)[number], string>> = {}
  const pairs: [string, string][] = []
  for (const [name, values = []] of Object.entries(query)) {
    const option = optionNames.find((known) => known === name)
    if (option) {
      const [value, second] = values
      if (second !== undefined && second !== value) throw wrong(name, 'is given more than once')
      if (value) given[option] = value
    } else if (/^(data|input)\./.test(name) || eventNames.includes(name)) {
      pairs.push(...values.map((value): [string, string] => [name, value]))
    } else {
      throw wrong(name, unknownField(name, [...optionNames, ...eventNames, 'data.<field>', 'input.<field>']))
    }
  }
  return { options: parseOptions(given, maxDeadline), body: nest(pairs) }
}

function parseOptions(given: Partial<Record<(typeof optionNames)[number], string>>, maxDeadline: number): CallOptions {
  const mode = given.mode ?? 'silent'
  if (mode !== 'silent' && mode !== 'interactive') throw wrong('mode', 'must be silent or interactive')
  const deadline = given.deadline === undefined ? undefined : parseDuration(given.deadline, 'deadline')
  if (deadline !== undefined && deadline > maxDeadline)
    throw wrong('deadline', `must be at most P${maxDeadline / 86_400}D`)
  const when = given.when?.split(',').map((part) => part.trim())
  const strange = when?.find((result) => !results.includes(result))
  if (strange !== undefined) throw wrong('when', `must list pass, warning or fail, not "${strange.slice(0, 40)}"`)
  return {
    mode,
    connection: given.connection,
    sendStarted: parseSwitch('sendStarted', given.sendStarted, false),
    deadline,
    when,
    dryRun: parseSwitch('dryRun', given.dryRun, false),
    labels: parseSwitch('labels', given.labels, true),
    progress: parseSwitch('progress', given.progress, false),
  }
}

function parseSwitch(name: string, value: string | undefined, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (value !== 'true' && value !== 'false') throw wrong(name, 'must be true or false')
  return value === 'true'
}

function wrong(name: string, message: string): Failure {
  const path = name.slice(0, 60)
  return new Failure('invalid', `The query is not valid: ${path} ${message}`, { errors: [{ path, message }] })
}
