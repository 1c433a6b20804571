import type { Field, Link, Message, Mood, Table } from '../../shared/providers/message.ts'
import {
  approvalLink,
  byteLength,
  clip,
  MOOD_ICONS,
  plainSingleLine,
  toPlainText,
  webLinks,
} from '../../shared/text/plain-text.ts'

/** What a workflow of Teams takes: a message with one card. */
export interface TeamsMessage {
  type: 'message'
  attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive'; contentUrl: null; content: object }]
}

/**
 * Of the whole message, in bytes. Microsoft says about 28 KB and does not say what is counted; others have measured 21 KB. What
 * is larger is taken all the same, and then fails within the workflow, where nobody sees it.
 *
 * @see https://learn.microsoft.com/en-us/connectors/teams/#known-issues-and-limitations-with-actions
 */
export const largestMessage = 20_000
/** What there is at most of each part; less, where it would be too much altogether. */
const most = { text: 10_000, fields: 40, value: 1_000, rows: 60, cell: 300 }
const longestTitle = 300
const longestLabel = 100
const mostColumns = 8
/** Of all links together, in bytes: whatever they are, there is room for a message. */
const largestLinks = 12_000
/** Teams shows that many buttons, and keeps the others in a menu. */
const mostButtons = 6

/** The colour of the bar that the title stands in. */
const styles: Record<Mood, string> = {
  good: 'good',
  warning: 'warning',
  bad: 'attention',
  neutral: 'emphasis',
  waiting: 'accent',
}

/**
 * A message as an Adaptive Card 1.5.
 *
 * All that is not ours stands in text runs, which know no Markdown: with `\` before what has a meaning, Teams on a phone
 * would still make a link of `\[text\](url)`.
 *
 * @param share of what there is room for
 * @see https://adaptivecards.io/explorer/RichTextBlock.html
 * @see https://github.com/microsoft/AdaptiveCards/issues/5590
 */
export function teamsMessage(message: Message, share = 1): TeamsMessage {
  const { mood, text = '', fields, table, links } = message
  const title = `${MOOD_ICONS[mood]} ${inert(plainSingleLine(message.title, longestTitle))}`
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.5',
    fallbackText: title,
    msteams: { width: 'Full' },
    body: [
      {
        type: 'Container',
        style: styles[mood],
        bleed: true,
        items: [block(title, { size: 'medium', weight: 'bolder' })],
      },
      ...paragraphs(text, Math.floor(most.text * share)),
      ...factsOf(fields, share),
      ...(table ? tableOf(table, share) : []),
    ],
    actions: buttonsOf([...approvalLink(message), ...webLinks(links)]),
  }
  const whole: TeamsMessage = {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }],
  }
  return share > 0.01 && byteLength(JSON.stringify(whole)) > largestMessage ? teamsMessage(message, share * 0.8) : whole
}

/**
 * What means something even where there is no Markdown: a date to be written in the reader's way, and on an iPhone a link. A
 * space of no width breaks it.
 *
 * @see https://learn.microsoft.com/en-us/adaptive-cards/authoring-cards/text-features#datetime-formatting-and-localization
 * @see https://github.com/microsoft/AdaptiveCards/blob/main/source/ios/AdaptiveCards/AdaptiveCards/AdaptiveCards/UtiliOS.mm
 */
function inert(text: string): string {
  return text.replace(/\{(?=\{(?:DATE|TIME)\()|\](?=\()/gi, '$&\u200b')
}

/** One element with one text, which must not be empty: an iPhone would not show the card. */
function block(text: string, look: { weight?: 'bolder'; size?: 'medium'; isSubtle?: true } = {}): object {
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: text || '–', ...look }] }
}

function paragraphs(text: string, room: number): object[] {
  return clip(toPlainText(text).trim(), room)
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => block(inert(paragraph)))
}

/** A table and no FactSet, whose values are Markdown. */
function factsOf(fields: Field[], share: number): object[] {
  const shown = fields.slice(0, Math.floor(most.fields * share))
  const rows = shown.map(({ name, value }) =>
    row([
      block(inert(plainSingleLine(name, longestLabel)), { weight: 'bolder' }),
      block(inert(clip(toPlainText(value).trim(), Math.floor(most.value * share)))),
    ]),
  )
  return withRest(rows, fields.length, {
    columns: [{ width: 1 }, { width: 3 }],
    firstRowAsHeader: false,
    showGridLines: false,
  })
}

function tableOf({ columns, rows }: Table, share: number): object[] {
  const names = columns.slice(0, mostColumns)
  const longest = Math.floor(most.cell * share)
  const line = (text: string) => inert(plainSingleLine(text, longest))
  const shown = rows.slice(0, Math.floor(most.rows * share)).map(({ mood, cells }) => {
    const texts = names.map((_, at) => line(cells[at] ?? ''))
    return row(texts.map((text, at) => block(at === 0 ? `${MOOD_ICONS[mood]} ${text}` : text)))
  })
  const header = row(names.map((name) => block(line(name), { weight: 'bolder' })))
  return withRest(shown, rows.length, { columns: names.map(() => ({ width: 1 })), firstRowAsHeader: true }, [header])
}

/** The rows in a table, and how many more there are. */
function withRest(rows: object[], all: number, look: object, header: object[] = []): object[] {
  const left = all - rows.length
  return [
    ...(rows.length > 0 ? [{ type: 'Table', ...look, rows: [...header, ...rows] }] : []),
    ...(left > 0 ? [block(`and ${left} more`, { isSubtle: true })] : []),
  ]
}

function row(elements: object[]): object {
  return { type: 'TableRow', cells: elements.map((element) => ({ type: 'TableCell', items: [element] })) }
}

function buttonsOf(links: Link[]): object[] {
  let room = largestLinks
  return links
    .map(({ label, url }) => ({ title: plainSingleLine(label, longestLabel) || 'Link', url: new URL(url).href }))
    .filter((link) => {
      const size = byteLength(JSON.stringify(link))
      const fits = size <= room
      if (fits) room -= size
      return fits
    })
    .map((link, at) => ({ type: 'Action.OpenUrl', ...link, ...(at < mostButtons ? {} : { mode: 'secondary' }) }))
}
