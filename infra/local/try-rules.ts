import { Failure } from '../../shared/errors.ts'
import { evaluateSourceRules, type RuleResult } from '../../shared/sources/evaluate-rules.ts'
import type { EventsFile } from '../../shared/sources/events-file.ts'
import { type Notification, readEvent } from '../../shared/sources/read-notification.ts'
import type { AlertRule } from '../../shared/sources/rules.ts'
import type { HeaderNames } from '../../shared/sources/source-type.ts'
import { validate } from '../../shared/validate.ts'
import { findAction } from '../project/find-by-name.ts'

/** The effects of the rules of a source on a notification. */
export interface TriedNotification {
  source: string
  type: string
  /** The sender's name for what happened. */
  event: string
  results: TriedRule[]
}

/** The effect of a rule on an alert. */
export interface TriedRule extends Omit<RuleResult, 'call'> {
  call?: TriedCall
}

/** The call that a rule makes. */
export interface TriedCall {
  /** `issue-ticketing/open-issue` */
  action: string
  connection: string
  input: Record<string, unknown>
  /** The rule whose result is closed. Its id is added to the input. */
  closes?: string
  /** The value of the group, which limits the calls. */
  group?: string
}

/** Stands for the id that is known when the call is made. */
const UNKNOWN_ID = 'id'

/**
 * Evaluates the rules of a source on a notification as the deployment does, and checks their calls. Needs no network, and verifies
 * nothing.
 *
 * @param body JSON
 * @param headers of the request, by name in lower case
 * @throws Failure if the source is not declared, or its type cannot read the body
 */
export async function tryRules(
  { sources, rules = [] }: EventsFile,
  name: string,
  body: object,
  headers: HeaderNames,
): Promise<TriedNotification> {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined
  if (source === undefined)
    throw new Failure('unknown', `There is no source ${name}. Sources: ${Object.keys(sources).join(', ') || 'none'}.`)
  const { type } = source
  const notification: Notification = await readEvent(source, headers, body)
  const results = await evaluateSourceRules(rules, { name, type }, notification)
  return { source: name, type, event: notification.event, results: results.map((result) => triedOf(rules, result)) }
}

function triedOf(rules: readonly AlertRule[], { call, ...result }: RuleResult): TriedRule {
  const index = rules.findIndex(({ name }) => name === result.rule)
  const rule = rules[index]
  if (rule === undefined || call === undefined) return result
  const { input, group } = call
  const { call: action, connection = 'default', closes } = rule
  const tried: TriedCall = {
    action,
    connection,
    input,
    ...(closes === undefined ? {} : { closes }),
    ...(group === undefined ? {} : { group }),
  }
  const problem = problemOf(`rules.${index}`, tried)
  return problem === undefined
    ? { ...result, call: tried }
    : { ...result, call: tried, reason: problem, isProblem: true }
}

/** Returns why the input of a call is refused. */
function problemOf(path: string, { action: name, input, closes }: TriedCall): string | undefined {
  const { action } = findAction(name)
  if (action === undefined) return undefined
  const id = closes !== undefined && 'id' in action.input.shape ? { id: UNKNOWN_ID } : {}
  try {
    validate(action.input, { ...id, ...input }, { what: `The input of ${name}`, root: 'input' })
    return undefined
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return `${path}.input: ${error.message}`
  }
}
