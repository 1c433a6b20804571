import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import type { FakeReply } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import { type Block, type Button, buttonsIn, type RichText, type Text } from './blocks.ts'
import { app, channels, type Member, people } from './directory.ts'
import { type ChatMessage, timeOf } from './messages.ts'

interface Shown {
  root: string
  /** The person who uses the page. */
  person: Member
  messages: ChatMessage[]
}

const style = `
  article { border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px; margin: 16px 0 }
  article h3 { margin: 8px 0; font-size: 16px } article p { margin: 8px 0; white-space: pre-wrap }
  .private { border-style: dashed } .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 0 16px }
  mark { padding: 0 .2em } .primary { color: var(--pass) } .danger { color: var(--fail) }`

/** Lists the messages of all channels. */
export function chatPage(shown: Shown): FakeReply {
  const { root, person, messages } = shown
  const others = people.filter((one) => one !== person)
  const sections = channels.map(({ id, name }) => {
    const inChannel = messages.filter(({ channel }) => channel === id).map((message) => article(shown, message))
    return `<h2>#${name}</h2>\n${inChannel.join('\n') || '<p>No messages yet.</p>'}`
  })
  const ways = [...others, person].map((one) => {
    const words = one === person ? 'Refresh' : `Switch to ${escapeHtml(one.realName)}`
    return `<a href="${escapeHtml(root)}?user=${one.name}">${words}</a>`
  })
  return page(
    200,
    'Chat',
    `<small>Slack in the sandbox</small>
<h1>Chat</h1>
<p>You are <strong>${escapeHtml(person.realName)}</strong>, ${escapeHtml(person.email)}. ${ways.join(' · ')}</p>
${sections.join('\n')}`,
    style,
  )
}

/** Explains why a button press failed. */
export function buttonErrorPage(status: number, person: Member | undefined, why: string): FakeReply {
  const back = person ? `\n<p><a href="/sandbox/slack?user=${person.name}">Back to the chat</a></p>` : ''
  return page(status, 'Error', `<h1>The button did not work</h1>\n<p>${escapeHtml(why)}</p>${back}`)
}

function article({ root, person, messages }: Shown, message: ChatMessage): string {
  const { ts, text, blocks, thread_ts, onlyFor, edited } = message
  const above = messages.find((one) => one.ts === thread_ts)
  const facts = [
    app.name,
    `${timeOf(ts).slice(0, 19).replace('T', ' ')} UTC`,
    edited && 'edited',
    above && `in the thread of "${above.text.split('\n', 1)[0]}"`,
    onlyFor && 'only you see this',
  ]
  const body = blocks.length > 0 ? blocks.map((block) => blockHtml(block)).join('\n') : `<p>${mrkdwn(text)}</p>`
  const [button] = buttonsIn(blocks)
  return `<article id="${ts}"${onlyFor ? ' class="private"' : ''}>
<small>${escapeHtml(facts.filter(Boolean).join(' · '))}</small>
${body}
${button ? buttonForm(root, person, message) : ''}
</article>`
}

function blockHtml(block: Block): string {
  switch (block.type) {
    case 'header':
      return `<h3>${escapeHtml(block.text.text)}</h3>`
    case 'section': {
      const fields = (block.fields ?? []).map((field) => `<p>${textHtml(field)}</p>`)
      const text = block.text ? `<p>${textHtml(block.text)}</p>` : ''
      return `${text}${fields.length > 0 ? `<div class="fields">${fields.join('')}</div>` : ''}`
    }
    case 'context':
      return `<p><small>${block.elements.map(textHtml).join(' ')}</small></p>`
    case 'rich_text':
      return block.elements.map(({ elements }) => `<p>${elements.map(richHtml).join('')}</p>`).join('\n')
    case 'divider':
      return '<hr>'
    case 'actions':
      // The form below the message shows the buttons.
      return ''
  }
}

function buttonForm(root: string, person: Member, { ts, blocks }: ChatMessage): string {
  const buttons = buttonsIn(blocks)
  const hidden = Object.entries({ ts, user: person.name }).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  )
  const action = buttons[0]?.action_id ?? ''
  const command = `curl -s '${root}/click' -d 'ts=${ts}&action=${encodeURIComponent(action)}&user=${person.name}'`
  return `<form method="post" action="${escapeHtml(root)}/click">${hidden.join('')}
${buttons.map(buttonHtml).join('\n')}
</form>
<pre>${escapeHtml(command)}</pre>`
}

function buttonHtml({ action_id, text, style }: Button): string {
  const className = style ? ` class="${style}"` : ''
  return `<button name="action" value="${escapeHtml(action_id)}"${className}>${escapeHtml(text.text)}</button>`
}

function textHtml({ type, text }: Text): string {
  return type === 'mrkdwn' ? mrkdwn(text) : escapeHtml(text)
}

function richHtml(element: RichText): string {
  const { style } = element
  const text = element.type === 'link' ? link(element.url, element.text) : escapeHtml(element.text)
  const code = style?.code ? `<code>${text}</code>` : text
  return style?.bold ? `<strong>${code}</strong>` : code
}

/**
 * Renders Slack's markup: links, bold text, and mentions, which notify people.
 *
 * @see https://docs.slack.dev/messaging/formatting-message-text
 */
function mrkdwn(text: string): string {
  const parts = text.split(/<([^<>]*)>/)
  const html = parts.map((part, at) => (at % 2 === 0 ? escapeHtml(unescapeHtml(part)) : markupHtml(part))).join('')
  return html.replace(/(^|\s)\*([^*\n]+)\*(?!\w)/g, '$1<strong>$2</strong>')
}

function markupHtml(inside: string): string {
  const [target = '', label] = inside.split('|', 2)
  if (/^[@#!]/.test(target)) return `<mark>${escapeHtml(`@${label ?? target.slice(1)}`)}</mark>`
  return link(unescapeHtml(target), label === undefined ? undefined : unescapeHtml(label))
}

function link(url: string, label = url): string {
  const isWeb = /^https?:$/.test(URL.parse(url)?.protocol ?? '')
  return isWeb ? `<a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(label)}</a>` : escapeHtml(label)
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
