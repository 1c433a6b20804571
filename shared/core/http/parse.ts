import { authorize, type Caller } from '../../auth/callers.ts'
import { readIdentityKey } from '../../auth/identity-key.ts'
import { parseDuration } from '../../duration.ts'
import { Failure, type FieldError } from '../../errors.ts'
import { log } from '../../log.ts'
import { type CallEvent, parseEvent, type TaskEvent, taskEvent } from '../../orchestrators/keptn/event.ts'
import { loadOrchestrator } from '../../orchestrators/orchestrator.ts'
import { completeInput } from '../../providers/action.ts'
import { actionNames, type Category, type MappedAction } from '../../providers/category.ts'
import { type Connection, loadConnection } from '../../providers/connections.ts'
import type { CallOrigin } from '../../providers/provider.ts'
import { settings } from '../../settings.ts'
import { unknownName, validate } from '../../validate.ts'
import { maxDeadlineOf } from '../deadlines.ts'
import { identify } from '../identity.ts'
import { lastRunKey, withLastRun } from '../last-run.ts'
import type { ActionRequest } from '../run-action.ts'
import { parseBody } from './body.ts'
import { overlay } from './dotted-keys.ts'
import { type CallOptions, parseQuery, queryOnly } from './options.ts'
import { refuseStoredCredentials } from './stored-credentials.ts'

/** A request, whatever brought it here. */
export interface CallRequest {
  action: string
  query: Record<string, string[] | undefined>
  body: string | null
  isBase64: boolean
  contentType: string | undefined
  /** Where the category is called, without a slash at the end. */
  address: string
}

/** A call that may be carried out: who, what, on which event, with everything checked. */
export interface Call {
  caller: Caller
  options: CallOptions
  event: CallEvent
  /** What an interactive call answers; undefined for a silent one. */
  task: TaskEvent | undefined
  request: ActionRequest
  /** What the connection leads to: `github`. */
  provider: string
  /** Seconds until an interactive call gives up. */
  deadline: number
  /** Why nothing is to be done, and the result of that; it may be `when` that says so, or the event. */
  skip: { message: string; result: 'pass' | 'fail' } | undefined
  /** Whether somebody else answers the event: then nothing at all is done. */
  quiet: boolean
}

/**
 * Reads a call and checks all of it, so that what is accepted can only fail at the platform.
 *
 * @throws Failure that names everything that is wrong with event and input at once
 */
