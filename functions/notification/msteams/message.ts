import type { Field, Link, Message, Mood, Table } from '../../../shared/providers/message.ts'
import {
  approvalLink,
  byteLength,
  clip,
  MOOD_ICONS,
  plainSingleLine,
  toPlainText,
  webLinks,
} from '../../../shared/text/plain-text.ts'

/** The body for a Teams workflow: a message with one card. */
export interface TeamsMessage {
  type: 'message'
  attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive'; contentUrl: null; content: object }]
}

/**
 * Microsoft documents about 28 KB without saying what counts; measurements found 21 KB. A workflow accepts a larger message and
 * then fails unnoticed.
 *
 * @see https://learn.microsoft.com/en-us/connectors/teams/#known-issues-and-limitations-with-actions
 */
export const MAX_MESSAGE_BYTES = 20_000
/** Limits of each part. They are reduced until the message fits. */
const MAX = { text: 10_000, fields: 40, value: 1_000, rows: 60, cell: 300 }
const MAX_TITLE = 300
const MAX_LABEL = 100
const MAX_COLUMNS = 8
/** For all links together, so that there is room for the rest of the message. */
const MAX_LINK_BYTES = 12_000
/** Teams puts further buttons into a menu. */
const MAX_BUTTONS = 6

/** The colour of the title bar. */
const STYLES: Record<Mood, string> = {
  good: 'good',
  warning: 'warning',
  bad: 'attention',
  neutral: 'emphasis',
  waiting: 'accent',
}

/**
 * Converts a message to an Adaptive Card 1.5.
 *
 * Texts of the event go into text runs, which have no Markdown. Escaping is not enough: Teams on a phone turns
 * `\[text\](url)` into a link.
 *
 * @param share fraction of the limits; reduced until the message fits
 * @see https://adaptivecards.io/explorer/RichTextBlock.html
 * @see https://github.com/microsoft/AdaptiveCards/issues/5590
 */
export function teamsMessage(message: Message, share = 1): TeamsMessage {
  const { mood, text = '', fields, table, links } = message
  const title = `${MOOD_ICONS[mood]} ${breakFunctions(plainSingleLine(message.title, MAX_TITLE))}`
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.5',
    fallbackText: title,
    msteams: { width: 'Full' },
    body: [
      {
        type: 'Container',
        style: STYLES[mood],
        bleed: true,
        items: [block(title, { size: 'medium', weight: 'bolder' })],
      },
      ...paragraphs(text, Math.floor(MAX.text * share)),
      ...factsOf(fields, share),
      ...(table ? tableOf(table, share) : []),
    ],
    actions: buttonsOf([...approvalLink(message), ...webLinks(links)]),
  }
  const result: TeamsMessage = {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }],
  }
  return share > 0.01 && byteLength(JSON.stringify(result)) > MAX_MESSAGE_BYTES
    ? teamsMessage(message, share * 0.8)
    : result
}

/**
 * Breaks date functions, and links on an iPhone, with a zero-width space. Teams evaluates both even in text runs.
 *
 * @see https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features#datetime-formatting-and-localization
 * @see https://github.com/microsoft/AdaptiveCards/blob/main/source/ios/AdaptiveCards/AdaptiveCards/AdaptiveCards/UtiliOS.mm
 */
function breakFunctions(text: string): string {
  return text.replace(/\{(?=\{(?:DATE|TIME)\()|\](?=\()/gi, '$&\u200b')
}

/** Returns a block with one text. An empty text would prevent an iPhone from showing the card. */
function block(text: string, style: { weight?: 'bolder'; size?: 'medium'; isSubtle?: true } = {}): object {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: text || '–', ...style }] }
}

function paragraphs(text: string, max: number): object[] {
  return clip(toPlainText(text).trim(), max)
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => block(breakFunctions(paragraph)))
}

/** Returns a table. The values of a FactSet would be parsed as Markdown. */
function factsOf(fields: Field[], share: number): object[] {
  const visible = fields.slice(0, Math.floor(MAX.fields * share))
  const rows = visible.map(({ name, value }) =>
    row([
      block(breakFunctions(plainSingleLine(name, MAX_LABEL)), { weight: 'bolder' }),
      block(breakFunctions(clip(toPlainText(value).trim(), Math.floor(MAX.value * share)))),
    ]),
  )
  return withRest(rows, fields.length, {
    columns: [{ width: 1 }, { width: 3 }],
    firstRowAsHeader: false,
    showGridLines: false,
  })
}

function tableOf({ columns, rows }: Table, share: number): object[] {
  const names = columns.slice(0, MAX_COLUMNS)
  const maxCell = Math.floor(MAX.cell * share)
  const line = (text: string) => breakFunctions(plainSingleLine(text, maxCell))
  const visible = rows.slice(0, Math.floor(MAX.rows * share)).map(({ mood, cells }) => {
    const texts = names.map((_, index) => line(cells[index] ?? ''))
    return row(texts.map((text, index) => block(index === 0 ? `${MOOD_ICONS[mood]} ${text}` : text)))
  })
  const header = row(names.map((name) => block(line(name), { weight: 'bolder' })))
  return withRest(visible, rows.length, { columns: names.map(() => ({ width: 1 })), firstRowAsHeader: true }, [header])
}

/** Returns a table, and how many rows were omitted. */
function withRest(rows: object[], total: number, layout: object, header: object[] = []): object[] {
  const omitted = total - rows.length
  return [
    ...(rows.length > 0 ? [{ type: 'Table', ...layout, rows: [...header, ...rows] }] : []),
    ...(omitted > 0 ? [block(`and ${omitted} more`, { isSubtle: true })] : []),
  ]
}

function row(elements: object[]): object {
  return { type: 'TableRow', cells: elements.map((element) => ({ type: 'TableCell', items: [element] })) }
}

function buttonsOf(links: Link[]): object[] {
  let room = MAX_LINK_BYTES
  return links
    .map(({ label, url }) => ({ title: plainSingleLine(label, MAX_LABEL) || 'Link', url: new URL(url).href }))
    .filter((link) => {
      const size = byteLength(JSON.stringify(link))
      const fits = size <= room
      if (fits) room -= size
      return fits
    })
    .map((link, index) => ({ type: 'Action.OpenUrl', ...link, ...(index < MAX_BUTTONS ? {} : { mode: 'secondary' }) }))
}
