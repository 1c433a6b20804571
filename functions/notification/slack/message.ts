import type { Field, Link, Message, MessageButton, Table } from '../../../shared/providers/message.ts'
import {
  byteLength,
  clip,
  clipBytes,
  MOOD_ICONS,
  plainSingleLine,
  toPlainText,
  webLinks,
} from '../../../shared/text/plain-text.ts'

/** The body of a message in the Slack API. */
export interface SlackMessage {
  /** For notifications and screen readers, which ignore blocks. */
  text: string
  blocks: object[]
}

/** Slack's limits for a header and a button, in characters. Counting UTF-16 units is never below that. */
const MAX_TITLE = 150
const MAX_LABEL = 75
/**
 * For all blocks together. Slack documents no limit, but refuses about 11,000 to 13,000 characters with msg_blocks_too_long. An
 * `&` counts as five.
 *
 * @see https://github.com/slackapi/bolt-js/issues/2867
 */
const MAX_BLOCK_CHARACTERS = 9_000
/** For the text in addition to the blocks: chat.update refuses more than 4,000 bytes with msg_too_long. */
const MAX_TEXT_BYTES = 3_900
const MAX = { text: 3_000, fields: 20, name: 60, value: 300, rows: 40, cell: 100, links: 10, linkCharacters: 2_500 }

/** A part of a line. */
interface Run {
  text: string
  bold?: true
}

/**
 * Converts a message to Block Kit. Texts of the event go into `plain_text` and into text elements of `rich_text`, where Slack
 * parses no markup, so they cannot mention, link or format.
 *
 * @param share fraction of the limits; reduced until the blocks fit
 * @see https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
 */
export function slackMessage(message: Message, share = 1): SlackMessage {
  const { mood, text = '', fields, table, links, buttons = [] } = message
  const title = plainSingleLine(`${MOOD_ICONS[mood]} ${message.title}`, MAX_TITLE)
  const parts = [textLines(text, share), fieldLines(fields, share), table ? rowLines(table, share) : []]
  const web = webLinks(links)
  const fitting = fitLinks(web)
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: title, emoji: false } },
    ...parts.filter((lines) => lines.length > 0).map((lines) => richText(elementsOf(lines))),
    ...(web.length > 0 ? [richText(linkElements(fitting, web.length - fitting.length))] : []),
    ...(buttons.length > 0 ? [{ type: 'actions', elements: buttons.map(buttonOf) }] : []),
  ]
  if (share > 1 / 16 && escapeText(JSON.stringify(blocks)).length > MAX_BLOCK_CHARACTERS) {
    return slackMessage(message, share / 2)
  }
  const summary = [title, ...parts.flat().map((line) => line.map((run) => run.text).join(''))].join('\n')
  const [main] = fitting
  const mainLink = main ? `\n<${escapeText(main.url)}|${escapeText(main.label)}>` : ''
  return { text: clipBytes(escapeText(summary), MAX_TEXT_BYTES - byteLength(mainLink)) + mainLink, blocks }
}

/**
 * Escapes text, so that Slack finds no mention or link in it.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function textLines(text: string, share: number): Run[][] {
  const paragraphs = clip(toPlainText(text).trim(), MAX.text * share)
  return paragraphs === '' ? [] : [[{ text: paragraphs }]]
}

function fieldLines(fields: Field[], share: number): Run[][] {
  return limitLines(fields, MAX.fields * share, ({ name, value }) => [
    { text: `${plainSingleLine(name, MAX.name)}: `, bold: true },
    { text: plainSingleLine(value, MAX.value * share) },
  ])
}

/** Writes each row as a line, because tables are cut off on phones. */
function rowLines({ columns, rows }: Table, share: number): Run[][] {
  return limitLines(rows, MAX.rows * share, ({ mood, cells }) => {
    const [first = '', ...others] = cells
    const rest = others.map((cell, index) => [columns[index + 1], cell].filter(Boolean).join(': ')).join(' · ')
    return [
      { text: `${MOOD_ICONS[mood]} ` },
      { text: plainSingleLine(first, MAX.cell * share), bold: true },
      { text: rest === '' ? '' : ` · ${plainSingleLine(rest, 2 * MAX.cell * share)}` },
    ]
  })
}

function limitLines<T>(all: T[], limit: number, toLine: (item: T) => Run[]): Run[][] {
  const lines = all.slice(0, limit).map(toLine)
  const omitted = all.length - lines.length
  return omitted > 0 ? [...lines, [{ text: `and ${omitted} more` }]] : lines
}

/** Limits the links, so that there is room for the rest of the message. */
function fitLinks(links: Link[]): Link[] {
  let room = MAX.linkCharacters
  return links
    .map(({ label, url }) => ({
      label: plainSingleLine(label, MAX_LABEL) || 'Link',
      // A `|` would end the URL in the markup of notifications.
      url: new URL(url).href.replaceAll('|', '%7C'),
    }))
    .filter(({ label, url }) => {
      const size = escapeText(label + url).length
      if (size > room) return false
      room -= size
      return true
    })
    .slice(0, MAX.links)
}

function linkElements(links: Link[], omitted: number): object[] {
  const between = { type: 'text', text: ' · ' }
  const elements = links.map(({ label, url }) => ({ type: 'link', url, text: label }))
  const rest = omitted > 0 ? [{ type: 'text', text: `${omitted} more ${omitted > 1 ? 'links' : 'link'}` }] : []
  return [...elements, ...rest].flatMap((element, index) => (index > 0 ? [between, element] : [element]))
}

function elementsOf(lines: Run[][]): object[] {
  return lines.flatMap((line, index) =>
    line
      .filter(({ text }) => text !== '')
      .map(({ text, bold }, position) => ({
        type: 'text',
        text: index > 0 && position === 0 ? `\n${text}` : text,
        ...(bold ? { style: { bold } } : {}),
      })),
  )
}

function richText(elements: object[]): object {
  return { type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] }
}

function buttonOf({ decision, label, token }: MessageButton): object {
  return {
    type: 'button',
    action_id: decision,
    style: decision === 'approve' ? 'primary' : 'danger',
    text: { type: 'plain_text', text: plainSingleLine(label, MAX_LABEL) || decision, emoji: false },
    value: token,
  }
}
