import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import type { FakeReply } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import type { IncidentSummary } from './incident-summary.ts'

/** Returns the page of an incident. */
export function incidentPage(incident: IncidentSummary): FakeReply {
  const facts = [
    incident.state,
    `priority ${incident.priority}`,
    `opened ${incident.opened_at}`,
    incident.assignment_group && `group: ${incident.assignment_group}`,
    incident.assigned_to && `assigned to: ${incident.assigned_to}`,
    incident.close_code && `${incident.close_code}: ${incident.close_notes}`,
  ].filter((fact) => fact !== '')
  const notes = [...incident.comments, ...incident.work_notes].sort((a, b) => (a.at < b.at ? -1 : 1))
  return page(
    200,
    `${incident.number} · ${incident.short_description}`,
    `<small>Incident in the sandbox</small>
<h1>${escapeHtml(incident.short_description)} <small>${incident.number}</small></h1>
<p>${escapeHtml(facts.join(' · '))}</p>
<pre>${escapeHtml(incident.description || 'No description.')}</pre>
${notes.map(({ at, value }) => `<p><small>${at}</small></p><pre>${escapeHtml(value)}</pre>`).join('\n')}`,
  )
}
