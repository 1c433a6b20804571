const MAX_EMAIL = 255
/** ASCII only: other letters can look like these, or become these in lower case. */
const EMAIL = /^[\w.!#$%&'*+/=?^`{|}~-]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/

/**
 * Returns the e-mail address in the claims of a token, in lower case. Undefined unless the provider says that it has verified the
 * address: at some providers, people enter any address.
 */
export function verifiedEmailOf({ email, email_verified: isVerified }: Record<string, unknown>): string | undefined {
  if (isVerified !== true || typeof email !== 'string') return undefined
  const address = email.length > MAX_EMAIL || !isAscii(email) ? '' : email.toLowerCase()
  return emailDomainOf(address) === undefined ? undefined : address
}

/** Returns the domain of an e-mail address. Undefined for any other text. */
export function emailDomainOf(text: string): string | undefined {
  return EMAIL.exec(text.toLowerCase())?.[1]
}

function isAscii(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}
