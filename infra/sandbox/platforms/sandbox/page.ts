import { PAGE_STYLE } from '../../../../shared/approvals/page-style.ts'
import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import { type FakeReply, html } from './http.ts'

const style = `${PAGE_STYLE}
nav { display: flex; gap: 16px; align-items: center; margin: 0 0 24px; font-size: 14px; }
nav b { margin-right: auto; }
pre { padding: 12px 16px; border: 1px solid var(--line); border-radius: 8px; background: var(--sunken); font: 12px/20px ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
ul { padding-left: 20px; }
form { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: end; margin: 12px 0; }
input { width: auto; }`

/** Returns a web page. The body must be escaped. */
export function page(status: number, title: string, body: string, moreStyle = ''): FakeReply {
  return html(
    status,
    `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}${moreStyle}</style></head>
<body>
<nav aria-label="Sandbox"><b>Sandbox</b><a href="/#/sandbox">Console</a></nav>
<main>
${body}
</main>
</body>
</html>
`,
  )
}

/** Returns the page for a record that does not exist. */
export function missingPage(what: string): FakeReply {
  return page(404, 'Not found', `<h1>Not found</h1><p>This ${what} does not exist. Was the sandbox emptied?</p>`)
}
