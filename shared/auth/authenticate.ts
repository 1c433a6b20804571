import { hash as digestOf, timingSafeEqual } from 'node:crypto'
import { Failure } from '../errors.ts'
import { registerSecret } from '../redact.ts'
import type { UnverifiedRequest } from './caller-signatures.ts'
import { type Caller, type Callers, readCallers } from './callers.ts'

/** An unknown credential reads the secret again, but at most this often. */
const RECHECK_MS = 15_000
let lastRecheck = 0

/** The caller of a request. */
export interface Authenticated {
  caller: Caller
  /** Identifies the signed message, if the caller signs its requests. */
  message?: string
}

/**
 * Returns the caller of a request. The credential is a token in `Authorization: Bearer ..` or `x-token: ..`, the name and
 * the token of the caller in `Authorization: Basic ..`, or a signature of the raw body.
 *
 * @throws Failure `unauthenticated`
 */
export async function authenticate(request: UnverifiedRequest): Promise<Authenticated> {
  let callers = await readCallers(false)
  let found = await findCaller(request, callers)
  if (!found && Date.now() - lastRecheck > RECHECK_MS) {
    lastRecheck = Date.now()
    callers = await readCallers(true)
    found = await findCaller(request, callers)
  }
  if (found) return found
  throw unauthenticated(reasonOf(request, callers))
}

async function findCaller(request: UnverifiedRequest, callers: Callers): Promise<Authenticated | undefined> {
  const { authorization = '' } = request.headers
  const token = tokenOf(request)
  if (token) return findByToken(callers, token)
  const [, basic] = BASIC.exec(authorization) ?? []
  if (basic !== undefined) {
    const [user = '', ...password] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    const found = await findByToken(callers, password.join(':'))
    return found?.caller.name === user ? found : undefined
  }
  if (!isSigned(request, callers)) return undefined
  // Loaded when used: few callers sign.
  const { findSigner } = await import('./caller-signatures.ts')
  return findSigner(callers, request, Date.now())
}

const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i

function tokenOf({ headers }: UnverifiedRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1] ?? headers['x-token']
}

function isSigned({ headers }: UnverifiedRequest, callers: Callers): boolean {
  return (
    headers['webhook-signature'] !== undefined ||
    Object.values(callers).some(({ hmac }) => hmac !== undefined && headers[hmac.header] !== undefined)
  )
}

/** Returns why a request has no caller, and what to do. */
function reasonOf(request: UnverifiedRequest, callers: Callers): string {
  if (tokenOf(request) || BASIC.test(request.headers['authorization'] ?? ''))
    return 'The token is not valid. Check the secret that the webhook uses.'
  if (isSigned(request, callers))
    return 'The signature is not valid. Check the signing key, and that nothing changes the body on its way.'
  return 'Send your token as "Authorization: Bearer <token>" or "x-token: <token>".'
}

/** Compares the token with every hash of every caller, so that the duration does not show which one matches. */
async function findByToken(callers: Callers, token: string): Promise<Authenticated | undefined> {
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

function unauthenticated(message: string): Failure {
  return new Failure('unauthenticated', message, { headers: { 'www-authenticate': 'Bearer' } })
}
