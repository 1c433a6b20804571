import { checkFirst, Failure, kindOf, messageOf, outcomeUnknown, toSentence } from '../errors.ts'
import { log } from '../log.ts'
import { type Action, type ActionResult, runWith } from '../providers/action.ts'
import { connect } from '../providers/connect.ts'
import type { Connection } from '../providers/connections.ts'
import type { Provider } from '../providers/provider.ts'
import { sleep } from '../sleep.ts'
import type { Call } from './call.ts'
import type { StartGate } from './start-gate.ts'
import { withNotes } from './with-notes.ts'

// biome-ignore lint/suspicious/noExplicitAny: the input was checked by the action's own schema.
export type AnyAction = Action<Provider, any>
export type ConnectOptions = Parameters<typeof connect>[1]

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
 * @throws Failure `unconfirmed` if it is not found; NotStarted if such a write may not be sent now
 */
export async function lookUp(
  connection: Connection,
  action: AnyAction,
  { action: name, id, input }: Call,
  options: ConnectOptions,
  gate?: StartGate,
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
      gate?.requireOpen()
      log.info('look-up found nothing', { action: name, reason: messageOf(error) })
      if (kindOf(error) !== 'unconfirmed') continue
      // The platform cannot look it up. Its response to the write explains more, if it is known.
      if (!unusable) throw error
      break
    }
  }
  throw writeOutcomeUnknown(provider, unusable)
}

/** Whether an error that followed an accepted write is about the response, and is not the platform's refusal. */
export function isAboutResponse(error: unknown): boolean {
  if (!(error instanceof Failure)) return true
  return (error.transient || error.kind === 'misconfigured') && !error.nothingWritten
}

function logUnusable({ error, acceptedResponse }: UnusableResponse): void {
  if (!(error instanceof Failure)) log.error('internal error', error as Error)
  log.warn('response to a write is not usable', { kind: kindOf(error), reason: messageOf(error), acceptedResponse })
}

function writeOutcomeUnknown({ title }: Provider, unusable?: UnusableResponse): Failure {
  const reason = unusable
    ? `${title} accepted the request, but its response is not usable: ${toSentence(messageOf(unusable.error))} The response was ${toSentence(unusable.acceptedResponse)}`
    : 'The outcome of an earlier attempt of this call is unknown.'
  return outcomeUnknown(
    `${reason} The request may have created something that was not found, so it was not sent again. ${checkFirst(title)}`,
    { cause: unusable?.error },
  )
}
