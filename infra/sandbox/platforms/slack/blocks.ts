import * as z from 'zod'
import { isObject } from '../sandbox/http.ts'

/** The supported parts of Block Kit: https://docs.slack.dev/reference/block-kit/blocks */
export type Block = z.output<typeof block>
export type Button = z.output<typeof button>
export type RichText = z.output<typeof richText>
export type Text = z.output<ReturnType<typeof anyText>>

function characters(most: number) {
  return z
    .string()
    .min(1, 'must be more than 0 characters')
    .max(most, `must be less than ${most + 1} characters`)
}

/** Returns the error for a type, or for an object with a type. */
function unsupported({ input }: { input?: unknown }): string {
  return `unsupported type: ${isObject(input) ? input['type'] : input}`
}

function plainText(most: number) {
  return z.object(
    { type: z.literal('plain_text', { error: unsupported }), text: characters(most) },
    { error: unsupported },
  )
}

function anyText(most: number) {
  const mrkdwn = z.object({ type: z.literal('mrkdwn'), text: characters(most) })
  return z.discriminatedUnion('type', [plainText(most), mrkdwn], { error: unsupported })
}

function list<T extends z.ZodType>(one: T, most: number) {
  return z.array(one).min(1, 'no fewer than 1 items allowed').max(most, `no more than ${most} items allowed`)
}

const block_id = z.string().max(255).optional()
const button = z.object({
  type: z.literal('button', { error: unsupported }),
  action_id: z.string().max(255),
  text: plainText(75),
  value: z.string().max(2000, 'must be less than 2001 characters').optional(),
  style: z.enum(['primary', 'danger']).optional(),
})
const style = z.object({ bold: z.boolean().optional(), code: z.boolean().optional() }).optional()
const richText = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string().min(1, 'must be more than 0 characters'), style }),
    z.object({ type: z.literal('link'), url: z.url('invalid url'), text: z.string().optional(), style }),
  ],
  { error: unsupported },
)
const section = z
  .object({
    type: z.literal('section'),
    block_id,
    text: anyText(3000).optional(),
    fields: list(anyText(2000), 10).optional(),
  })
  .refine(({ text, fields }) => text || fields, { path: ['text'], message: 'missing required field: text' })
const block = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('header'), block_id, text: plainText(150) }),
    section,
    z.object({ type: z.literal('context'), block_id, elements: list(anyText(3000), 10) }),
    z.object({ type: z.literal('divider'), block_id }),
    z.object({ type: z.literal('actions'), block_id, elements: list(button, 25) }),
    z.object({
      type: z.literal('rich_text'),
      block_id,
      elements: list(
        z.object({ type: z.literal('rich_text_section', { error: unsupported }), elements: z.array(richText) }),
        100,
      ),
    }),
  ],
  { error: unsupported },
)
const blocks = z.array(block).max(50, 'no more than 50 items allowed')

/**
 * Slack rejects blocks with more than 11,000 to 13,000 characters in total with msg_blocks_too_long, so this limit is the
 * lowest one. It counts escaped text and an overhead for each block.
 *
 * @see https://github.com/slackapi/bolt-js/issues/2867
 */
const MAX_CHARACTERS = 11_000

/** Parses blocks, or returns Slack's error with details. */
export function readBlocks(given: unknown): { blocks: Block[] } | { error: string; messages: string[] } {
  const read = blocks.safeParse(given)
  if (!read.success) {
    const messages = read.error.issues.map(
      ({ path, message }) => `[ERROR] ${message} [json-pointer:/${['blocks', ...path].join('/')}]`,
    )
    return { error: 'invalid_blocks', messages }
  }
  const ids = buttonsIn(read.data).map(({ action_id }) => action_id)
  if (new Set(ids).size < ids.length) {
    return { error: 'invalid_blocks', messages: ['[ERROR] `action_id` already exists [json-pointer:/blocks]'] }
  }
  const counted = JSON.stringify(read.data).replaceAll('&', '&amp;').replace(/[<>]/g, '&lt;')
  return counted.length + read.data.length * 100 > MAX_CHARACTERS
    ? { error: 'msg_blocks_too_long', messages: [] }
    : { blocks: read.data }
}

export function buttonsIn(all: readonly Block[]): Button[] {
  return all.flatMap((one) => (one.type === 'actions' ? one.elements : []))
}

/** Returns the text of a block. */
export function textIn(one: Block): string {
  switch (one.type) {
    case 'header':
      return one.text.text
    case 'section':
      return [one.text, ...(one.fields ?? [])].flatMap((part) => part?.text ?? []).join('\n')
    case 'context':
      return one.elements.map(({ text }) => text).join(' ')
    case 'rich_text':
      return one.elements.map(({ elements }) => elements.map(wordsOf).join('')).join('\n')
    case 'actions':
      return one.elements.map(({ text }) => `[${text.text}]`).join(' ')
    case 'divider':
      return '---'
  }
}

function wordsOf(element: RichText): string {
  return element.type === 'link' ? `${element.text ?? element.url} (${element.url})` : element.text
}
