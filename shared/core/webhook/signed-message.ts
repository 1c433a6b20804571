import { canonicalJson } from '../../canonical-json.ts'
import { Failure, serviceUnavailable } from '../../errors.ts'
import { saveFirstUse } from '../../state/signed-messages.ts'
import { invalidQuery } from './call-options.ts'
import type { CallRequest } from './parse.ts'

/** Load this module with `import()`: few callers sign. */

/** As long as a silent call is recorded. After that, a repeat would run again. */
const MAX_AGE_HOURS = 24

/**
 * Refuses a query that could change what a call does. The signature covers the body, not the URL: with `dryRun` or
 * `input.<field>`, a copied request could get the answer that its sender wants.
 *
 * @param allowed names that may be in the query
 * @throws Failure `invalid`
 */
export function refuseUnsignedQuery(query: CallRequest['query'], allowed: readonly string[]): void {
  const unsigned = Object.keys(query).find((name) => !allowed.includes(name))
  if (unsigned === undefined) return
  throw invalidQuery(
    unsigned,
    `is not allowed in a signed call, because the signature does not cover the URL: the query may have ${allowed.join(', ')}`,
  )
}

/**
 * Returns why a signed message may start nothing: it was sent to another URL before, or long ago. So a copy of it can only repeat
 * the call that its sender has made.
 *
 * @param message its digest
 * @param options.isEngine the sender may repeat it at any time
 */
export async function replayRefusal(
  category: string,
  caller: string,
  message: string,
  { action, query }: Pick<CallRequest, 'action' | 'query'>,
  { isEngine }: { isEngine: boolean },
): Promise<Failure | undefined> {
  const target = `${category}/${action}?${canonicalJson(query)}`
  const now = Date.now()
  const first = await saveFirstUse(caller, message, target, now).catch((cause: unknown) => {
    const text =
      'It cannot be checked now whether this signed message is a copy, so the call was not started. Send it again.'
    return serviceUnavailable(text, { after: 5, cause })
  })
  if (first instanceof Failure) return first
  if (first.target !== target)
    return new Failure(
      'forbidden',
      `This signed message was sent to ${first.target.split('?', 1)[0]} or with another query before. Sign a new message for each call, with an id of its own.`,
    )
  if (isEngine || now - first.at < MAX_AGE_HOURS * 3_600_000) return undefined
  return new Failure(
    'forbidden',
    `This signed message was first sent at ${new Date(first.at).toISOString()}, more than ${MAX_AGE_HOURS} hours ago. Sign a new message with an id of its own.`,
  )
}
