import type { Field, Link, Message, MessageButton, Table } from '../../shared/providers/message.ts'
import {
  byteLength,
  clip,
  clipBytes,
  MOOD_ICONS,
  plainSingleLine,
  toPlainText,
  webLinks,
} from '../../shared/text/plain-text.ts'

/** A message as Slack takes it. */
export interface SlackMessage {
  /** What notifications and screen readers say: these read no blocks. */
  text: string
  blocks: object[]
}

/** Slack's limits of a header and of a button, in characters. We count UTF-16 units, of which there are at least as many. */
const longestTitle = 150
const longestLabel = 75
/**
 * Of all blocks together. Slack names no limit and refuses with msg_blocks_too_long what has some 11,000 to 13,000 characters,
 * of which `&` is five.
 *
 * @see https://github.com/slackapi/bolt-js/issues/2867
 */
const mostCharacters = 9_000
/** Of the text beside the blocks, in bytes: chat.update refuses one over 4,000 with msg_too_long. */
const mostBytes = 3_900
/** Of each part; what is left out is counted. `ways` are the characters of all links. */
const most = { text: 3_000, fields: 20, name: 60, value: 300, rows: 40, cell: 100, links: 10, ways: 2_500 }

/** A piece of a line. */
interface Run {
  text: string
  bold?: true
}

/**
 * A message in Block Kit. All that is not ours stands in `plain_text` and in text elements of `rich_text`, in which Slack sees
 * no markup: nothing in it can mention, link or format.
 *
 * @param share of what there is room for: less, where it would be too much altogether
 * @see https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
 */
export function slackMessage(message: Message, share = 1): SlackMessage {
  const { mood, text = '', fields, table, links, buttons = [] } = message
  const title = plainSingleLine(`${MOOD_ICONS[mood]} ${message.title}`, longestTitle)
  const parts = [textLines(text, share), fieldLines(fields, share), table ? rowLines(table, share) : []]
  const web = webLinks(links)
  const shown = linksThatFit(web)
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: title, emoji: false } },
    ...parts.filter((lines) => lines.length > 0).map((lines) => richText(elementsOf(lines))),
    ...(web.length > 0 ? [richText(linkElements(shown, web.length - shown.length))] : []),
    ...(buttons.length > 0 ? [{ type: 'actions', elements: buttons.map(buttonOf) }] : []),
  ]
  if (share > 1 / 16 && escapeText(JSON.stringify(blocks)).length > mostCharacters) {
    return slackMessage(message, share / 2)
  }
  const said = [title, ...parts.flat().map((line) => line.map((run) => run.text).join(''))].join('\n')
  const [main] = shown
  const way = main ? `\n<${escapeText(main.url)}|${escapeText(main.label)}>` : ''
  return { text: clipBytes(escapeText(said), mostBytes - byteLength(way)) + way, blocks }
}

/**
 * Text in which Slack sees no mention and no link.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text#escaping
 */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function textLines(text: string, share: number): Run[][] {
  const paragraphs = clip(toPlainText(text).trim(), most.text * share)
  return paragraphs === '' ? [] : [[{ text: paragraphs }]]
}

function fieldLines(fields: Field[], share: number): Run[][] {
  return counted(fields, most.fields * share, ({ name, value }) => [
    { text: `${plainSingleLine(name, most.name)}: `, bold: true },
    { text: plainSingleLine(value, most.value * share) },
  ])
}

/** A row in a line: on a phone a table of Slack's is cut off at its right. */
function rowLines({ columns, rows }: Table, share: number): Run[][] {
  return counted(rows, most.rows * share, ({ mood, cells }) => {
    const [first = '', ...others] = cells
    const rest = others.map((cell, at) => [columns[at + 1], cell].filter(Boolean).join(': ')).join(' · ')
    return [
      { text: `${MOOD_ICONS[mood]} ` },
      { text: plainSingleLine(first, most.cell * share), bold: true },
      { text: rest === '' ? '' : ` · ${plainSingleLine(rest, 2 * most.cell * share)}` },
    ]
  })
}

function counted<T>(all: T[], room: number, toLine: (one: T) => Run[]): Run[][] {
  const lines = all.slice(0, room).map(toLine)
  const left = all.length - lines.length
  return left > 0 ? [...lines, [{ text: `and ${left} more` }]] : lines
}

/** However many and however long they are, there is room for the rest of the message. */
function linksThatFit(links: Link[]): Link[] {
  let room = most.ways
  return links
    .map(({ label, url }) => ({
      label: plainSingleLine(label, longestLabel) || 'Link',
      // What ends an address in the markup of notifications; the parser of URLs leaves it as it is.
      url: new URL(url).href.replaceAll('|', '%7C'),
    }))
    .filter(({ label, url }) => {
      const size = escapeText(label + url).length
      if (size > room) return false
      room -= size
      return true
    })
    .slice(0, most.links)
}

function linkElements(links: Link[], left: number): object[] {
  const between = { type: 'text', text: ' · ' }
  const elements = links.map(({ label, url }) => ({ type: 'link', url, text: label }))
  const rest = left > 0 ? [{ type: 'text', text: `${left} more ${left > 1 ? 'links' : 'link'}` }] : []
  return [...elements, ...rest].flatMap((element, at) => (at > 0 ? [between, element] : [element]))
}

function elementsOf(lines: Run[][]): object[] {
  return lines.flatMap((line, at) =>
    line
      .filter(({ text }) => text !== '')
      .map(({ text, bold }, place) => ({
        type: 'text',
        text: at > 0 && place === 0 ? `\n${text}` : text,
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
    text: { type: 'plain_text', text: plainSingleLine(label, longestLabel) || decision, emoji: false },
    value: token,
  }
}
