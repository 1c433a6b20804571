import type { FieldError } from '../errors.ts'
import { isRecord } from '../record.ts'
import { clip, toPlainText } from '../text/plain-text.ts'
import type { ForwardedResponse } from './forward.ts'
import type { JsonObject, RpcResult } from './server.ts'

/** More would fill the context of a model. */
const MAX_BYTES = 8_192
/** The limits of each text, tried in this order until a result fits. */
const TEXT_LIMITS = [4_000, 1_000, 250, 60]
const MAX_ITEMS = 50

/** Part of the URL of the page on which a person decides. It is never sent to an agent. */
const APPROVAL_PATH = '/notification/approvals/'

/**
 * Returns the result of a tool: the content for programs, and the same as text, which is all that some clients show a model.
 *
 * @param content may contain texts of platforms: they are cut, and approval links and invisible characters removed
 */
export function toolResult(content: JsonObject, { isError = false }: { isError?: boolean } = {}): RpcResult {
  const structured = limit(content)
  const links = isRecord(structured['links']) ? Object.entries(structured['links']) : []
  return {
    content: [
      { type: 'text', text: JSON.stringify(structured) },
      ...links.map(([name, uri]) => ({ type: 'resource_link', uri, name })),
    ],
    structuredContent: structured,
    isError,
  }
}

/** Returns the result of a call with arguments that are not valid: the model can correct them. */
export function invalidArguments(errors: readonly FieldError[]): RpcResult {
  const message = errors.map(({ path, message }) => `${path} ${message}`).join('. ')
  return toolResult({ verdict: 'refused', message, errors }, { isError: true })
}

/** Returns the result for a response of a webhook that refuses a request. */
export function refusal({ status, headers, body }: ForwardedResponse): RpcResult {
  const { title = `Status ${status}`, detail = '', errors } = body
  const wait = headers['retry-after']
  const pause = wait === undefined ? '' : ` Wait ${wait} s before you try again.`
  const message = `${title}: ${detail}${pause}`
  return toolResult({ verdict: 'refused', message, ...(errors === undefined ? {} : { errors }) }, { isError: true })
}

/** Returns the content with texts that are short enough for a model. The rest can be read at the platform. */
function limit(content: JsonObject): JsonObject {
  for (const maxText of TEXT_LIMITS) {
    const limited = clean(content, maxText) as JsonObject
    if (Buffer.byteLength(JSON.stringify(limited)) <= MAX_BYTES) return limited
  }
  const { data: _, errors: _1, connections: _2, ...small } = clean(content, 60) as JsonObject
  return { ...small, note: 'The result is too large, so its data is omitted.' }
}

function withoutApprovalLinks(text: string): string {
  if (!text.includes(APPROVAL_PATH)) return text
  return text.replace(/[^\s"<>]+/g, (word) => (word.includes(APPROVAL_PATH) ? '***' : word))
}

function clean(value: unknown, maxText: number): unknown {
  if (typeof value === 'string') return clip(withoutApprovalLinks(toPlainText(value)), maxText)
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => clean(item, maxText))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ITEMS)
      .map(([name, field]) => [clip(toPlainText(name), 255), clean(field, maxText)]),
  )
}
