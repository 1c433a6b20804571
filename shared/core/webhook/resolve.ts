import { authorizeConnection, type Caller } from '../../auth/callers.ts'
import { Failure, type FieldError, invalidInput, refused } from '../../errors.ts'
import type { CallEvent } from '../../orchestrators/event/event.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { AnswerableCall, Orchestrator } from '../../orchestrators/orchestrator.ts'
import type { Action } from '../../providers/action.ts'
import { actionNamesOf, type Category, type MappedAction } from '../../providers/category.ts'
import { type Connection, loadConnection } from '../../providers/connections.ts'
import { validate } from '../../validate.ts'
import type { CallOptions } from './call-options.ts'
import type { ParsedCall } from './parse.ts'
import { refuseStoredCredentials } from './stored-credentials.ts'

/** A call whose action and connection are known. */
export interface ResolvedCall extends ParsedCall {
  caller: Caller
  // biome-ignore lint/suspicious/noExplicitAny: as in a category.
  action: Action<any, any, any>
  actionName: string
  /** The orchestrator's name for the action, if the connection maps actions. */
  mappedName: string | undefined
  connection: Connection
  startsJob: boolean
  /** The call starts a job whose `finished` event the platform itself sends. */
  delegates: boolean
  /** Parsed by the action's schema. */
  input: object
  /** The origin of an interactive call, with everything that the answer needs. */
  answerable: AnswerableCall | undefined
  /** Whether the orchestrator accepts that a platform sends the result of the call. */
  acceptsPlatformAnswers: boolean
  /** Whether the call may end without running its action. */
  acceptsSkips: boolean
  /** Checks with the orchestrator that the call comes from what it names. */
  verify(): Promise<void>
}

/**
 * Finds the action and the connection of a call, and parses its input.
 *
 * @throws Failure `invalid` with the credentials or everything that is wrong with event and input, `unknown`, `refused`, `misconfigured`,
 * `unavailable`
 */
export async function resolve(category: Category, caller: Caller, parsed: ParsedCall): Promise<ResolvedCall> {
  const { requestedAction, options, body, headers, event } = parsed
  const names = actionNamesOf(category, requestedAction)
  const name = connectionName(options, body, caller, category.name, names)
  authorizeConnection(caller, category.name, name)
  const mapped = await mapAction(category, requestedAction, body, event, name)
  if (mapped?.connection !== undefined) authorizeConnection(caller, category.name, mapped.connection)
  const actionName = mapped?.action ?? names[0]
  const action = category.actions[actionName]
  if (!action) throw new Error(`${category.name} maps to an action that it does not have.`)
  // Loaded before the response repeats anything of the call, which must not contain the connection's credentials.
  const connection = await loadConnection(category, mapped?.connection ?? name)
  const orchestrator = options.mode === 'silent' ? undefined : await orchestratorOf(caller, event, options)
  await refuseStoredCredentials({ category: category.name, caller: caller.name }, body)
  if (orchestrator) refuseWithoutResult(orchestrator, options)
  const [answerable, input] = collect(
    () => orchestrator?.parse({ event, body, headers, replyTo: parsed.replyTo, isCancel: parsed.isCancel }),
    () => {
      const what = mapped ? `The input of the connection ${name} for ${mapped.name}` : 'The input'
      return validate(action.input, mapped ? mapped.input : inputOf(body, event, action), {
        what,
        root: 'input',
        isNullUnset: true,
      })
    },
  )
  if (body['callback'] !== undefined && answerable?.replyTo === undefined)
    throw invalidInput(
      'callback',
      `is not supported: the caller ${caller.name} has no orchestrator that sends results to the URLs of calls`,
    )
  const startsJob = action.type === 'job' && action.startsJob === true
  const { provider, values } = connection
  return {
    ...parsed,
    caller,
    action,
    actionName,
    mappedName: mapped?.name,
    connection,
    startsJob,
    delegates: startsJob && !options.dryRun && provider.sendsFinished?.(values) === true,
    input,
    answerable,
    acceptsPlatformAnswers: orchestrator?.acceptsPlatformAnswers ?? false,
    acceptsSkips: orchestrator === undefined || orchestrator.acceptsSkips === true,
    verify: async () => {
      if (answerable) await orchestrator?.verify?.(answerable)
    },
  }
}

/**
 * Refuses a call whose answer would not be the result of its action, but could open a gate.
 *
 * @throws Failure `invalid`
 */
