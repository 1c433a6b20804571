import { Failure, toSentence } from '../errors.ts'
import {
  type ActionResult,
  type ApprovalAction,
  completed,
  type JobAction,
  type PollResult,
  runWith,
} from '../providers/action.ts'
import type { Category } from '../providers/category.ts'
import { connect } from '../providers/connect.ts'
import { type Connection, connectionPath, loadConnection } from '../providers/connections.ts'
import { type Client, hasIdempotencyKey, type Provider, type SignedLink } from '../providers/provider.ts'
import { redactDeep } from '../redact.ts'
import { type ApprovedRequest, changedSinceApproval, compareWith } from './approved-request.ts'
import type { Call } from './call.ts'
import { type AnyAction, type ConnectOptions, isAboutResponse, lookUp } from './look-up.ts'
import { rehearse } from './rehearse.ts'
import { NotStarted, type StartCheck, StartGate } from './start-gate.ts'
import { withNotes } from './with-notes.ts'

/**
 * The writes of earlier attempts at the platform: nothing; something that this attempt must look for
 * before it writes; or something that the platform accepted without a usable response, which must not be written again.
 */
export type PreviousWrite = 'nothing' | 'possible' | 'accepted'

/** Conditions for the first write of a run. */
export interface BeforeStart {
  /** Asks whether the action may start now. */
  mayStart?: StartCheck | undefined
  /** The request that people have approved: if it differs from the first write, nothing is sent. */
  approved?: ApprovedRequest | undefined
}

/**
 * Runs the action of a call once.
 *
 * @param deadlineAt nothing is written after this time, in epoch milliseconds
 * @throws Failure; NotStarted if the action may not start now, and this run has written nothing
 */
export async function runAction(
  category: Category,
  call: Call,
  deadlineAt: number,
  previous: PreviousWrite,
  { mayStart, approved }: BeforeStart = {},
): Promise<ActionResult> {
  const gate = mayStart && new StartGate(mayStart)
  // An earlier attempt is looked up first, which is always allowed.
  if (previous === 'nothing') await gate?.ask()
  const result = await withConnection(category, call, async (action, connection, mayHaveWritten) => {
    if (mayHaveWritten) gate?.markWritten()
    // Nothing of an earlier attempt runs at a platform, and this one sends no request before its job runs.
    if (previous !== 'nothing' && connection.provider.runsInTask) await gate?.ask()
    const comparison = approved && compareWith(approved)
    const options: ConnectOptions = {
      ...optionsOf(call, deadlineAt),
      isRetry: mayHaveWritten || previous !== 'nothing',
      signedLink: action.type === 'approval' ? await signedLink(action, call, deadlineAt) : undefined,
      lastRunKey: call.lastRunKey,
      ...(comparison ? { intercept: comparison.intercept } : {}),
      ...(gate ? { beforeWrite: gate.beforeWrite, mayContinue: gate.mayContinue } : {}),
    }
    if (call.dryRun) return completed(await rehearse(connection, action, call, options))
    if (previous === 'accepted' && !action.idempotent) return lookUp(connection, action, call, options, gate)
    const client = connect(connection, options)
    try {
      const result = await runWith(action, connection.provider, client, call.input)
      gate?.requireOpen()
      if (comparison?.hasChanged()) return completed(changedSinceApproval(options.isRetry))
      return withNotes(result, client)
    } catch (thrown) {
      gate?.requireOpen()
      if (comparison?.hasChanged()) return completed(changedSinceApproval(options.isRetry))
      const { acceptedResponse } = client
      const error =
        thrown instanceof Failure
          ? thrown.withMayHaveWritten(thrown.mayHaveWritten || (client.mayHaveWritten && !thrown.nothingWritten))
          : thrown
      if (action.idempotent || acceptedResponse === undefined || !isAboutResponse(error)) throw error
      gate?.markWritten()
      return lookUp(connection, action, call, options, gate, { error, acceptedResponse })
    }
  })
  return redactDeep(result)
}

/**
 * Polls a started job once. If its polls make the change, and it may not be made now, the status says why.
 *
 * @param mayStart asked before each such change
 * @throws Failure
 */
export async function getJobStatus(
  category: Category,
  call: Call,
  job: unknown,
  deadlineAt: number,
  mayStart?: StartCheck,
): Promise<PollResult> {
  const poll = async (action: AnyJobAction, provider: Provider, client: Client) => {
    const current = await action.job.getStatus(provider, client, call.input, job)
    return 'outcome' in current ? withNotes(current, client) : current
  }
  const changesInPolls = findJobAction(category, call)?.job.changesInPolls
  const options = changesInPolls && mayStart ? { beforeWrite: () => askBeforeWrite(mayStart) } : {}
  try {
    return redactDeep(await withJobAction(category, call, deadlineAt, poll, options))
  } catch (error) {
    if (!(error instanceof NotStarted)) throw error
    return redactDeep({ status: `ready, but not changed: ${error.decision.why}` })
  }
}

