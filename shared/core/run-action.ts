import { Failure, kindOf, messageOf, toSentence } from '../errors.ts'
import type { SentRequest } from '../http/exchange.ts'
import { log } from '../log.ts'
import { type Outcome, passed } from '../outcome.ts'
import {
  type Action,
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
import { isCredential, redact, redactDeep } from '../redact.ts'
import { sleep } from '../sleep.ts'
import type { Call } from './call.ts'

/**
 * The writes of earlier attempts at the platform: nothing; something that this attempt must look for
 * before it writes; or something that the platform accepted without a usable response, which must not be written again.
 */
export type PreviousWrite = 'nothing' | 'possible' | 'accepted'

// biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema.
type AnyAction = Action<Provider, any>
type ConnectOptions = Parameters<typeof connect>[1]

/**
 * Runs the action of a call once.
 *
 * @param deadlineAt nothing is written after this time, in epoch milliseconds
 * @throws Failure
 */
export async function runAction(
  category: Category,
  call: Call,
  deadlineAt: number,
  previous: PreviousWrite,
): Promise<ActionResult> {
  const result = await withConnection(category, call, async (action, connection, mayHaveWritten) => {
    const options: ConnectOptions = {
      ...optionsOf(call, deadlineAt),
      isRetry: mayHaveWritten || previous !== 'nothing',
      signedLink: action.type === 'approval' ? await signedLink(action, call, deadlineAt) : undefined,
      lastRunKey: call.lastRunKey,
    }
    if (call.dryRun) return completed(await rehearse(connection, action, call, options))
    if (previous === 'accepted' && !action.idempotent) return lookUp(connection, action, call, options)
    const client = connect(connection, options)
    try {
      return withNotes(await runWith(action, connection.provider, client, call.input), client)
    } catch (thrown) {
      const { acceptedResponse } = client
      const error =
        thrown instanceof Failure
          ? thrown.withMayHaveWritten(thrown.mayHaveWritten || (client.mayHaveWritten && !thrown.nothingWritten))
          : thrown
      if (action.idempotent || acceptedResponse === undefined || !isAboutResponse(error)) throw error
      return lookUp(connection, action, call, options, { error, acceptedResponse })
    }
  })
  return redactDeep(result)
}

/**
 * Polls a started job once.
 *
 * @throws Failure
 */
export async function getJobStatus(
  category: Category,
  call: Call,
  job: unknown,
  deadlineAt: number,
): Promise<PollResult> {
  const status = await withJobAction(category, call, deadlineAt, async (action, provider, client) => {
    const current = await action.job.getStatus(provider, client, call.input, job)
    return 'outcome' in current ? withNotes(current, client) : current
  })
  return redactDeep(status)
}

/**
 * Asks the platform to stop a job.
 *
 * @returns false if the platform cannot stop it
 * @throws Failure
 */
export async function stopJob(category: Category, call: Call, job: unknown, deadlineAt: number): Promise<boolean> {
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
    true,
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
  isRetry = false,
): Promise<T> {
  return withConnection(category, call, (action, connection) => {
    if (action.type !== 'job') throw new Error(`${call.action} does not start jobs.`)
    return run(action, connection.provider, connect(connection, { ...optionsOf(call, deadlineAt), isRetry }))
  })
}

/** Adds the notes of the provider to the message of the outcome. */
function withNotes<R extends { outcome: Outcome }>(result: R, { notes }: Client): R {
  if (notes.size === 0) return result
  const message = [toSentence(result.outcome.message), ...notes].join(' ')
  return { ...result, outcome: { ...result.outcome, message } }
}

function optionsOf({ id, event }: Call, deadlineAt: number) {
  return { idempotencyKey: id, event, deadlineAt }
}

/** Runs a function. If the platform does not accept the credentials, reads the secret again and runs it once more. */
async function withConnection<T>(
  category: Category,
  { action: name, connection }: Call,
  run: (action: AnyAction, connection: Connection, mayHaveWritten: boolean) => Promise<T>,
): Promise<T> {
  const action = category.actions[name]
  if (!action) throw new Failure('unknown', `${category.name} has no action ${name}.`)
  const attempt = async (fresh: boolean, mayHaveWritten: boolean) =>
    run(action, await loadConnection(category, connection, fresh), mayHaveWritten)
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
    const secret = connectionPath(category.name, connection)
    throw new Failure('credentials', `${toSentence(error.message)} Update the secret ${secret}.`, {
      mayHaveWritten: mayHaveWritten || error.mayHaveWritten,
    })
  }
}