export async function parseCall(category: Category, caller: Caller, request: CallRequest): Promise<Call> {
  authorize(caller, category.name)
  const known = actionNames(category)
  if (!known.includes(request.action)) throw new Failure('unknown', unknownName('action', request.action, known))
  const { options, body: fromQuery } = parseQuery(request.query, maxDeadlineOf(category))
  const body = overlay(parseBody(request.body, request.isBase64, request.contentType), fromQuery)
  refuseOptions(body)
  const event = parseEvent(body)
  const name = connectionName(options, body, caller, `${category.name}/${request.action}`)
  const chosen = await choose(category, request.action, body, event, name)
  const action = category.actions[chosen?.action ?? request.action]
  if (!action) throw new Error(`${category.name} chooses an action that it does not have.`)
  // Before anything of the call is repeated in an answer: a caller may have put the connection's credentials into it.
  const connection = await loadConnection(category, chosen?.connection ?? name)
  const [task, asked] = collect(
    () => (options.mode === 'interactive' ? taskEvent(event) : undefined),
    () => {
      const what = chosen ? `The input that the connection ${name} has for ${chosen.name}` : 'The input'
      return validate(action.input, chosen ? chosen.input : inputOf(body, event, action), { what, root: 'input' })
    },
  )
  refuseOtherShape(category, chosen?.action ?? request.action, connection)
  const startsJob = action.type === 'job' && action.startsJob
  const asksPeople = action.type === 'approval'
  if (startsJob) refuseSilent(options, connection)
  if (asksPeople) refuseSilentQuestion(options, request.action)
  const { values, provider } = connection
  const bridgeUrl = action.isNotification || asksPeople ? await bridgeOf(caller, event) : undefined
  const { orchestrator } = caller
  // Its credentials are among those that are refused below.
  if (task && orchestrator) await loadOrchestrator(orchestrator)
  const notes: string[] = []
  const note = (sentence: string) => void notes.push(sentence)
  const from = { event, connection: values, provider, bridgeUrl, orchestrator, silent: options.mode === 'silent', note }
  const isStop = action.kind === 'job' && !startsJob
  const named = isStop ? await withLastRun(asked, category.name, caller, connection.name, event) : asked
  const whole = await completeInput(action, named, from)
  const automatic = asksPeople ? action.approval.automatic(event) : undefined
  await refuseStoredCredentials({
    category: category.name,
    caller: caller.name,
    event,
    input: asked,
    completed: whole,
    dryRun: options.dryRun,
  })
  const actionName = chosen?.action ?? request.action
  const { mode, dryRun } = options
  const idOf = async (eventId: string) =>
    identify(
      {
        deployment: settings.idempotencyTable,
        caller: caller.name,
        eventId,
        category: category.name,
        action: actionName,
        connection: connection.name,
        mode,
        dryRun,
        input: asked,
      },
      await readIdentityKey(),
    )
  return {
    caller,
    options,
    event,
    task,
    request: {
      action: actionName,
      connection: connection.name,
      mappedName: chosen?.name,
      notes: notes.length > 0 ? notes : undefined,
      apiUrl: asksPeople ? request.address : undefined,
      input: whole,
      idempotencyKey: event.id === undefined ? undefined : await idOf(event.id),
      dryRun,
      event: originOf(event),
      lastRunKey: startsJob && !dryRun ? await lastRunKey(category.name, caller, connection.name, event) : undefined,
      needsCleanup: startsJob && connection.provider.requiresTask,
      delegates: startsJob && !dryRun && answersItself(connection),
    },
    provider: String(values['provider']),
    deadline: options.deadline ?? deadlineHere() ?? action.deadline,
    skip: skipReason(options.when, event.data.result) ?? automatic,
    // Where Keptn's own approval-service runs, it sends started for each, and finishes those that it decides by itself.
    quiet: automatic !== undefined && !options.sendStarted && !options.dryRun,
  }
}

/** Where a call comes from, as its event says. */
export function originOf({ id, shkeptncontext, data }: CallEvent): CallOrigin {
  const { project, stage, service, labels } = data
  return { id, context: shkeptncontext, project, stage, service, labels }
}

/**
 * What the event asks for by the connection, where the action stands for others, or where the call has no input of its own.
 *
 * @throws Failure `invalid`, `refused`
 */
async function choose(
  category: Category,
  asked: string,
  body: Record<string, unknown>,
  event: CallEvent,
  name: string,
): Promise<MappedAction | undefined> {
  const { actionMapping, actions } = category
  const open = asked === actionMapping?.name
  if (!actionMapping || (body['input'] !== undefined && !open)) return undefined
  const { values } = await loadConnection(category, name)
  const chosen = open || actionMapping.isConfigured(values) ? actionMapping.resolve(event, values, actions) : undefined
  if (open && !chosen) {
    throw new Failure('invalid', `The event names nothing that ${asked} could run: ${actionMapping.requirement}`)
  }
  if (open && body['input'] !== undefined) {
    const message = `must be left out: ${asked} takes it from the connection; ${chosen?.action} takes it from the call`
    throw new Failure('invalid', `input ${message}`, { errors: [{ path: 'input', message }] })
  }
  if (!open && chosen && chosen.action !== asked) {
    throw new Failure(
      'refused',
      `The connection ${name} says that ${chosen.name} is ${chosen.action}, and not ${asked}: call ${actionMapping.name}, which runs what it says`,
    )
  }
  return chosen
}

/** An option in the body would do nothing there, and a call that is silent by mistake leaves its sequence hanging. */
function refuseOptions(body: Record<string, unknown>): void {
  const misplaced = queryOnly.filter((name) => Object.hasOwn(body, name))
  if (misplaced.length === 0) return
  throw new Failure(
    'invalid',
    `${misplaced.join(' and ')} must stand in the query, not in the body: ?${misplaced[0]}=..`,
    {
      errors: misplaced.map((path) => ({ path, message: `write it into the query: ?${path}=..` })),
    },
  )
}

