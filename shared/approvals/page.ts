import type { Failure } from '../errors.ts'
import type { WebhookResponse } from '../http/response.ts'
import type { Message } from '../providers/message.ts'
import { redact } from '../redact.ts'
import { type Details, lengthOf, type Part } from '../text/details.ts'
import { escapeHtml } from '../text/escape-html.ts'
import type { Decider } from './decider.ts'
import { PAGE_STYLE } from './page-style.ts'

/** The content of the page. */
export type Page =
  | {
      kind: 'open'
      status: number
      message: Message
      /** The complete request, instead of the text of the message. */
      details?: Details | undefined
      /** Epoch milliseconds. */
      deadlineAt: number
      decider: Decider
      signInUrl: string
      /** The input of the person, if it is not valid. */
      entered?: { name: string; reason: string }
      error?: string
    }
  | {
      kind: 'decided' | 'ended'
      status: number
      message: Message
      details?: Details | undefined
      text: string
      cookie?: string
    }
  | { kind: 'refused'; status: number; title: string; text: string; pageUrl?: string | undefined }

/** Approve and Reject weigh the same, so only their symbols have a color. */
const STYLE = `${PAGE_STYLE}
p { margin: 0 0 16px; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: 136px minmax(0, 1fr); gap: 8px 16px; margin: 20px 0; padding: 16px 0; border: solid var(--line); border-width: 1px 0; }
dt { color: var(--muted); } dd { margin: 0; }
h2 { margin: 20px 0 4px; font-size: 15px; }
ol { padding: 0; list-style: none; overflow-wrap: anywhere; white-space: pre-wrap; }
ul { display: grid; gap: 8px; padding: 0; list-style: none; }
label { display: block; margin: 16px 0 4px; font-weight: 600; }
small { display: block; margin-top: 4px; font-weight: 400; } label small { display: inline; }
.choices { display: flex; gap: 12px; margin: 20px 0; }
.choices button, .button { display: inline-flex; flex: 1; gap: 8px; align-items: center; justify-content: center; min-height: 48px; text-decoration: none; }
svg { width: 16px; height: 16px; stroke: var(--surface); stroke-width: 1.75; fill: none; }
[value=approve] circle { fill: var(--pass); } [value=reject] circle { fill: var(--fail); }
[role=alert], [role=status] { padding: 10px 16px; border-left: 3px solid var(--accent); background: var(--running-tint); }
[role=alert] { border-color: var(--fail); background: var(--fail-tint); }
@media (max-width: 600px) { dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: 12px; } }
`

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  // The form of a page without a referrer has the origin null.
  'referrer-policy': 'same-origin',
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
  const { cookie } = { cookie: undefined, ...page }
  const headers = cookie === undefined ? HEADERS : { ...HEADERS, 'set-cookie': cookie }
  return { statusCode: page.status, headers, body: html }
}

/**
 * Renders why a request is refused.
 *
 * @param page.pageUrl the question, for another attempt
 */
export function refusalPage(
  { kind, status, message, headers: { allow } = {}, retryAfter }: Failure,
  page: { title: string; pageUrl?: string },
): WebhookResponse {
  // The page does not ask for credentials, so an invalid link is 403 instead of 401.
  const shownStatus = kind === 'unauthenticated' ? 403 : status
  const response = renderPage({ kind: 'refused', status: shownStatus, text: redact(message), ...page })
  const more = {
    ...(allow === undefined ? {} : { allow }),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  }
  return { ...response, headers: { ...response.headers, ...more } }
}

