import { Failure, kindOf, messageOf, toSentence } from '../errors.ts'
import type { SentRequest } from '../http/client.ts'
import { log } from '../log.ts'
import { type Outcome, passed } from '../outcome.ts'
import type { Action, Delegated, PollResult, StartedJob } from '../providers/action.ts'
import type { Category } from '../providers/category.ts'
import { connect } from '../providers/connect.ts'
import { type Connection, connectionPath, loadConnection } from '../providers/connections.ts'
import {
  type CallOrigin,
  type Client,
  hasIdempotencyKey,
  type Provider,
  type SignedLink,
} from '../providers/provider.ts'
import { isCredential, redact, redactDeep } from '../redact.ts'
import { sleep } from '../sleep.ts'

/** What a call wants done: an action on a connection. */
export interface ActionRequest {
  action: string
  connection: string
  /** What the orchestrator calls it, where the connection chose the action. */
  mappedName?: string | undefined
  /** Checked and completed. */
  input: unknown
  /** The identity of the call, where it has an event id. */
  idempotencyKey: string | undefined
  dryRun: boolean
  /** Sentences for the message of the outcome. */
  notes?: string[] | undefined
  event?: CallOrigin | undefined
  /** Whether what it starts must not outlive its task. */
  needsCleanup?: boolean | undefined
  /** Where our API is, for an action that asks people. */
  apiUrl?: string | undefined
  /** Where the id of what is started is saved, see `lastRunKey`. */
  lastRunKey?: string | undefined
  /** Whether the platform itself answers what is started. */
  delegates?: boolean | undefined
}

/**
 * What earlier attempts of the same call may have left at the platform: nothing, something that a repeat must look for before
 * it writes, or something that a repeat must not write again, since the platform accepted it and did not say what it is.
 */
export type PreviousWrite = 'nothing' | 'possible' | 'accepted'

/**
 * Does an action once.
 *
 * @param deadlineAt epoch milliseconds after which nothing is written
 * @returns how it ended, or what has begun at the platform and goes on there, or was handed over to it
 * @throws Failure
 */
export async function runAction(
  category: Category,
  work: ActionRequest,
  deadlineAt: number,
  earlier: PreviousWrite,
): Promise<Outcome | StartedJob | Delegated> {
  const result = await withConnection(category, work, async (action, connection, retried) => {
    const question = action.type === 'approval' ? await referenceOf(action.approval, work, deadlineAt) : undefined
    if (work.dryRun) return rehearse(connection, action, work, { deadlineAt, signedLink: question })
    const options = {
      idempotencyKey: work.idempotencyKey,
      event: work.event,
      isRetry: retried || earlier !== 'nothing',
      signedLink: question,
      deadlineAt,
      lastRunKey: work.lastRunKey,
    }
    if (earlier === 'accepted' && !action.idempotent) return lookUp(connection, action, work, options)
    const client = connect(connection, options)
    try {
      return await action.run(connection.provider, client, work.input)
    } catch (error) {
      const { acceptedResponse } = client
      if (error instanceof Failure) error.afterWrite ||= client.mayHaveWritten && !error.nothingWritten
      if (action.idempotent || acceptedResponse === undefined || !isAboutResponse(error)) throw error
      return lookUp(connection, action, work, options, { error, accepted: acceptedResponse })
    }
  })
  return redactDeep(result)
}

/** Whether an error that followed an accepted write says that its response cannot be used, and not that it was declined. */
function isAboutResponse(error: unknown): boolean {
  if (!(error instanceof Failure)) return true
  return (error.transient || error.kind === 'misconfigured') && !error.nothingWritten
}

/** Milliseconds before each look-up: some platforms list what was created only after a moment. */
const LOOK_UP_PAUSES_MS = [0, 1_000, 2_000]

/** Thrown in place of a write during a look-up. */
class NotFound extends Error {}

/**
 * Looks for what an accepted write created, and never writes it again, unless the platform takes two writes with one key for
 * one.
 *
 * @throws Failure `doubtful` if it is not found
 */
