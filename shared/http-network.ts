import { messageOf } from './errors.ts'

/** Errors of the connection attempt itself: the request was never sent, so nothing is in doubt. */
export function isUnsent(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return (
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(code) ||
    code.startsWith('ERR_TLS') ||
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