/** Returns the link to the approval of a task: equal each time the request is posted. */
async function signedLink(
  // biome-ignore lint/suspicious/noExplicitAny: only the id is signed.
  action: ApprovalAction<Provider, any>,
  { id, apiUrl, dryRun }: Call,
  deadlineAt: number,
): Promise<SignedLink> {
  const expiresAt = Math.floor(deadlineAt / 1_000) + 1
  // A dry run must not show a token that works.
  const token = dryRun || id === undefined ? 'dry-run' : await action.signToken(id, expiresAt)
  return { token, url: `${apiUrl}/approvals/${token}`, deadlineAt }
}

interface UnusableResponse {
  error: unknown
  acceptedResponse: string
}

/** Milliseconds before each look-up: some platforms list a new object only after a moment. */
const LOOK_UP_PAUSES_MS = [0, 1_000, 2_000]

/** Thrown in place of a write during a look-up. */
class NotFound extends Error {}

/**
 * Looks for what an accepted write created. Never writes again, unless the platform treats two writes with one key as one.
 *
 * @throws Failure `doubtful` if it is not found
 */
async function lookUp(
  connection: Connection,
  action: AnyAction,
  { action: name, id, input }: Call,
  options: ConnectOptions,
  unusable?: UnusableResponse,
): Promise<ActionResult> {
  const { provider, values } = connection
  if (unusable) logUnusable(unusable)
  const intercept = () => {
    throw new NotFound()
  }
  const isRepeatable = action.isDeduplicated?.(provider) || provider.hasIdempotentWrites?.(values)
  const client = () => connect(connection, { ...options, isRetry: true, ...(isRepeatable ? {} : { intercept }) })
  for (const pause of id === undefined ? [] : LOOK_UP_PAUSES_MS) {
    if (Date.now() + pause >= options.deadlineAt) break
    await sleep(pause)
    try {
      const lookUpClient = client()
      const result = await runWith(action, provider, lookUpClient, input)
      // The connection must be corrected, although the action succeeded.
      if (kindOf(unusable?.error) === 'misconfigured')
        lookUpClient.notes.add(`The response to the request was not usable: ${messageOf(unusable?.error)}`)
      return withNotes(result, lookUpClient)
    } catch (error) {
      log.info('look-up found nothing', { action: name, reason: messageOf(error) })
      if (kindOf(error) !== 'doubtful') continue
      // The platform cannot look it up. Its response to the write explains more, if it is known.
      if (!unusable) throw error
      break
    }
  }
  throw outcomeUnknown(provider, unusable)
}

/** Whether an error that followed an accepted write is about the response, and is not the platform's refusal. */
function isAboutResponse(error: unknown): boolean {
  if (!(error instanceof Failure)) return true
  return (error.transient || error.kind === 'misconfigured') && !error.nothingWritten
}

function logUnusable({ error, acceptedResponse }: UnusableResponse): void {
  if (!(error instanceof Failure)) log.error('internal error', error as Error)
  log.warn('response to a write is not usable', { kind: kindOf(error), reason: messageOf(error), acceptedResponse })
}

function outcomeUnknown({ title }: Provider, unusable?: UnusableResponse): Failure {
  const reason = unusable
    ? `${title} accepted the request, but its response is not usable: ${toSentence(messageOf(unusable.error))} The response was ${toSentence(unusable.acceptedResponse)}`
    : 'The outcome of an earlier attempt of this call is unknown.'
  return new Failure(
    'doubtful',
    `${reason} The request may have created something that was not found, so it was not sent again. Check ${title} before you repeat the call.`,
    { cause: unusable?.error },
  )
}

/** Thrown in place of the first write of a dry run. */
class DryRunWrite extends Error {
  readonly request: SentRequest

  constructor(request: SentRequest) {
    super('dry run')
    this.request = request
  }
}

/** Runs the action up to the first request that writes, and returns that request with its credentials masked. */
async function rehearse(
  connection: Connection,
  action: AnyAction,
  { input }: Call,
  options: ConnectOptions,
): Promise<Outcome> {
  const intercept = (request: SentRequest) => {
    throw new DryRunWrite(request)
  }
  try {
    const client = connect(connection, { ...options, idempotencyKey: undefined, isRetry: false, intercept })
    const { type, outcome } = await runWith(action, connection.provider, client, input)
    const dryRun = type === 'completed' ? 'nothing would be sent.' : 'nothing was started. The response would be:'
    return { ...outcome, message: `Dry run: ${dryRun} ${redact(outcome.message)}` }
  } catch (error) {
    if (!(error instanceof DryRunWrite)) throw error
    const { method, url, headers, body } = error.request
    const maskedHeaders = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, isCredential(name) ? '***' : value]),
    )
    return passed(`Dry run: nothing was sent. The request would be ${method} ${url}`, {
      request: { method, url, headers: maskedHeaders, body: parseIfJson(body) },
    })
  }
}

function parseIfJson(body: string | undefined): unknown {
  if (body === undefined) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