function contentOf(page: Page): [title: string, body: string] {
  if (page.kind === 'refused') {
    const { title, text, pageUrl } = page
    const back = pageUrl === undefined ? '' : `\n<p><a href="${toHtml(pageUrl)}">Back to the approval</a></p>`
    return [title, `<h1>${toHtml(title)}</h1>\n<p role="status">${toHtml(text)}</p>${back}`]
  }
  const { message, details } = page
  const shown = `<h1>${toHtml(message.title)}</h1>`
  if (page.kind !== 'open') {
    return [message.title, [shown, `<p role="status">${toHtml(page.text)}</p>`, aboutOf(message, details)].join('\n')]
  }
  const until = `${new Date(page.deadlineAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const fields = [...message.fields, { name: 'Decide until', value: `${until}. After that, it counts as rejected.` }]
  const about = aboutOf({ ...message, fields }, details)
  const { decider, signInUrl } = page
  const refusal = decider.type === 'signed-in' ? decider.refusal : undefined
  const problem = page.error ?? refusal
  const error = problem === undefined ? '' : `<p role="alert" id="error">${toHtml(problem)}</p>`
  const canDecide = decider.type === 'anyone' || (decider.type === 'signed-in' && refusal === undefined)
  const parts = [shown, error, about, signInOf(decider, signInUrl), canDecide ? formOf(page) : '']
  return [`${problem === undefined ? '' : 'Error: '}${message.title}`, parts.filter(Boolean).join('\n')]
}

/** Links, and no form: the policy of the page would also forbid the redirects of a form. */
function signInOf(decider: Decider, signInUrl: string): string {
  if (decider.type === 'anyone') return ''
  if (decider.type === 'signed-out')
    return `<p class="choices"><a class="button" href="${toHtml(signInUrl)}">Sign in to decide</a></p>
<small>Your name is shown with your decision. Do not forward this link.</small>`
  return `<p>Signed in as <strong>${toHtml(decider.by)}</strong>. <a href="${toHtml(signInUrl)}?again">Sign in as another person</a></p>`
}

function aboutOf({ text, fields, links }: Message, details: Details | undefined): string {
  const shown = details?.text ?? text
  const parts = [
    shown && `<p>${toHtml(shown)}</p>`,
    ...(details?.parts ?? []).map(partOf),
    fields.length > 0 &&
      `<dl>\n${fields.map(({ name, value }) => `<dt>${toHtml(name)}</dt><dd>${toHtml(value)}</dd>`).join('\n')}\n</dl>`,
    links.length > 0 &&
      `<ul>\n${links.map(({ label, url }) => `<li><a href="${toHtml(url)}" rel="noreferrer noopener">${toHtml(label)}</a></li>`).join('\n')}\n</ul>`,
  ]
  return parts.filter(Boolean).join('\n')
}

function partOf({ title, lines, omitted }: Part): string {
  const items = lines.map((line) => `<li>${toHtml(`${line.name}${line.value}${lengthOf(line)}`)}</li>`)
  const rest = omitted === undefined ? '' : `\n<li>and ${omitted} more, which are too many to show</li>`
  return `<h2>${toHtml(title)}</h2>\n<ol>\n${items.join('\n')}${rest}\n</ol>`
}

function formOf({ entered, error, decider }: Extract<Page, { kind: 'open' }>): string {
  const described = error ? ' aria-describedby="error"' : ''
  const name = `<label for="name">Your name</label>
<input id="name" name="name" value="${toHtml(entered?.name ?? '')}" required maxlength="100" autocomplete="name"${described}>
<small>Shown with your decision.</small>
`
  // Enter in a field presses the first button, which must not decide.
  return `<form method="post">
<button type="submit" disabled hidden></button>
${decider.type === 'anyone' ? name : ''}<label for="reason">Reason <small>optional</small></label>
<textarea id="reason" name="reason" rows="3" maxlength="1000">${toHtml(entered?.reason ?? '')}</textarea>
<div class="choices">
<button type="submit" name="decision" value=approve>${symbol('m4.8 8.2 2.2 2.2 4.2-4.6')}Approve</button>
<button type="submit" name="decision" value=reject>${symbol('m5.4 5.4 5.2 5.2m0-5.2-5.2 5.2')}Reject</button>
</div>
${decider.type === 'anyone' ? '<small>The first decision counts. Do not forward this link.</small>\n' : ''}</form>`
}

function symbol(path: string): string {
  return `<svg viewBox="0 0 16 16" aria-hidden=true><circle cx="8" cy="8" r="8" stroke=none /><path d="${path}"/></svg>`
}

/** Escapes text for HTML, also within attributes, and removes characters that change the text direction. */
function toHtml(text: string): string {
  return escapeHtml(text.replace(/[\u202a-\u202e\u2066-\u2069]/g, ''))
}
