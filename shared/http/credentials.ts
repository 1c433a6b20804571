import { isCredential, registerSecret } from '../redact.ts'

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
