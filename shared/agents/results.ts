import type { FieldError } from '../errors.ts'
import { failureKinds } from '../failure-kinds.ts'
import { isRecord } from '../record.ts'
import { clip, toPlainText } from '../text/plain-text.ts'
import type { ForwardedResponse } from './forward.ts'
import type { JsonObject, RpcResult } from './server.ts'

const text = { type: 'string' }

/** The content of the result of a call, of its preview, and of a task. Other fields may be added. */
export const RESULT_SCHEMA = {
  type: 'object',
  properties: {
    verdict: {
      type: 'string',
      enum: ['running', 'pass', 'warning', 'fail', 'errored', 'aborted', 'refused', 'unknown'],
    },
    message: text,
    taskId: text,
    pollAfterSeconds: { type: 'integer' },
    data: { type: 'object' },
    links: { type: 'object', additionalProperties: text },
    errors: { type: 'array', items: { type: 'object', properties: { path: text, message: text } } },
  },
  required: ['verdict'],
}

/** More would fill the context of a model. */
const MAX_BYTES = 8_192
/** The limits of each text, tried in this order until a result fits. */
const TEXT_LIMITS = [4_000, 1_000, 250, 60]
const MAX_ITEMS = 50

/** For a model: what it does after a stop. */
export const WHILE_STOPPED = 'People have stopped such actions: inform your user, and do not try another way.'

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
  const isComplete = (uri: unknown) => typeof uri === 'string' && URL.canParse(uri) && !uri.endsWith('…')
  return {
    content: [
      { type: 'text', text: JSON.stringify(structured) },
      ...links.filter(([, uri]) => isComplete(uri)).map(([name, uri]) => ({ type: 'resource_link', uri, name })),
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

/**
 * Returns the result for a webhook that has refused a request, or has not answered it.
 *
 * @param advice for a request without an answer
 */
export function refusal({ status, headers, body }: ForwardedResponse, advice = 'Try again.'): RpcResult {
  const { title = `Status ${status}`, detail = '', errors } = body
  const wait = headers['retry-after']
  const isStopped = title === failureKinds.stopped.title
  const isUnknown = status >= 500 && !isStopped
  const sentences = [
    `${title}: ${detail}`,
    isStopped ? WHILE_STOPPED : '',
    wait === undefined || isStopped ? '' : `Wait ${wait} s before you try again.`,
    isUnknown ? advice : '',
  ]
  const message = sentences.filter(Boolean).join(' ')
  const verdict = isUnknown ? 'unknown' : 'refused'
  return toolResult({ verdict, message, ...(errors === undefined ? {} : { errors }) }, { isError: true })
}

/** Returns the content with texts that are short enough for a model. The rest can be read at the platform. */
function limit(content: JsonObject): JsonObject {
  for (const maxText of TEXT_LIMITS) {
    const limited = clean(content, maxText) as JsonObject
    if (Buffer.byteLength(JSON.stringify(limited)) <= MAX_BYTES) return limited
  }
  const { verdict, taskId, message } = clean(content, 1_000) as JsonObject
  return { verdict, taskId, message, note: 'The result is too large, so its data is omitted.' }
}

/** Returns a text without approval links and invisible characters, cut to a length. */
export function cleanText(original: string, maxLength: number): string {
  const text = toPlainText(original)
  const shown = text.includes(APPROVAL_PATH)
    ? text.replace(/[^\s"<>]+/g, (word) => (word.includes(APPROVAL_PATH) ? '***' : word))
    : text
  return clip(shown, maxLength)
}

function clean(value: unknown, maxText: number): unknown {
  if (typeof value === 'string') return cleanText(value, maxText)
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => clean(item, maxText))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, MAX_ITEMS)
      .map(([name, field]) => [clip(toPlainText(name), 255), clean(field, maxText)]),
  )
}
