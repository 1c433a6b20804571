import { type FakeCall, isObject, jsonObject, mediaType } from '../sandbox/http.ts'
import { type Block, readBlocks } from './blocks.ts'
import type { ChatMessage } from './messages.ts'

type Given = Record<string, unknown>

/** An error of Slack, sent with status 200. */
export class SlackError extends Error {
  override readonly name = 'SlackError'
  /** Further fields of the response. */
  readonly fields: object

  constructor(error: string, fields: object = {}) {
    super(error)
    this.fields = fields
  }
}

/**
 * Returns the arguments of a method: from the query, a form or JSON.
 *
 * @see https://docs.slack.dev/apis/web-api#post-bodies
 * @throws SlackError
 */
export function argumentsOf({ method, query, headers, body }: FakeCall): Given {
  if (method === 'GET') return Object.fromEntries(query)
  switch (mediaType(headers)) {
    case 'application/x-www-form-urlencoded':
      return Object.fromEntries(new URLSearchParams(body))
    case 'application/json': {
      const given = jsonObject(body)
      if (!given) throw new SlackError(body.trimStart().startsWith('[') ? 'json_not_object' : 'invalid_json')
      return given
    }
    default:
      throw new SlackError('invalid_post_type')
  }
}

/** Returns a text argument. Slack accepts numbers as text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** @throws SlackError */
export function contentOf(given: Given): { text: string; blocks: Block[] } {
  if (given['attachments'] !== undefined) {
    throw new SlackError('invalid_arguments', {
      response_metadata: { messages: ['[ERROR] attachments are not supported'] },
    })
  }
  const read = readBlocks(structure(given['blocks'], 'invalid_blocks_format') ?? [])
  if ('error' in read) {
    throw new SlackError(read.error, read.messages.length > 0 ? { response_metadata: { messages: read.messages } } : {})
  }
  const text = textOf(given['text'])
  if (text === '' && read.blocks.length === 0) throw new SlackError('no_text')
  return { text, blocks: read.blocks }
}

/** @throws SlackError */
export function metadataOf(given: Given): ChatMessage['metadata'] {
  const metadata = structure(given['metadata'], 'invalid_metadata_format')
  if (metadata === undefined) return undefined
  const { event_type, event_payload } = isObject(metadata) ? metadata : {}
  if (typeof event_type !== 'string' || !isObject(event_payload)) throw new SlackError('invalid_metadata_schema')
  return { event_type, event_payload }
}

/** Parses an argument that is JSON text in a form. */
function structure(value: unknown, error: string): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    throw new SlackError(error)
  }
}
