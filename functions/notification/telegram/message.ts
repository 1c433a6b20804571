import { compactButton } from '../../../shared/approvals/compact-token.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { fitEscaped, MOOD_ICONS, plainSingleLine, plainTextBody, webLinks } from '../../../shared/text/plain-text.ts'

interface Entity {
  type: 'bold' | 'text_link'
  offset: number
  length: number
  url?: string
}

/** Telegram's limit for a text, in UTF-16 units. */
const MAX_TEXT = 4_096
const MAX_TITLE = 300
const MAX_LABEL = 60
const MAX_LINKS = 10

/**
 * Converts a message to a text, the positions of its links, and buttons. Telegram parses no markup in such a text.
 *
 * @see https://core.telegram.org/bots/api#messageentity
 */
export function telegramMessage(message: Message): object {
  const { mood, title, links, buttons = [] } = message
  const heading = withoutDetection(`${MOOD_ICONS[mood]} ${plainSingleLine(title, MAX_TITLE)}`)
  const entities: Entity[] = [{ type: 'bold', offset: 0, length: heading.length }]
  const labels = webLinks(links)
    .slice(0, MAX_LINKS)
    .map(({ label, url }) => ({ label: withoutDetection(plainSingleLine(label, MAX_LABEL)) || 'Link', url }))
  const room = MAX_TEXT - heading.length - labels.map(({ label }) => `\n${label}`).join('').length - '\n\n\n'.length
  const body = fitEscaped(room, (length) => withoutDetection(plainTextBody(message, [], length)))
  let text = [heading, body].filter(Boolean).join('\n\n')
  for (const [index, { label, url }] of labels.entries()) {
    text += index === 0 ? '\n\n' : '\n'
    entities.push({ type: 'text_link', offset: text.length, length: label.length, url: new URL(url).href })
    text += label
  }
  const keyboard = buttons.map((button) => ({
    text: plainSingleLine(button.label, MAX_LABEL),
    callback_data: compactButton(button),
  }))
  return {
    text,
    entities,
    link_preview_options: { is_disabled: true },
    ...(keyboard.length > 0 ? { reply_markup: { inline_keyboard: [keyboard] } } : {}),
  }
}

const ZERO_WIDTH_SPACE = '\u200b'

/** Breaks mentions, hashtags, commands, links and addresses, which Telegram finds in any text. */
function withoutDetection(text: string): string {
  return text.replace(/[@#$/](?=[\p{L}\p{N}_])|\.(?=\p{L})/gu, `$&${ZERO_WIDTH_SPACE}`)
}
