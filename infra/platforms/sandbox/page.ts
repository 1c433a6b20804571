import { type Answer, html } from './http.ts'

const style = `
  :root { color-scheme: light dark; background: Canvas; color: CanvasText }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
  pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; border-radius: 6px; padding: 1rem }
  small { opacity: .75 }`

/** A page for people; everything in `body` must be escaped already. */
export function page(status: number, title: string, body: string, moreStyle = ''): Answer {
  return html(
    status,
    `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}${moreStyle}</style></head>
<body>
<main>
${body}
</main>
</body>
</html>
`,
  )
}

/** What a person sees behind the address of something that there is not. */
export function missingPage(what: string): Answer {
  return page(404, 'Not found', `<h1>There is no such ${what}</h1><p>The sandbox may have been emptied since.</p>`)
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as it stands in a page: no character of it is markup. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