function refuseWithoutResult({ acceptsSkips }: Orchestrator, { dryRun, when }: CallOptions): void {
  if (dryRun) throw invalidInput('dryRun', 'needs mode=silent: an orchestrator would take the answer for a result')
  if (when && !acceptsSkips)
    throw invalidInput('when', 'needs mode=silent: the orchestrator of this caller would take the answer for a result')
}

/**
 * Loads the orchestrator that gets the answer. Registers its credentials, which the call must not contain.
 *
 * @throws Failure `misconfigured`, `unavailable`
 */
async function orchestratorOf(
  { name, orchestrator }: Caller,
  { kind, task }: CallEvent,
  { mode }: CallOptions,
): Promise<Orchestrator> {
  // The response answers.
  if (mode === 'gate') return loadOrchestrator()
  if (orchestrator === undefined && kind === 'triggered' && task !== undefined) {
    throw new Failure(
      'misconfigured',
      `The event waits for an answer, but the caller ${name} has no orchestrator that receives it. Add one to the secret callers, or call with mode=silent.`,
    )
  }
  return loadOrchestrator(orchestrator)
}

/**
 * Returns the name of the call's connection. The caller's default for the action precedes its default for the category.
 *
 * @param actions the names of the action
 */
function connectionName(
  options: CallOptions,
  body: Record<string, unknown>,
  caller: Caller,
  category: string,
  actions: readonly string[],
): string {
  const inBody = body['connection']
  if (inBody !== undefined && typeof inBody !== 'string')
    throw invalidInput('connection', 'must be the name of a connection')
  const { connections: defaults = {} } = caller
  const ofAction = actions.map((action) => defaults[`${category}/${action}`]).find((name) => name !== undefined)
  return options.connection ?? inBody ?? ofAction ?? defaults[category] ?? 'default'
}

/**
 * Returns the action that the event selects through its connection, if the call is to the action mapping or has no input.
 *
 * @throws Failure `invalid`, `refused`
 */
async function mapAction(
  category: Category,
  requested: string,
  body: Record<string, unknown>,
  event: CallEvent,
  connection: string,
): Promise<MappedAction | undefined> {
  const { actionMapping, actions } = category
  const isMapping = requested === actionMapping?.name
  if (!actionMapping || (body['input'] !== undefined && !isMapping)) return undefined
  const { values } = await loadConnection(category, connection)
  const mapped =
    isMapping || actionMapping.isConfigured(values) ? actionMapping.resolve(event, values, actions) : undefined
  if (isMapping && !mapped)
    throw new Failure('invalid', `The event does not name an action for ${requested}: ${actionMapping.requirement}`)
  if (isMapping && body['input'] !== undefined)
    throw invalidInput(
      'input',
      `must be omitted: ${requested} takes the input from the connection. Call ${mapped?.action} to send an input`,
    )
  if (!isMapping && mapped && mapped.action !== requested)
    throw refused(
      `The connection ${connection} maps ${mapped.name} to ${mapped.action}, not to ${requested}: call ${actionMapping.name} instead`,
    )
  return mapped
}

/** Returns the input of the body, or else the properties of the task without the results of earlier tasks of its name. */
function inputOf(
  body: Record<string, unknown>,
  event: CallEvent,
  action: Pick<Action, 'input' | 'outputs' | 'isNotification'>,
): unknown {
  if (body['input'] !== undefined) return body['input']
  const known = Object.keys(action.input.shape)
  if (action.isNotification) {
    const properties = event.kind === 'triggered' ? Object.entries(event.properties) : []
    return Object.fromEntries(properties.filter(([name]) => known.includes(name)))
  }
  // Tasks with approvals add `decisions`, and webhook-service adds `responses`: the responses to silent calls.
  const results = [...action.outputs, 'decisions', 'responses'].filter((name) => !known.includes(name))
  return Object.fromEntries(Object.entries(event.properties).filter(([name]) => !results.includes(name)))
}

/** Runs both functions, and throws one failure with the errors of both. */
function collect<A, B>(first: () => A, second: () => B): [A, B] {
  const failures: Failure[] = []
  const run = <T>(check: () => T): T | undefined => {
    try {
      return check()
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'invalid') throw error
      failures.push(error)
      return undefined
    }
  }
  const results = [run(first), run(second)] as [A, B]
  if (failures.length === 0) return results
  const errors: FieldError[] = failures.flatMap((failure) => failure.errors ?? [])
  throw new Failure('invalid', failures.map(({ message }) => message).join('. '), { errors })
}
