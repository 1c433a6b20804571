import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'Acme/Shop#30433642',
  body: { action: 'completed', workflow_run: { id: 30433642 }, repository: { full_name: 'acme/shop' } },
  headers: { 'x-github-event': 'workflow_run' },
}

export const recorded: Record<string, Row> = {
  'github/workflow_job.completed': ['progress', 'workflow_job.completed', '2202229078'],
  'github/workflow_run.completed': ['ended', 'workflow_run.completed', '289782451'],
  'github/workflow_run.requested': ['progress', 'workflow_run.requested', '289782451'],
}
