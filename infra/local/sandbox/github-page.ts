import type { Comment, Issue } from './github-issues.ts'
import { type Answer, html } from './http.ts'

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; border-radius: 6px; padding: 1rem }
  small { opacity: .75 }`

/** The page behind an issue's `html_url`: plain text, every character of the ticket escaped. */
export function issuePage(issue: Issue, comments: Comment[]): Answer {
  const state = issue.state_reason ? `${issue.state} (${issue.state_reason.replace('_', ' ')})` : issue.state
  const facts = [
    state,
    `opened ${issue.created_at}`,
    issue.labels.length > 0 && `labels: ${issue.labels.join(', ')}`,
    issue.assignees.length > 0 && `assignees: ${issue.assignees.join(', ')}`,
  ].filter((fact) => fact !== false)
  return page(
    200,
    `${issue.title} · ${issue.owner}/${issue.repo}#${issue.number}`,
    `<small>${escaped(`${issue.owner}/${issue.repo}`)} in the sandbox</small>
<h1>${escaped(issue.title)} <small>#${issue.number}</small></h1>
<p>${escaped(facts.join(' · '))}</p>
<pre>${escaped(issue.body ?? 'No description.')}</pre>
${comments.map(({ id, created_at, body }) => `<p id="issuecomment-${id}"><small>${created_at}</small></p><pre>${escaped(body)}</pre>`).join('\n')}`,
  )
}

/** What a person sees behind the address of an issue that there is not. */
export function missingPage(): Answer {
  return page(404, 'Not found', '<h1>There is no such issue</h1><p>The sandbox may have been emptied since.</p>')
}

function page(status: number, title: string, body: string): Answer {
  return html(
    status,
    `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${style}</style></head>
<body>
${body}
</body>
</html>
`,
  )
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