/** `input` of the body; without it, the properties of the task, less what earlier tasks of its name have answered. */
function inputOf(
  body: Record<string, unknown>,
  event: CallEvent,
  action: { input: { shape: object }; outputs: readonly string[]; isNotification?: true },
): unknown {
  if (body['input'] !== undefined) return body['input']
  const known = Object.keys(action.input.shape)
  if (action.isNotification) {
    const own = event.kind === 'triggered' ? Object.entries(event.properties) : []
    return Object.fromEntries(own.filter(([name]) => known.includes(name)))
  }
  // `responses` is what webhook-service keeps of a silent call's answer.
  const answered = [...action.outputs, 'responses'].filter((name) => !known.includes(name))
  return Object.fromEntries(Object.entries(event.properties).filter(([name]) => !answered.includes(name)))
}

/** A category may have platforms of several kinds: not each can do each action. */
function refuseOtherShape(category: Category, action: string, { name, provider }: Connection): void {
  if (provider.kind === category.actions[action]?.kind) return
  const able = Object.keys(category.actions).filter((other) => category.actions[other]?.kind === provider.kind)
  throw new Failure(
    'invalid',
    `The connection ${name} leads to ${provider.title}, which can ${able.join(', ')}, but not ${action}: name another with ?connection=..`,
  )
}

/** A dry run begins nothing. */
function refuseSilent({ mode, dryRun }: CallOptions, connection: Connection): void {
  const { name, provider } = connection
  if (mode === 'interactive' || dryRun) return
  const why = answersItself(connection)
    ? 'which sends the finished event itself, and webhook-service would send another'
    : provider.requiresTask && 'which works only while a task waits for it'
  if (!why) return
  throw new Failure(
    'invalid',
    `The connection ${name} leads to ${provider.title}, ${why}: call it with ?mode=interactive`,
    { errors: [{ path: 'mode', message: 'must be interactive' }] },
  )
}

/** People take their time. */
function refuseSilentQuestion({ mode, dryRun }: CallOptions, action: string): void {
  if (mode === 'interactive' || dryRun) return
  throw new Failure('invalid', `${action} waits for people: call it with ?mode=interactive`, {
    errors: [{ path: 'mode', message: 'must be interactive' }],
  })
}

/** A message without that link is better than none. */
async function bridgeOf({ orchestrator }: Caller, { data, shkeptncontext }: CallEvent): Promise<string | undefined> {
  if (orchestrator === undefined || data.project === undefined || shkeptncontext === undefined) return undefined
  try {
    return (await loadOrchestrator(orchestrator)).linkTo(data.project, shkeptncontext)
  } catch (error) {
    log.warn('there is no link to the sequence', error as Error)
    return undefined
  }
}

function answersItself({ provider, values }: Connection): boolean {
  return provider.sendsFinished?.(values) ?? false
}

/**
 * The caller's default for the action comes before that for the category.
 *
 * @param target `<category>/<action>`
 */
function connectionName(options: CallOptions, body: Record<string, unknown>, caller: Caller, target: string): string {
  const inBody = body['connection']
  if (inBody !== undefined && typeof inBody !== 'string') {
    throw new Failure('invalid', 'connection must be the name of a connection', {
      errors: [{ path: 'connection', message: 'must be text' }],
    })
  }
  const { connections: defaults = {} } = caller
  return options.connection ?? inBody ?? defaults[target] ?? defaults[target.split('/', 1)[0] ?? ''] ?? 'default'
}

/** The deployment's own default, in seconds. */
function deadlineHere(): number | undefined {
  return settings.deadline === undefined ? undefined : parseDuration(settings.deadline, 'WEBHOOKS_DEADLINE')
}

function skipReason(when: string[] | undefined, result: string | undefined): Call['skip'] {
  if (!when || (result !== undefined && when.includes(result))) return undefined
  const message = `Did nothing: data.result is ${result ?? 'not given'}, and this call acts only on ${when.join(' or ')}`
  return { message, result: 'pass' }
}

/** Runs both, and throws what is wrong with both at once. */
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
