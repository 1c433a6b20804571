import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import type { FakeReply } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import type { Comment, Issue } from './issues.ts'
import { jobName, type WorkflowRun } from './runs.ts'

/** The page behind an issue's `html_url`: plain text, every character of the ticket escaped. */
export function issuePage(issue: Issue, comments: Comment[]): FakeReply {
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
    `<small>${escapeHtml(`${issue.owner}/${issue.repo}`)} in the sandbox</small>
<h1>${escapeHtml(issue.title)} <small>#${issue.number}</small></h1>
<p>${escapeHtml(facts.join(' · '))}</p>
<pre>${escapeHtml(issue.body ?? 'No description.')}</pre>
${comments.map(({ id, created_at, body }) => `<p id="issuecomment-${id}"><small>${created_at}</small></p><pre>${escapeHtml(body)}</pre>`).join('\n')}`,
  )
}

/** The page behind a run's `html_url`: how it stands, and what it was given. */
export function runPage(run: WorkflowRun): FakeReply {
  const state = run.conclusion ? `${run.status} (${run.conclusion})` : run.status.replace('_', ' ')
  const given = Object.entries(run.inputs).map(([name, value]) => `${name}: ${value}`)
  const facts = [state, run.ref, `started ${run.created_at}`, run.completed_at && `ended ${run.completed_at}`]
  return page(
    200,
    `${run.title} · ${run.owner}/${run.repo}`,
    `<small>Workflow run of ${escapeHtml(`${run.owner}/${run.repo}`)} in the sandbox</small>
<h1>${escapeHtml(run.title)} <small>${escapeHtml(jobName(run))} #${run.run_number}</small></h1>
<p>${escapeHtml(facts.filter(Boolean).join(' · '))}</p>
<pre>${escapeHtml(given.join('\n') || 'No inputs.')}</pre>`,
  )
}
