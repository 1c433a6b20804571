import { compactButton } from '../../../shared/approvals/compact-token.ts'
import type { Field, Link, Message, MessageButton, Mood } from '../../../shared/providers/message.ts'
import {
  clip,
  fitEscaped,
  MOOD_ICONS,
  plainSingleLine,
  plainTextBody,
  webLinks,
} from '../../../shared/text/plain-text.ts'

const COLORS: Record<Mood, number> = {
  good: 0x2e7d32,
  warning: 0xf9a825,
  bad: 0xc62828,
  neutral: 0x8b8fa7,
  waiting: 0x1c58d9,
}

// Together, these stay below the 6,000 characters of all embeds.
const MAX_TITLE = 256
const MAX_DESCRIPTION = 3_200
const MAX_LINKS = 1_000
const MAX_FIELDS = 10
const MAX_NAME = 50
const MAX_VALUE = 150
const MAX_LABEL = 80

/**
 * Converts a message to an embed and buttons.
 *
 * @see https://docs.discord.com/developers/resources/message#embed-object-embed-limits
 */
export function discordMessage(message: Message): object {
  const { mood, title, fields, links, buttons = [] } = message
  const shown = fields.slice(0, MAX_FIELDS)
  const linkLine = linksOf(webLinks(links))
  const body = bodyOf({ ...message, fields: fields.slice(MAX_FIELDS) }, MAX_DESCRIPTION - linkLine.length)
  const description = [body, linkLine].filter(Boolean).join('\n\n')
  const embed = {
    title: escapeToFit(`${MOOD_ICONS[mood]} ${plainSingleLine(title)}`, MAX_TITLE),
    ...(description === '' ? {} : { description }),
    color: COLORS[mood],
    fields: shown.map(fieldOf),
  }
  return {
    embeds: [embed],
    components: buttons.length > 0 ? [{ type: ACTION_ROW, components: buttons.map(buttonOf) }] : [],
    // No text may notify people.
    allowed_mentions: { parse: [] },
  }
}

const ACTION_ROW = 1
const BUTTON = 2
const SUCCESS_STYLE = 3
const DANGER_STYLE = 4

/**
 * Escapes text, so that Discord finds no markup, mention or link in it.
 *
 * @see https://docs.discord.com/developers/reference#message-formatting
 */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\*_~`|<>[\]()@]|:(?=\/\/)/g, '\\$&')
    .replace(/^([ \t]*)(?=[#+-])/gm, '$1\\')
    .replace(/^([ \t]*\d+)(?=\.)/gm, '$1\\')
}

function escapeToFit(text: string, maxLength: number): string {
  return fitEscaped(maxLength, (length) => escapeMarkdown(clip(text, length)))
}

function bodyOf(message: Message, maxLength: number): string {
  return fitEscaped(maxLength, (length) => escapeMarkdown(plainTextBody(message, [], length)))
}

function fieldOf({ name, value }: Field): object {
  return {
    name: escapeToFit(plainSingleLine(name), MAX_NAME) || '-',
    value: escapeToFit(plainSingleLine(value), MAX_VALUE) || '-',
    inline: value.length <= 40,
  }
}

/** Returns the links that fit. */
function linksOf(links: Link[]): string {
  let line = ''
  for (const { label, url } of links) {
    const next = `[${escapeToFit(plainSingleLine(label) || new URL(url).host, MAX_LABEL)}](${escapeUrl(url)})`
    if (line.length + next.length + 3 <= MAX_LINKS) line = [line, next].filter(Boolean).join(' · ')
  }
  return line
}

/** Encodes the characters of a URL that could end a Markdown link. */
function escapeUrl(url: string): string {
  return new URL(url).href.replace(
    /[()\\<>"`|]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function buttonOf(button: MessageButton): object {
  return {
    type: BUTTON,
    style: button.decision === 'approve' ? SUCCESS_STYLE : DANGER_STYLE,
    label: plainSingleLine(button.label, MAX_LABEL),
    custom_id: compactButton(button),
  }
}