async function lookUp(
  connection: Connection,
  action: AnyAction,
  work: ActionRequest,
  options: Parameters<typeof connect>[1],
  unusable?: { error: unknown; accepted: string },
): Promise<Outcome | StartedJob | Delegated> {
  const { provider, values } = connection
  if (unusable) logUnusable(unusable)
  const intercept = () => {
    throw new NotFound()
  }
  const isRepeatable = action.isDeduplicated?.(provider) || provider.hasIdempotentWrites?.(values)
  const guard = isRepeatable ? {} : { intercept }
  for (const pause of work.idempotencyKey === undefined ? [] : LOOK_UP_PAUSES_MS) {
    if (Date.now() + pause >= options.deadlineAt) break
    await sleep(pause)
    try {
      return await action.run(provider, connect(connection, { ...options, isRetry: true, ...guard }), work.input)
    } catch (error) {
      log.info('a look-up did not find what was created', { action: work.action, reason: messageOf(error) })
      if (kindOf(error) !== 'doubtful') continue
      // It cannot be looked up. What the platform answered says more, if it is known.
      if (!unusable) throw error
      break
    }
  }
  throw outcomeUnknown(provider, unusable)
}

function logUnusable({ error, accepted: acceptedResponse }: { error: unknown; accepted: string }): void {
  if (!(error instanceof Failure)) log.error('internal error', error as Error)
  log.warn('the response to a write cannot be used', {
    failure: kindOf(error),
    reason: messageOf(error),
    accepted: acceptedResponse,
  })
}

function outcomeUnknown({ title }: Provider, unusable?: { error: unknown; accepted: string }): Failure {
  const why = unusable
    ? `${title} accepted the request, but its response cannot be used: ${toSentence(messageOf(unusable.error))} It answered ${toSentence(unusable.accepted)}`
    : 'The outcome of an earlier attempt of this call is not known.'
  return new Failure(
    'doubtful',
    `${why} Something may have been created, and it was not found, so the request was not sent again: look at ${title} before you repeat it.`,
    { cause: unusable?.error },
  )
}

/** What leads to the question of a task: the same each time it is made. */
async function referenceOf(
  { loadStore: books }: AnyApproval,
  { idempotencyKey, apiUrl, dryRun }: ActionRequest,
  deadlineAt: number,
): Promise<SignedLink> {
  const { referenceTo } = await books()
  const until = Math.floor(deadlineAt / 1_000) + 1
  // Nothing that works is shown in a dry run.
  const reference = dryRun || idempotencyKey === undefined ? 'dry-run' : await referenceTo(idempotencyKey, until)
  return { token: reference, url: `${apiUrl}/approvals/${reference}`, deadlineAt }
}

/**
 * Does something for an action that asks people.
 *
 * @param run gets the action's way to ask, its provider and a client
 * @throws Failure
 */
export async function withSignedLink<T>(
  category: Category,
  work: ActionRequest,
  deadlineAt: number,
  run: (ask: AnyApproval, provider: Provider, client: Client) => Promise<T>,
): Promise<T> {
  return withConnection(category, work, async (action, connection) => {
    if (action.type !== 'approval') throw new Error(`"${action.summary}" asks nobody.`)
    return run(
      action.approval,
      connection.provider,
      connect(connection, { idempotencyKey: work.idempotencyKey, event: work.event, isRetry: false, deadlineAt }),
    )
  })
}

/**
 * Looks how what has begun goes on.
 *
 * @throws Failure
 */
export async function getJobStatus(
  category: Category,
  work: ActionRequest,
  pending: unknown,
  deadlineAt: number,
): Promise<PollResult> {
  const seen = await withConnection(category, work, async (action, connection) => {
    const client = connect(connection, {
      idempotencyKey: work.idempotencyKey,
      event: work.event,
      isRetry: false,
      deadlineAt,
    })
    return followOf(action).getStatus(connection.provider, client, work.input, pending)
  })
  return redactDeep(seen)
}

