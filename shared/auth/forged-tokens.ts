import { hash } from 'node:crypto'
import { Failure } from '../errors.ts'
import { FORGED } from '../sources/id-token.ts'

/** Load this module with `import()`: few callers have tokens of an OpenID provider. */

/** A caller of the provider sends none. The time is short, because others may share an address, such as that of a proxy. */
const MAX_FORGED = 10
const WINDOW_MS = 1_000
/** There could be any number of senders and tokens. */
const MAX_CACHED = 1_000

/** The forged tokens with the name of an issuer from an address, and until when they count. */
const senders = new Map<string, { forged: number; until: number }>()
/** The digests of tokens that were valid. */
const verified = new Set<string>()

interface PresentedToken {
  token: string
  issuer: string
  /** The address of the sender. Without it, there is no limit. */
  address: string | undefined
}

/**
 * Verifies the signature of a token, unless its sender has sent many forged ones within a second: each costs CPU time, and
 * everybody can copy the claims of an issuer. Counts by address, so that no one can lock out the callers of an issuer. A token that was
 * valid before is always verified, and others from the address at the next second.
 *
 * @param now epoch milliseconds
 * @param verify returns the problem of the signature
 * @throws Failure `limited`, and what `verify` throws
 */
export async function verifyWithLimit(
  { token, issuer, address }: PresentedToken,
  now: number,
  verify: () => Promise<string | undefined>,
): Promise<string | undefined> {
  if (address === undefined) return verify()
  const key = `${address} ${issuer}`
  const known = senders.get(key)
  const sender = known && known.until > now ? known : { forged: 0, until: now + WINDOW_MS }
  const digest = hash('sha256', token)
  if (sender.forged >= MAX_FORGED && !verified.has(digest))
    throw new Failure('limited', `Too many tokens from ${address} had a signature that is not valid.`, {
      retryAfter: Math.ceil((sender.until - now) / 1_000),
    })
  const problem = await verify()
  if (problem === undefined) {
    if (verified.size >= MAX_CACHED) verified.clear()
    verified.add(digest)
  } else if (problem === FORGED) {
    if (senders.size >= MAX_CACHED) senders.clear()
    senders.set(key, { ...sender, forged: sender.forged + 1 })
  }
  return problem
}
