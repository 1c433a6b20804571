import { type Connection, connectionPath, loadConnection } from '../connections.ts'
import { Failure, sentence } from '../errors.ts'
import { Http, isCredential, type SentRequest } from '../http.ts'
import { type Outcome, passed } from '../outcome.ts'
import { mask, maskDeep } from '../redact.ts'
import type { Action, Category } from './category.ts'
import type { Client, Provider } from './provider.ts'

/** One action on one connection: what a silent call does, and what the step of a task does. */
export interface Job {
  action: string
  connection: string
  /** Checked and completed. */
  input: unknown
  /** The identity of the call, where it has an event id. */
  key: string | undefined
  dryRun: boolean
}

/**
 * Does an action once. Credentials that the platform does not accept are read anew from their secret, and tried once more.
 *
 * @param deadlineAt epoch milliseconds after which nothing is written
 * @param repeated whether an earlier try may have got further than we know
 * @throws Failure
 */
export async function perform(category: Category, job: Job, deadlineAt: number, repeated: boolean): Promise<Outcome> {
  const action = category.actions[job.action]
  if (!action) throw new Failure('unknown', `There is no action ${job.action} in ${category.name}.`)
  try {
    return await attempt(category, action, job, deadlineAt, repeated, false)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
  }
  try {
    return await attempt(category, action, job, deadlineAt, repeated, true)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'credentials') throw error
    throw new Failure(
      'credentials',
      `${sentence(error.message)} Mend the secret ${connectionPath(category.name, job.connection)}.`,
    )
  }
}

async function attempt(
  category: Category,
  // biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema at the door.
  action: Action<Provider, any>,
  job: Job,
  deadlineAt: number,
  repeated: boolean,
  fresh: boolean,
): Promise<Outcome> {
  const connection = await loadConnection(category, job.connection, fresh)
  if (job.dryRun) return rehearse(connection, action, job, deadlineAt)
  const client = connect(connection, { key: job.key, repeated, deadlineAt })
  return maskDeep(await action.act(connection.provider, client, job.input))
}

interface ConnectOptions {
  key: string | undefined
  repeated: boolean
  deadlineAt: number
  intercept?: (request: SentRequest) => void
}

/** The client of a connection, as its provider's functions get it. */
export function connect({ provider, values }: Connection, options: ConnectOptions): Client {
  const { key, repeated, deadlineAt, intercept } = options
  const http = new Http({
    platform: provider.title,
    baseUrl: String(values['baseUrl']),
    headers: provider.headers(values),
    ca: values['ca'] as string | undefined,
    deadlineAt,
    ...(intercept ? { intercept } : {}),
    ...(provider.reason ? { reason: (body: unknown) => provider.reason?.(body) } : {}),
  })
  return { connection: values, http, key, repeated }
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
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  action: Action<Provider, any>,
  job: Job,
  deadlineAt: number,
): Promise<Outcome> {
  const intercept = (request: SentRequest) => {
    throw new Rehearsed(request)
  }
  try {
    const client = connect(connection, { key: undefined, repeated: false, deadlineAt, intercept })
    const outcome = await action.act(connection.provider, client, job.input)
    return { ...maskDeep(outcome), message: `Dry run: nothing would be sent. ${mask(outcome.message)}` }
  } catch (error) {
    if (!(error instanceof Rehearsed)) throw error
    const { method, url, headers, body } = error.request
    const shown = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, isCredential(name) ? '***' : value]),
    )
    return maskDeep(
      passed(`Dry run: nothing was sent. It would be ${method} ${url}`, {
        request: { method, url, headers: shown, body: asJson(body) },
      }),
    )
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
