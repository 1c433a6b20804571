import type { Message } from '../../../shared/providers/message.ts'
import { escapeHtml } from '../../../shared/text/escape-html.ts'
import {
  approvalLink,
  clip,
  clipBytes,
  MOOD_ICONS,
  plainSingleLine,
  plainTextBody,
  webLinks,
} from '../../../shared/text/plain-text.ts'

const MAX_TITLE = 200
/** Bytes. Google Chat accepts 32,000 for a message, and escaping multiplies a character by at most six. */
const MAX_TEXT = 3_500
const MAX_FIELDS = 12
const MAX_LABEL = 60
const MAX_VALUE = 100
const MAX_LINKS = 8
const MAX_LINK = 500

/**
 * Converts a message to a card. Approvals link to the approval page.
 *
 * @see https://developers.google.com/workspace/chat/api/reference/rest/v1/cards
 */
export function googleChatMessage(message: Message): object {
  const { mood, title, fields } = message
  const links = [...approvalLink(message), ...webLinks(message.links)]
  const shown = links.filter(({ url }) => url.length <= MAX_LINK).slice(0, MAX_LINKS)
  const text = plainTextBody({ ...message, fields: fields.slice(MAX_FIELDS) }, [], MAX_TEXT)
  const heading = `${MOOD_ICONS[mood]} ${plainSingleLine(title, MAX_TITLE)}`
  const widgets = [
    ...(text === '' ? [] : [{ textParagraph: { text: escapeHtml(text) } }]),
    ...fields.slice(0, MAX_FIELDS).map(({ name, value }) => ({
      decoratedText: {
        topLabel: plainSingleLine(name, MAX_LABEL),
        text: escapeHtml(clip(plainSingleLine(value), MAX_VALUE)) || '-',
        wrapText: true,
      },
    })),
    ...(shown.length === 0 ? [] : [{ buttonList: { buttons: shown.map(buttonOf) } }]),
  ]
  const card = { header: { title: heading }, ...(widgets.length === 0 ? {} : { sections: [{ widgets }] }) }
  return { fallbackText: clipBytes(heading, MAX_TEXT), cardsV2: [{ cardId: 'message', card }] }
}

function buttonOf({ label, url }: { label: string; url: string }): object {
  return { text: plainSingleLine(label, MAX_LABEL) || 'Open', onClick: { openLink: { url: new URL(url).href } } }
}
