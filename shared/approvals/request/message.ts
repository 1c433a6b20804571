import type { MessageProvider } from '../../providers/message.ts'
import type { SignedLink } from '../../providers/provider.ts'
import { type Details, fitParts, missingIn, type Part, textOf } from '../../text/details.ts'
import type { Message } from '../../text/message.ts'
import { byteLength } from '../../text/plain-text.ts'
import type { ApprovalInput } from './input.ts'

/**
 * How much of a request fits into a message of every platform, in addition to its fields and links. The strictest ones are Slack, with 3,000
 * characters of text and 9,000 of escaped blocks, Discord, with 3,200 characters after escaping, and Google Chat, with 3,500 bytes.
 */
const MAX_EVERYWHERE = 2_000
/** Platforms escape them, or break links and mentions after them. */
const MARKUP = /[\\*_~`|<>[\]()@&#$/.]/g

type Platform = Pick<MessageProvider, 'buttons' | 'maxRequest'>

/** Returns the text of a message with as much of the request as fits, and what is not shown. */
export function fitText(
  { text, parts }: Details,
  maxSize = MAX_EVERYWHERE,
): { text: string; missing?: string | undefined } {
  const textWith = (fitting: readonly Part[]) => `${text}\n\n${textOf(fitting)}`
  const fitting = fitParts(parts, (shown) => sizeOf(textWith(shown)) <= maxSize)
  return { text: textWith(fitting), missing: missingIn(fitting) }
}

function sizeOf(text: string): number {
  return byteLength(text) + (text.match(MARKUP)?.length ?? 0)
}

/**
 * Returns the message of an open approval: with buttons, until when people may decide, the link to the complete request, and what the
 * message does not show of it.
 *
 * @param soFar the people who have approved, if several have to
 */
export function requestMessage(
  { message, details, onPage }: Pick<ApprovalInput, 'message' | 'details' | 'onPage'>,
  { buttons, maxRequest }: Platform,
  { token, url, readUrl, deadlineAt }: SignedLink,
  soFar?: string,
): Message {
  const until = `${new Date(deadlineAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const shown = details && fitText(details, maxRequest)
  const hasLinkOnly = onPage && buttons !== undefined
  const fields = [
    ['So far', soFar],
    ['Decide until', until],
    ['Incomplete', shown?.missing && `${shown.missing}. Open the complete request before you decide`],
  ] as const
  return {
    ...message,
    text: shown?.text ?? message.text,
    fields: [...message.fields, ...fields.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]))],
    links: [
      ...(hasLinkOnly ? [{ label: 'Decide', url }] : []),
      ...(details ? [{ label: 'Complete request', url: readUrl }] : []),
      ...message.links,
    ],
    buttons: hasLinkOnly
      ? undefined
      : [
          { decision: 'approve', label: 'Approve', token, url },
          { decision: 'reject', label: 'Reject', token, url },
        ],
  }
}
