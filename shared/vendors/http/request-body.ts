import { randomUUID } from 'node:crypto'
import { Failure } from '../../errors.ts'
import { isRecord } from '../../record.ts'
import { type ExpressionNames, excerpt, fieldName, find } from './expression.ts'
import type { ReadRequest } from './request-fields.ts'

export interface Body {
  headers: Record<string, string>
  body?: unknown
}

/** Returns the body of a request and its content type. */
export function bodyOf({ body, form, multipart, text }: ReadRequest, names: ExpressionNames, name: string): Body {
  if (form !== undefined) {
    return formOf(find(form, names, `${name}.form`), fieldName(`${name}.form`))
  }
  if (multipart !== undefined) {
    return multipartOf(find(multipart, names, `${name}.multipart`), fieldName(`${name}.multipart`))
  }
  if (text !== undefined) {
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    return { headers, body: String(scalar(find(text, names, `${name}.text`)) ?? '') }
  }
  const value = body === undefined ? undefined : find(body, names, `${name}.body`)
  // The HTTP client sends a string verbatim, and this one could contain a JSON document.
  return typeof value === 'string'
    ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
    : { headers: {}, body: value }
}

/**
 * Returns a form.
 *
 * @param source the field of the connection, for messages
 * @throws Failure `misconfigured` if the value is not an object
 */
export function formOf(value: unknown, source: string): Body {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(formFields(value, source)).toString(),
  }
}

/** Returns a form as multipart/form-data, which some APIs require. Without fields, there is no body. */
function multipartOf(value: unknown, source: string): Body {
  const fields = formFields(value, source)
  if (fields.length === 0) return { headers: {} }
  // Random, so that a value cannot contain it and add a field.
  const boundary = randomUUID()
  const parts = fields.map(
    ([field, text]) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${escapedName(field)}"\r\n\r\n${text}\r\n`,
  )
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${parts.join('')}--${boundary}--\r\n`,
  }
}

/** Escapes the name of a field as browsers do. */
function escapedName(field: string): string {
  return field.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
}

function formFields(value: unknown = {}, source: string): [field: string, text: string][] {
  if (!isRecord(value)) {
    throw new Failure('misconfigured', `${source} must find an object, but finds ${excerpt(value)}.`)
  }
  return Object.entries(value).map(([field, item]) => [field, String(scalar(item))])
}

/** Returns a value that can be part of a URL, a header or a form. Objects and lists become JSON. */
export function scalar(value: unknown): string | number | boolean | undefined {
  if (value === undefined || typeof value === 'object') return value === undefined ? undefined : JSON.stringify(value)
  return value as string | number | boolean
}
