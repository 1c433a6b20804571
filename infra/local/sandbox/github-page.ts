import type { Comment, Issue } from './github-issues.ts'
import type { Answer } from './http.ts'
import { escaped, page } from './page.ts'

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
