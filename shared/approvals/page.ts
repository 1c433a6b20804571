import type { WebhookResponse } from '../http/response.ts'
import type { Message } from '../providers/message.ts'
import { escapeHtml } from '../text/escape-html.ts'

/** The content of the page. */
export type Page =
  | {
      kind: 'open'
      status: number
      message: Message
      /** Epoch milliseconds. */
      deadlineAt: number
      /** The input of the person, if it is not valid. */
      given?: { name: string | undefined; reason: string | undefined }
      error?: string
    }
  | { kind: 'decided' | 'ended'; status: number; message: Message; text: string }
  | { kind: 'refused'; status: number; text: string }

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #b42318; }
* { box-sizing: border-box; }
html { background: Canvas; color: CanvasText; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 40rem; font: 1.0625rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
p { white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1rem 0; padding: 1rem 0; border-block: 1px solid var(--line); }
dt { opacity: .75; } dd { margin: 0; }
ul { padding-left: 1.25rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input, textarea { width: 100%; font: inherit; padding: .6rem .7rem; margin-top: .25rem; border: 1px solid var(--line); border-radius: .4rem; }
small { display: block; opacity: .75; }
.choices { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1 1 10rem; min-height: 3rem; font: inherit; font-weight: 600; color: #fff; border: 0; border-radius: .4rem; cursor: pointer; }
button[value=approve] { background: var(--good); } button[value=reject] { background: var(--bad); }
:focus-visible { outline: 3px solid #4493f8; outline-offset: 2px; }
[role=alert], [role=status] { padding: .75rem 1rem; border-left: .3rem solid currentColor; background: #8882; font-weight: 600; }
`

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
}

/** Renders the page as HTML without scripts and external resources. All text is escaped. */
export function renderPage(page: Page): WebhookResponse {
  const [title, body] = contentOf(page)
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${toHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
  return { statusCode: page.status, headers: HEADERS, body: html }
}

function contentOf(page: Page): [title: string, body: string] {
  if (page.kind === 'refused') {
    const title = 'This link cannot be used'
    return [title, `<h1>${title}</h1>\n<p role="status">${toHtml(page.text)}</p>`]
  }
  const { message } = page
  const shown = `<h1>${toHtml(message.title)}</h1>`
  if (page.kind !== 'open') {
    return [message.title, [shown, `<p role="status">${toHtml(page.text)}</p>`, aboutOf(message)].join('\n')]
  }
  const until = `${new Date(page.deadlineAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const about = aboutOf({ ...message, fields: [...message.fields, { name: 'Decide until', value: until }] })
  const error = page.error ? `<p role="alert" id="error">${toHtml(page.error)}</p>` : ''
  return [
    `${page.error ? 'Error: ' : ''}${message.title}`,
    [shown, error, about, formOf(page)].filter(Boolean).join('\n'),
  ]
}

function aboutOf({ text, fields, links }: Message): string {
  const parts = [
    text && `<p>${toHtml(text)}</p>`,
    fields.length > 0 &&
      `<dl>\n${fields.map(({ name, value }) => `<dt>${toHtml(name)}</dt><dd>${toHtml(value)}</dd>`).join('\n')}\n</dl>`,
    links.length > 0 &&
      `<ul>\n${links.map(({ label, url }) => `<li><a href="${toHtml(url)}" rel="noreferrer noopener">${toHtml(label)}</a></li>`).join('\n')}\n</ul>`,
  ]
  return parts.filter(Boolean).join('\n')
}

function formOf({ given, error }: Extract<Page, { kind: 'open' }>): string {
  const described = error ? ' aria-describedby="error"' : ''
  // Enter in a field presses the first button, which must not decide.
  return `<form method="post">
<button type="submit" disabled hidden></button>
<label for="name">Your name <small>Shown with your decision.</small></label>
<input id="name" name="name" value="${toHtml(given?.name ?? '')}" required maxlength="100" autocomplete="name"${described}>
<label for="reason">Reason <small>Optional.</small></label>
<textarea id="reason" name="reason" rows="3" maxlength="1000">${toHtml(given?.reason ?? '')}</textarea>
<div class="choices">
<button type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="reject">Reject</button>
</div>
</form>`
}

/** Escapes text for HTML, also within attributes, and removes characters that change the text direction. */
function toHtml(text: string): string {
  return escapeHtml(text.replace(/[\u202a-\u202e\u2066-\u2069]/g, ''))
}
