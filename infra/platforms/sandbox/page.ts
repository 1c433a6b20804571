import { escapeHtml } from '../../../shared/text/escape-html.ts'
import { type Answer, html } from './http.ts'

const style = `
  :root { color-scheme: light dark; background: Canvas; color: CanvasText }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
  pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; border-radius: 6px; padding: 1rem }
  small { opacity: .75 }`

/** Returns a web page. The body must be escaped. */
export function page(status: number, title: string, body: string, moreStyle = ''): Answer {
  return html(
    status,
    `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${style}${moreStyle}</style></head>
<body>
<main>
${body}
</main>
</body>
</html>
`,
  )
}

/** Returns the page for a record that does not exist. */
export function missingPage(what: string): Answer {
  return page(404, 'Not found', `<h1>Not found</h1><p>This ${what} does not exist. Was the sandbox emptied?</p>`)
}
