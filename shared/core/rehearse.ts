import type { SentRequest } from '../http/exchange.ts'
import { type Outcome, passed } from '../outcome.ts'
import { type ActionResult, runWith } from '../providers/action.ts'
import { connect } from '../providers/connect.ts'
import type { Connection } from '../providers/connections.ts'
import { isCredential, redact } from '../redact.ts'
import type { Call } from './call.ts'
import type { AnyAction, ConnectOptions } from './look-up.ts'

/** Thrown in place of the first write of a dry run. */
class DryRunWrite extends Error {
  readonly request: SentRequest

  constructor(request: SentRequest) {
    super('dry run')
    this.request = request
  }
}

/** The first request of an action that writes, or its result without one. */
type FirstWrite = { write: SentRequest } | { write?: undefined; result: ActionResult }

/** Runs the action up to the first request that writes. Sends none. */
export async function firstWriteOf(
  connection: Connection,
  action: AnyAction,
  input: unknown,
  options: ConnectOptions,
): Promise<FirstWrite> {
  const intercept = (request: SentRequest) => {
    throw new DryRunWrite(request)
  }
  try {
    const client = connect(connection, { ...options, isRetry: false, intercept })
    return { result: await runWith(action, connection.provider, client, input) }
  } catch (error) {
    if (!(error instanceof DryRunWrite)) throw error
    return { write: error.request }
  }
}

/** Runs the action up to the first request that writes, and returns that request with its credentials masked. */
export async function rehearse(
  connection: Connection,
  action: AnyAction,
  { input }: Call,
  options: ConnectOptions,
): Promise<Outcome> {
  const first = await firstWriteOf(connection, action, input, { ...options, idempotencyKey: undefined })
  if (first.write === undefined) {
    const { type, outcome } = first.result
    const dryRun = type === 'completed' ? 'nothing would be sent.' : 'nothing was started. The response would be:'
    return { ...outcome, message: `Dry run: ${dryRun} ${redact(outcome.message)}` }
  }
  const { method, url, headers, body } = first.write
  const maskedHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, isCredential(name) ? '***' : value]),
  )
  return passed(`Dry run: nothing was sent. The request would be ${method} ${url}`, {
    request: { method, url, headers: maskedHeaders, body: parseIfJson(body) },
  })
}

function parseIfJson(body: string | undefined): unknown {
  if (body === undefined) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
