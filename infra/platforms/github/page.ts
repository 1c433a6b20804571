import type { Answer } from '../sandbox/http.ts'
import { escaped, page } from '../sandbox/page.ts'
import { jobName, runTitle } from './actions-shapes.ts'
import type { Comment, Issue } from './issues.ts'
import type { WorkflowRun } from './runs.ts'

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

/** The page behind a run's `html_url`: how it stands, and what it was given. */
export function runPage(run: WorkflowRun): Answer {
  const state = run.conclusion ? `${run.status} (${run.conclusion})` : run.status.replace('_', ' ')
  const given = Object.entries(run.inputs).map(([name, value]) => `${name}: ${value}`)
  const facts = [state, run.ref, `started ${run.created_at}`, run.completed_at && `ended ${run.completed_at}`]
  return page(
    200,
    `${runTitle(run)} · ${run.owner}/${run.repo}`,
    `<small>Workflow run of ${escaped(`${run.owner}/${run.repo}`)} in the sandbox</small>
<h1>${escaped(runTitle(run))} <small>${escaped(jobName(run))} #${run.run_number}</small></h1>
<p>${escaped(facts.filter(Boolean).join(' · '))}</p>
<pre>${escaped(given.join('\n') || 'No inputs.')}</pre>`,
  )
}