/** @throws NotStarted */
async function askBeforeWrite(mayStart: StartCheck): Promise<void> {
  const decision = await mayStart()
  if (decision.type !== 'allowed') throw new NotStarted(decision)
}

/**
 * Asks the platform to stop a job.
 *
 * @returns false if the platform cannot stop it
 * @throws Failure
 */
export async function requestJobStop(
  category: Category,
  call: Call,
  job: unknown,
  deadlineAt: number,
): Promise<boolean> {
  return withJobAction(category, call, deadlineAt, (action, provider, client) =>
    action.job.stop(provider, client, call.input, job),
  )
}

/**
 * Stops the job that carries the id of the call, if there is one.
 *
 * @throws Failure
 */
export async function cleanUpJob(category: Category, call: Call, deadlineAt: number): Promise<void> {
  await withJobAction(
    category,
    call,
    deadlineAt,
    async (action, provider, client) => {
      if (hasIdempotencyKey(client)) await action.job.cleanUp?.(provider, client, call.input)
    },
    { isRetry: true },
  )
}

/**
 * Runs a function with the provider and a client of the call's connection.
 *
 * @throws Failure
 */
export async function withClient<T>(
  category: Category,
  call: Call,
  deadlineAt: number,
  run: (provider: Provider, client: Client) => Promise<T>,
): Promise<T> {
  return withConnection(category, call, (_action, connection) =>
    run(connection.provider, connect(connection, { ...optionsOf(call, deadlineAt), isRetry: false })),
  )
}

// biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema.
type AnyJobAction = JobAction<Provider, any>

async function withJobAction<T>(
  category: Category,
  call: Call,
  deadlineAt: number,
  run: (action: AnyJobAction, provider: Provider, client: Client) => Promise<T>,
  options: Partial<Pick<ConnectOptions, 'isRetry' | 'beforeWrite'>> = {},
): Promise<T> {
  const action = findJobAction(category, call)
  if (!action) throw new Error(`${call.action} does not start jobs.`)
  return withConnection(category, call, (_action, connection) =>
    run(
      action,
      connection.provider,
      connect(connection, { ...optionsOf(call, deadlineAt), isRetry: false, ...options }),
    ),
  )
}

function findJobAction(category: Category, { action: name }: Call): AnyJobAction | undefined {
  const action = category.actions[name]
  return action?.type === 'job' ? action : undefined
}

/** Returns what each client of a call gets. */
export function optionsOf({ id, event: origin }: Pick<Call, 'id' | 'event'>, deadlineAt: number) {
  return { idempotencyKey: id, origin, deadlineAt }
}

/**
 * Runs a function. If the platform does not accept the credentials, reads the secret again and runs it once more.
 *
 * @throws Failure
 */
export async function withConnection<T>(
  category: Category,
  { action: actionName, connection: connectionName }: Call,
  run: (action: AnyAction, connection: Connection, mayHaveWritten: boolean) => Promise<T>,
): Promise<T> {
  const action = category.actions[actionName]
  if (!action) throw new Failure('unknown', `${category.name} has no action ${actionName}.`)
  const attempt = async (fresh: boolean, mayHaveWritten: boolean) =>
    run(action, await loadConnection(category, connectionName, { fresh, ignoresUnknown: true }), mayHaveWritten)
  let mayHaveWritten: boolean
  try {
    return await attempt(false, false)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
    mayHaveWritten = error.mayHaveWritten
  }
  try {
    return await attempt(true, mayHaveWritten)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
    const secret = connectionPath(category.name, connectionName)
    throw new Failure('credentials', `${toSentence(error.message)} Update the secret ${secret}.`, {
      mayHaveWritten: mayHaveWritten || error.mayHaveWritten,
    })
  }
}

/**
 * Returns the link to the approval of a task: equal each time the request is posted.
 *
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function signedLink(
  // biome-ignore lint/suspicious/noExplicitAny: only the id is signed.
  action: ApprovalAction<Provider, any>,
  { id, apiUrl, dryRun }: Call,
  deadlineAt: number,
): Promise<SignedLink> {
  const expiresAt = Math.floor(deadlineAt / 1_000) + 1
  // A dry run must not show a token that works.
  const isReal = !dryRun && id !== undefined
  const link = isReal
    ? await action.signLink(id, apiUrl, expiresAt)
    : { token: 'dry-run', url: `${apiUrl}/approvals/dry-run`, readUrl: `${apiUrl}/approvals/dry-run/read` }
  return { ...link, deadlineAt }
}
