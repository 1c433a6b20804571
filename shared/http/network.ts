import type { Agent } from 'node:https'
import { messageOf } from '../errors.ts'

const agents = new Map<string, Agent>()

/**
 * The agent that trusts a private certificate authority beside the public ones. One for each, since those are many, and would
 * be read anew for each connection; idle connections are kept as long as Node's own agent keeps them.
 *
 * @param ca PEM
 * @throws Error for what is no certificate
 */
export async function agentWithCa(ca: string): Promise<Agent> {
  const known = agents.get(ca)
  if (known) return known
  const { X509Certificate } = await import('node:crypto')
  // A secure context takes anything, and then trusts nobody.
  new X509Certificate(ca)
  const { Agent, globalAgent } = await import('node:https')
  const { createSecureContext, rootCertificates } = await import('node:tls')
  const { keepAlive, scheduling, timeout } = globalAgent.options
  const secureContext = createSecureContext({ ca: [...rootCertificates, ca] })
  const agent = new Agent({ keepAlive, scheduling, timeout, secureContext })
  agents.set(ca, agent)
  return agent
}

/** Errors of the connection attempt itself: the request was never sent, so nothing is in doubt. */
export function isUnsent(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return (
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code) ||
    code.startsWith('ERR_TLS') ||
    // What Node, or OpenSSL, would not even begin with.
    /^ERR_(?:INVALID|HTTP_INVALID|UNESCAPED|OSSL)_/.test(code) ||
    isCertificate(code)
  )
}

function isCertificate(code: string): boolean {
  return code.includes('CERT') || code.startsWith('UNABLE_TO_')
}

/** Why a platform could not be reached, for a person. */
export function networkReason(error: NodeJS.ErrnoException): string {
  if (isCertificate(error.code ?? ''))
    return `its TLS certificate is not trusted (${error.code}): set "ca" in the connection for a private one`
  // Node joins several addresses' errors in one with an empty message.
  return error.message || error.code || messageOf(error)
}
