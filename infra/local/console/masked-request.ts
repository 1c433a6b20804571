import { urlTexts } from '../../../shared/http/credentials.ts'
import { isCredential, redact } from '../../../shared/redact.ts'
import type { ObservedRequest } from '../cloud/index.ts'
import { withoutKeys } from './inbound.ts'

/** A request to a platform and its response, with credentials masked. Long bodies are clipped. */
export interface Exchange {
  /** With the question mark. Empty if there is none, or if the path is not shown because it is a credential. */
  query: string
  headers: Record<string, string>
  body: string
  responseHeaders?: Record<string, string> | undefined
  responseBody: string
  /** Why there was no response. */
  error?: string | undefined
}

const MASK = '***'

/**
 * Masks the credentials in a request and its response: in headers by their names, in JSON and forms by the names of fields, and
 * registered secrets everywhere.
 *
 * @param path the path in the log: a name, if the path is a credential
 */
export function maskRequest(sent: ObservedRequest, path: string | undefined): Exchange {
  const url = new URL(sent.url)
  const isShown = url.pathname === path
  const parts = isShown ? [] : urlTexts(url)
  const mask = (text: string) => parts.reduce((masked, part) => masked.replaceAll(part, MASK), maskText(text))
  return {
    query: isShown ? mask(maskForm(url.search)) : '',
    headers: maskHeaders(sent.headers, mask),
    body: mask(maskForm(maskJson(sent.body))),
    responseHeaders: sent.responseHeaders && maskHeaders(sent.responseHeaders, mask),
    responseBody: mask(maskJson(sent.responseBody)),
    error: sent.error && mask(sent.error),
  }
}

function maskHeaders(headers: Record<string, string>, mask: (text: string) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (!isCredential(name)) return [name, mask(value)]
      const [scheme = ''] = /^(?:Basic|Bearer|Token|AWS4-HMAC-SHA256) /i.exec(value) ?? []
      return [name, `${scheme}${MASK}`]
    }),
  )
}

function maskText(text: string): string {
  return redact(withoutKeys(text))
}

/** Masks the texts of fields that contain credentials. Works on clipped JSON, too. */
function maskJson(text: string): string {
  return text.replace(/"([^"\\]{1,80})"(\s*:\s*)"((?:[^"\\]|\\.)*)"/g, (field, name: string, separator: string) =>
    isSecretField(name) ? `"${name}"${separator}"${MASK}"` : field,
  )
}

/** Masks the values of such fields in a form or a query. */
function maskForm(text: string): string {
  return text.replace(/(^|[?&])([\w.%-]{1,80})=([^&\s]*)/g, (field, separator: string, name: string) =>
    isSecretField(name) ? `${separator}${name}=${MASK}` : field,
  )
}

/** Stricter than the names of headers, because "key" and "session" are ordinary fields of many APIs. */
export function isSecretField(name: string): boolean {
  return /passw|secret|token$|api_?key|private_?key|access_?key|routing_?key|credential|assertion|signature/i.test(name)
}
