import { createHash } from 'node:crypto'
import type { UnverifiedRequest } from '../../auth/caller-signatures.ts'
import { type Caller, callerNamed, readCallers } from '../../auth/callers.ts'
import { formatDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import { log } from '../../log.ts'
import { loadOrchestrator } from '../../orchestrators/index.ts'
import type { SignedCall } from '../../orchestrators/orchestrator.ts'
import type { Category } from '../../providers/category.ts'
import { maxDeadlineOf } from '../max-deadlines.ts'
import { invalidQuery, parseQuery } from './call-options.ts'
import type { CallRequest } from './parse.ts'
import type { WebhookRequest } from './request.ts'
import { refuseUnsignedQuery, replayRefusal } from './signed-message.ts'

/** Load this module with `import()`: few engines sign their calls. */

const ALLOWED_QUERY = ['orchestrator', 'connection', 'deadline', 'sendStarted', 'progress', 'mode']
/** A wrong signature reads the secret again, but at most this often. */
const RECHECK_MS = 15_000
let lastRecheck = 0

/** A verified request of an engine. */
export interface VerifiedCall {
  caller: Caller
  callRequest: CallRequest
  maxResponseMs: number
}

/**
 * Verifies and reads a request of an engine that signs its calls.
 *
 * @param name of the orchestrator
 * @returns undefined if the request does not call for a task
 * @throws Failure `unauthenticated`, `forbidden`, `invalid`
 */
export async function readSignedCall(
  category: Category,
  name: string,
  action: string,
  request: WebhookRequest,
): Promise<VerifiedCall | undefined> {
  const call = await receive(name, request)
  if (!call) return undefined
  const { orchestrator: _, ...query } = request.query
  refuseUnsignedQuery(request.query, ALLOWED_QUERY)
  if (query['mode']?.some((mode) => mode !== 'interactive'))
    throw invalidQuery('mode', 'must be interactive: the engine receives the result later')
  const { deadline } = parseQuery(query, maxDeadlineOf(category)).options
  if (deadline !== undefined && deadline > call.maxDeadline)
    throw invalidQuery(
      'deadline',
      `must be at most ${formatDuration(call.maxDeadline)}, because the engine gives up then`,
    )
  const caller = await callerOf(call, name)
  const message = createHash('sha256').update(request.rawBody()).digest('hex')
  return {
    caller,
    callRequest: {
      action,
      query: { ...query, mode: ['interactive'] },
      body: JSON.stringify(call.body),
      isBase64: false,
      headers: { 'content-type': 'application/json', traceparent: request.headers['traceparent'] },
      replyTo: call.replyTo,
      signed: {
        message,
        replayRefusal: () =>
          replayRefusal(category.name, caller.name, message, { action, query: request.query }, { isEngine: true }),
      },
      categoryUrl: request.categoryUrl,
    },
    maxResponseMs: call.maxResponseMs,
  }
}

/** Reads the request with the stored secret, and again with a fresh one if the signature does not match. */
async function receive(name: string, request: UnverifiedRequest): Promise<SignedCall | undefined> {
  try {
    return await receiveWith(name, request, false)
  } catch (error) {
    const isUnknown = error instanceof Failure && error.kind === 'unauthenticated'
    if (!isUnknown || Date.now() - lastRecheck <= RECHECK_MS) throw error
    lastRecheck = Date.now()
    return receiveWith(name, request, true)
  }
}

async function receiveWith(name: string, request: UnverifiedRequest, fresh: boolean): Promise<SignedCall | undefined> {
  // The same response for each reason: the sender is not authenticated.
  const unauthenticated = new Failure('unauthenticated', 'The signature is not valid. Check the secret of the webhook.')
  const callers = Object.values(await readCallers(fresh))
  // Anyone may send any name: only known ones are read from Secrets Manager.
  if (!callers.some(({ orchestrator }) => orchestrator === name)) throw unauthenticated
  const orchestrator = await loadOrchestrator(name, { fresh }).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.kind !== 'misconfigured') throw error
    log.warn('orchestrator not loaded', { kind: error.kind, reason: error.message })
    throw unauthenticated
  })
  if (!orchestrator.receive) throw unauthenticated
  return orchestrator.receive(request)
}

/**
 * Returns the caller of a verified call, whose entry must allow that the orchestrator calls for it.
 *
 * @throws Failure `forbidden`
 */
async function callerOf(call: SignedCall, orchestrator: string): Promise<Caller> {
  const caller = await callerNamed(call.caller)
  if (caller.orchestrator === orchestrator) return caller
  throw new Failure(
    'forbidden',
    `The caller ${caller.name} must have "orchestrator": "${orchestrator}". Add it to its entry in the secret callers.`,
  )
}
