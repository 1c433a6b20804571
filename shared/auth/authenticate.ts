import { hash as digestOf, timingSafeEqual } from 'node:crypto'
import { Failure } from '../errors.ts'
import { registerSecret } from '../redact.ts'
import type { UnverifiedRequest } from './caller-signatures.ts'
import { type Caller, type Callers, readCallers, requireValidName } from './callers.ts'

/** An unknown credential reads the secret again, but at most this often. */
const RECHECK_MS = 15_000
let lastRecheck = 0

/** The caller of a request. */
export interface Authenticated {
  caller: Caller
  /** Identifies the signed message, if the caller signs its requests. */
  message?: string
  /** The id of the message, if its signature covers one. */
  messageId?: string | undefined
}

interface Request extends UnverifiedRequest {
  /** The address of the sender. */
  address?: string | undefined
  /** The audience that a token of an OpenID provider must have. Defaults to that of the caller's entry. */
  audience?: string | undefined
}

/**
 * Returns the caller of a request. The credential is a token in `Authorization: Bearer ..` or `x-token: ..`, the name and
 * the token of the caller in `Authorization: Basic ..`, or a signature of the raw body. A token is a stored one, or one of
 * an OpenID provider.
 *
 * @throws Failure `unauthenticated`, `forbidden`, `limited`, `misconfigured`, `unavailable`
 */
export async function authenticate(request: Request): Promise<Authenticated> {
  let found = await findCaller(request, await readCallers(false))
  if (!('caller' in found) && Date.now() - lastRecheck > RECHECK_MS) {
    lastRecheck = Date.now()
    found = await findCaller(request, await readCallers(true))
  }
  if ('caller' in found) {
    requireValidName(found.caller)
    return found
  }
  if (found.isOtherAccount) throw new Failure('forbidden', found.refusal)
  throw new Failure('unauthenticated', found.refusal, { headers: { 'www-authenticate': 'Bearer' } })
}

/** Why a request has no caller, and what to do. */
interface Refused {
  refusal: string
  /** Another token of the same account would be refused, too. */
  isOtherAccount?: boolean
}

async function findCaller(request: Request, callers: Callers): Promise<Authenticated | Refused> {
  const { authorization = '' } = request.headers
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? request.headers['x-token']
  if (token) return findByToken(callers, token) ?? findByIssuer(callers, token, request)
  const [, basic] = BASIC.exec(authorization) ?? []
  if (basic !== undefined) {
    const [user = '', ...password] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    const found = findByToken(callers, password.join(':'))
    return found?.caller.name === user ? found : { refusal: WRONG_TOKEN }
  }
  if (!isSigned(request, callers)) return { refusal: MISSING }
  // Loaded when used: few callers sign.
  const { findSigner } = await import('./caller-signatures.ts')
  return findSigner(callers, request, Date.now()) ?? { refusal: WRONG_SIGNATURE }
}

const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i
const MISSING = 'Send your token as "Authorization: Bearer <token>" or "x-token: <token>".'
const WRONG_TOKEN = 'The token is not valid. Check the secret that the webhook uses.'
const WRONG_SIGNATURE =
  'The signature is not valid. Check the signing key, and that nothing changes the body on its way.'

function isSigned({ headers }: UnverifiedRequest, callers: Callers): boolean {
  return (
    headers['webhook-signature'] !== undefined ||
    Object.values(callers).some(({ hmac }) => hmac !== undefined && headers[hmac.header] !== undefined)
  )
}

/** Returns the caller to which an OpenID provider has issued a token. */
async function findByIssuer(
  callers: Callers,
  token: string,
  { address, audience }: Request,
): Promise<Authenticated | Refused> {
  const hasIssuers = Object.values(callers).some(({ oidc }) => oidc !== undefined)
  if (!hasIssuers || token.split('.', 4).length !== 3) return { refusal: WRONG_TOKEN }
  // Loaded when used: most callers have stored tokens.
  const { findCallerByIssuer } = await import('./token-caller.ts')
  const found = await findCallerByIssuer(callers, token, Date.now(), { address, audience })
  if ('caller' in found) registerSecret(token)
  return found
}

/** Compares the token with every hash of every caller, so that the duration does not show which one matches. */
function findByToken(callers: Callers, token: string): Authenticated | undefined {
  const presented = digestOf('sha256', token, 'buffer')
  let found: Caller | undefined
  for (const [name, caller] of Object.entries(callers)) {
    for (const hash of caller.tokens) {
      if (timingSafeEqual(presented, Buffer.from(hash.slice('sha256:'.length), 'hex'))) found ??= { name, ...caller }
    }
  }
  // Wrong tokens are not registered: they would fill the memory.
  if (found) registerSecret(token)
  return found && { caller: found }
}