/**
 * Asks the platform to end what has begun.
 *
 * @returns false where the platform has no way to
 * @throws Failure
 */
export async function stopJob(
  category: Category,
  work: ActionRequest,
  pending: unknown,
  deadlineAt: number,
): Promise<boolean> {
  return withConnection(category, work, async (action, connection) => {
    const client = connect(connection, {
      idempotencyKey: work.idempotencyKey,
      event: work.event,
      isRetry: false,
      deadlineAt,
    })
    return followOf(action).stop(connection.provider, client, work.input, pending)
  })
}

/**
 * Ends what carries the key of the work, if there is anything: no task looks after it any more.
 *
 * @throws Failure
 */
export async function cleanUpJob(category: Category, work: ActionRequest, deadlineAt: number): Promise<void> {
  await withConnection(category, work, async (action, connection) => {
    const client = connect(connection, {
      idempotencyKey: work.idempotencyKey,
      event: work.event,
      isRetry: true,
      deadlineAt,
    })
    if (hasIdempotencyKey(client)) await followOf(action).cleanUp?.(connection.provider, client, work.input)
  })
}

// biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema at the door.
type AnyAction = Action<Provider, any>
type AnyApproval = Extract<AnyAction, { type: 'approval' }>['approval']

function followOf(action: AnyAction): Extract<AnyAction, { type: 'job' }>['job'] {
  if (action.type !== 'job') throw new Error(`"${action.summary}" starts no job.`)
  return action.job
}

/** Credentials that the platform does not accept are read anew from their secret, and tried once more. */
async function withConnection<T>(
  category: Category,
  { action: name, connection }: ActionRequest,
  run: (action: AnyAction, connection: Connection, retried: boolean) => Promise<T>,
): Promise<T> {
  const action = category.actions[name]
  if (!action) throw new Failure('unknown', `There is no action ${name} in ${category.name}.`)
  const attempt = async (fresh: boolean, retried: boolean) =>
    run(action, await loadConnection(category, connection, fresh), retried)
  let written: boolean
  try {
    return await attempt(false, false)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
    written = error.afterWrite
  }
  try {
    return await attempt(true, written)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
    const failure = new Failure(
      'credentials',
      `${toSentence(error.message)} Mend the secret ${connectionPath(category.name, connection)}.`,
    )
    failure.afterWrite = written || error.afterWrite
    throw failure
  }
}

/** Thrown where the first write would go out. */
class Rehearsed extends Error {
  readonly request: SentRequest

  constructor(request: SentRequest) {
    super('dry run')
    this.request = request
  }
}

/** Goes as far as the first request that would change something, and answers that request, masked. */
async function rehearse(
  connection: Connection,
  action: AnyAction,
  work: ActionRequest,
  limits: { deadlineAt: number; signedLink: SignedLink | undefined },
): Promise<Outcome> {
  const intercept = (request: SentRequest) => {
    throw new Rehearsed(request)
  }
  try {
    const client: Client = connect(connection, {
      idempotencyKey: undefined,
      event: work.event,
      isRetry: false,
      ...limits,
      intercept,
    })
    const result = await action.run(connection.provider, client, work.input)
    if (!('outcome' in result))
      return { ...result, message: `Dry run: nothing would be sent. ${redact(result.message)}` }
    return {
      ...result.outcome,
      message: `Dry run: nothing was begun. It would answer: ${redact(result.outcome.message)}`,
    }
  } catch (error) {
    if (!(error instanceof Rehearsed)) throw error
    const { method, url, headers, body } = error.request
    const shown = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, isCredential(name) ? '***' : value]),
    )
    return passed(`Dry run: nothing was sent. It would be ${method} ${url}`, {
      request: { method, url, headers: shown, body: asJson(body) },
    })
  }
}

function asJson(body: string | undefined): unknown {
  if (body === undefined) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
