import { Failure } from '../errors.ts'
import { registerSecret } from '../redact.ts'
import { type Caller, type Callers, readCallers } from './callers.ts'
import type { UnverifiedRequest } from './signatures.ts'

/** Finds the caller of a request by one kind of credential. */
type Scheme = (callers: Callers) => Promise<Caller | undefined>

/** An unknown credential reads the secret again, but at most this often. */
const RECHECK_MS = 15_000
let lastRecheck = 0

/**
 * Returns the caller of a request. The credential is a token in `Authorization: Bearer ..` or `x-token: ..`, the name and
 * the token of the caller in `Authorization: Basic ..`, or a signature of the raw body.
 *
 * @throws Failure `unauthenticated`
 */
export async function authenticate(request: UnverifiedRequest): Promise<Caller> {
  const scheme = schemeOf(request)
  const callers = await readCallers(false)
  const find = scheme ?? (await signatureScheme(request, callers))
  if (!find) throw unauthenticated('Send your token as "Authorization: Bearer <token>" or "x-token: <token>".')
  const known = await find(callers)
  if (known) return known
  if (Date.now() - lastRecheck > RECHECK_MS) {
    lastRecheck = Date.now()
    const added = await find(await readCallers(true))
    if (added) return added
  }
  throw unauthenticated(
    scheme
      ? 'The token is not valid. Check the secret that the webhook uses.'
      : 'The signature is not valid. Check the signing key, and that nothing changes the body on its way.',
  )
}

/** Returns the scheme of the token in the headers. */
function schemeOf({ headers }: UnverifiedRequest): Scheme | undefined {
  const { authorization = '' } = headers
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? headers['x-token']
  if (token) return (callers) => findByToken(callers, token)
  const [, basic] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? []
  if (basic === undefined) return undefined
  const [user = '', ...password] = Buffer.from(basic, 'base64').toString('utf8').split(':')
  return async (callers) => {
    const found = await findByToken(callers, password.join(':'))
    return found?.name === user ? found : undefined
  }
}

/** Returns the scheme of a signature, if the request has a header with one. */
async function signatureScheme(request: UnverifiedRequest, callers: Callers): Promise<Scheme | undefined> {
  const { headers } = request
  const isSigned =
    headers['webhook-signature'] !== undefined ||
    Object.values(callers).some(({ hmac }) => hmac !== undefined && headers[hmac.header] !== undefined)
  if (!isSigned) return undefined
  // Loaded when used: few callers sign.
  const { findSigner } = await import('./signatures.ts')
  return async (known) => findSigner(known, request, Date.now())
}

/** Compares the token with every hash of every caller, so that the duration does not show which one matches. */
async function findByToken(callers: Callers, token: string): Promise<Caller | undefined> {
  // Loaded at the same time as the AWS SDK: node:crypto is a fifth of a webhook's start time.
  const { createHash, timingSafeEqual } = await import('node:crypto')
  const presented = createHash('sha256').update(token).digest()
  let found: Caller | undefined
  for (const [name, caller] of Object.entries(callers)) {
    for (const hash of caller.tokens) {
      if (timingSafeEqual(presented, Buffer.from(hash.slice('sha256:'.length), 'hex'))) found ??= { name, ...caller }
    }
  }
  // Wrong tokens are not registered: they would fill the memory.
  if (found) registerSecret(token)
  return found
}

function unauthenticated(message: string): Failure {
  return new Failure('unauthenticated', message, { headers: { 'www-authenticate': 'Bearer' } })
}
