import { type Connection, connectionPath, loadConnection } from '../connections.ts'
import { Failure, sentence } from '../errors.ts'
import { isCredential, type SentRequest } from '../http.ts'
import { type Outcome, passed } from '../outcome.ts'
import { mask, maskDeep } from '../redact.ts'
import type { Action, Begun, Category, HandedOver, Look } from './category.ts'
import { connect } from './connect.ts'
import { type Client, hasKey, type Provider, type Reference } from './provider.ts'

/** What a call wants done: an action on a connection. */
export interface Work {
  action: string
  connection: string
  /** What the orchestrator calls it, where the connection chose the action. */
  chosen?: string | undefined
  /** Checked and completed. */
  input: unknown
  /** The identity of the call, where it has an event id. */
  key: string | undefined
  dryRun: boolean
  /** Whether what it starts must not outlive its task. */
  mustEnd?: boolean | undefined
  /** Where our API is, for an action that asks people. */
  address?: string | undefined
  /** Whether the platform itself answers what is started. */
  handsOver?: boolean | undefined
}

/**
 * Does an action once.
 *
 * @param deadlineAt epoch milliseconds after which nothing is written
 * @param repeated whether an earlier try may have got further than we know
 * @returns how it ended, or what has begun at the platform and goes on there, or was handed over to it
 * @throws Failure
 */
export async function perform(
  category: Category,
  work: Work,
  deadlineAt: number,
  repeated: boolean,
): Promise<Outcome | Begun | HandedOver> {
  const result = await withConnection(category, work, async (action, connection) => {
    const question = action.ask && (await referenceOf(action.ask, work, deadlineAt))
    if (work.dryRun) return rehearse(connection, action, work, { deadlineAt, question })
    const client = connect(connection, { key: work.key, repeated, question, deadlineAt })
    return action.act(connection.provider, client, work.input)
  })
  return maskDeep(result)
}

/** What leads to the question of a task: the same each time it is made. */
async function referenceOf(
  { books }: NonNullable<AnyAction['ask']>,
  { key, address, dryRun }: Work,
  deadlineAt: number,
): Promise<Reference> {
  const { referenceTo } = await books()
  const until = Math.floor(deadlineAt / 1_000) + 1
  // Nothing that works is shown in a dry run.
  const reference = dryRun || key === undefined ? 'dry-run' : await referenceTo(key, until)
  return { reference, url: `${address}/approvals/${reference}`, deadlineAt }
}

/**
 * Does something for an action that asks people.
 *
 * @param run gets the action's way to ask, its provider and a client
 * @throws Failure
 */
export async function withQuestion<T>(
  category: Category,
  work: Work,
  deadlineAt: number,
  run: (ask: NonNullable<AnyAction['ask']>, provider: Provider, client: Client) => Promise<T>,
): Promise<T> {
  return withConnection(category, work, async ({ ask, summary }, connection) => {
    if (!ask) throw new Error(`"${summary}" asks nobody.`)
    return run(ask, connection.provider, connect(connection, { key: work.key, repeated: false, deadlineAt }))
  })
}

/**
 * Looks how what has begun goes on.
 *
 * @throws Failure
 */
export async function look(category: Category, work: Work, pending: unknown, deadlineAt: number): Promise<Look> {
  const seen = await withConnection(category, work, async (action, connection) => {
    const client = connect(connection, { key: work.key, repeated: false, deadlineAt })
    return followOf(action).look(connection.provider, client, work.input, pending)
  })
  return maskDeep(seen)
}

/**
 * Asks the platform to end what has begun.
 *
 * @returns false where the platform has no way to
 * @throws Failure
 */
export async function stop(category: Category, work: Work, pending: unknown, deadlineAt: number): Promise<boolean> {
  return withConnection(category, work, async (action, connection) => {
    const client = connect(connection, { key: work.key, repeated: false, deadlineAt })
    return followOf(action).stop(connection.provider, client, work.input, pending)
  })
}

/**
 * Ends what carries the key of the work, if there is anything: no task looks after it any more.
 *
 * @throws Failure
 */
export async function takeBack(category: Category, work: Work, deadlineAt: number): Promise<void> {
  await withConnection(category, work, async (action, connection) => {
    const client = connect(connection, { key: work.key, repeated: true, deadlineAt })
    if (hasKey(client)) await followOf(action).takeBack?.(connection.provider, client, work.input)
  })
}

// biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema at the door.
type AnyAction = Action<Provider, any>

function followOf({ follow, summary }: AnyAction): NonNullable<AnyAction['follow']> {
  if (!follow) throw new Error(`"${summary}" begins something, and does not say how it is followed.`)
  return follow
}

/** Credentials that the platform does not accept are read anew from their secret, and tried once more. */
async function withConnection<T>(
  category: Category,
  { action: name, connection }: Work,
  run: (action: AnyAction, connection: Connection) => Promise<T>,
): Promise<T> {
  const action = category.actions[name]
  if (!action) throw new Failure('unknown', `There is no action ${name} in ${category.name}.`)
  const attempt = async (fresh: boolean) => run(action, await loadConnection(category, connection, fresh))
  try {
    return await attempt(false)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
  }
  try {
    return await attempt(true)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
    throw new Failure(
      'credentials',
      `${sentence(error.message)} Mend the secret ${connectionPath(category.name, connection)}.`,
    )
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
  work: Work,
  limits: { deadlineAt: number; question: Reference | undefined },
): Promise<Outcome> {
  const intercept = (request: SentRequest) => {
    throw new Rehearsed(request)
  }
  try {
    const client: Client = connect(connection, { key: undefined, repeated: false, ...limits, intercept })
    const result = await action.act(connection.provider, client, work.input)
    if (!('outcome' in result)) return { ...result, message: `Dry run: nothing would be sent. ${mask(result.message)}` }
    return {
      ...result.outcome,
      message: `Dry run: nothing was begun. It would answer: ${mask(result.outcome.message)}`,
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
