import { isCredential, MIN_SECRET_LENGTH, registerSecret } from '../redact.ts'

/** The scheme before a credential, such as Bearer. `registerSecret` itself decodes Basic. */
const AUTHORIZATION_SCHEME = /^(?:(?:Bearer|Token|Api-?Key) (?:token=(?=[^\s,]+$))?|(?!Basic )[a-z][\w-]* +(?=\S+$))/i
/** Shorter parts of a secret URL are ordinary words of its API. */
const MIN_SECRET_URL_PART = 16

/** Registers the headers that are credentials as secrets. */
export function registerCredentials(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    // Platforms may echo a credential without its scheme. Only one form is registered, because each one costs time.
    if (isCredential(name)) registerSecret(value.replace(AUTHORIZATION_SCHEME, ''))
  }
}

/** Registers the parts that make a URL a credential, because platforms repeat them in messages. */
export function registerUrlParts({ pathname, searchParams }: URL): void {
  for (const part of [pathname, ...pathname.split('/'), ...searchParams.values()]) {
    if (part.length >= MIN_SECRET_URL_PART) registerSecret(part)
  }
}

/**
 * Returns the texts in which a server may repeat a URL that is a credential, longest first: the URL, its path, its query, and
 * short parts, such as an id. Path segments without a digit are ordinary words.
 */
export function urlTexts({ href, pathname, search, searchParams }: URL): string[] {
  const segments = pathname.split('/').filter((segment) => /\d/.test(segment))
  const texts = [href, `${pathname}${search}`, pathname, search, ...segments, ...searchParams.values()]
  const usable = texts.filter(({ length }) => length >= MIN_SECRET_LENGTH)
  return [...new Set(usable)].sort((a, b) => b.length - a.length)
}
