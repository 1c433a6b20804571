import type { Agent } from 'node:https'
import { messageOf } from '../errors.ts'

const agents = new Map<string, Agent>()

/**
 * Returns the agent that trusts a private certificate authority in addition to the public ones. Cached per authority,
 * because reading the public certificates for each connection is slow. Keeps idle connections as Node's own agent does.
 *
 * @param ca PEM
 * @throws Error for an invalid certificate
 */
export async function agentWithCa(ca: string): Promise<Agent> {
  const cached = agents.get(ca)
  if (cached) return cached
  const { X509Certificate } = await import('node:crypto')
  // A secure context accepts any text, and then trusts no certificate.
  new X509Certificate(ca)
  const { Agent, globalAgent } = await import('node:https')
  const { createSecureContext, rootCertificates } = await import('node:tls')
  const { keepAlive, scheduling, timeout } = globalAgent.options
  const secureContext = createSecureContext({ ca: [...rootCertificates, ca] })
  const agent = new Agent({ keepAlive, scheduling, timeout, secureContext })
  agents.set(ca, agent)
  return agent
}

/** Returns whether the request failed before it was sent, so that the platform cannot have done anything. */
export function isUnsent(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return (
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code) ||
    code.startsWith('ERR_TLS') ||
    // Rejected by Node or OpenSSL.
    /^ERR_(?:INVALID|HTTP_INVALID|UNESCAPED|OSSL)_/.test(code) ||
    isCertificateError(code)
  )
}

function isCertificateError(code: string): boolean {
  return code.includes('CERT') || code.startsWith('UNABLE_TO_')
}

/** Returns why a platform could not be reached, for messages. */
export function networkReason(error: NodeJS.ErrnoException): string {
  if (isCertificateError(error.code ?? ''))
    return `its TLS certificate is not trusted (${error.code}). For a private one, set "ca" in the connection`
  // Node joins the errors of several addresses into one with an empty message.
  return error.message || error.code || messageOf(error)
}
