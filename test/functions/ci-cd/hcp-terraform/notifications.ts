import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'run-CZcmD7eagjhyX0vN',
  body: { run_id: 'run-CZcmD7eagjhyX0vN', notifications: [{ trigger: 'run:completed' }] },
}

export const recorded: Record<string, Row> = {
  'hcp-terraform/run.errored': ['ended', 'run:errored', 'run-FwnENkvDnrpyFC7M'],
  'hcp-terraform/workspace.auto_destroy_results': ['ignored', 'workspace:auto_destroy_results'],
}

export const composed: Composed[] = [
  ['hcp-terraform', { run_id: null, notifications: [{ trigger: 'verification' }] }, ['first-request', 'verification']],
  [
    'hcp-terraform',
    { run_id: 'run-1', notifications: [{ trigger: 'run:needs_attention' }] },
    ['ended', 'run:needs_attention', 'run-1'],
  ],
  [
    'hcp-terraform',
    { run_id: 'run-1', notifications: [{ trigger: 'run:applying' }] },
    ['progress', 'run:applying', 'run-1'],
  ],
]
