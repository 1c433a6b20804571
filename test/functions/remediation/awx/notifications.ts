import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'workflow/46',
  body: { id: 46, url: 'https://awx.example.com/#/jobs/workflow/46', status: 'successful' },
}

export const recorded: Record<string, Row> = {
  'awx/job.failed': ['ended', 'failed', '46'],
  'awx/job.started': ['progress', 'running', '38'],
}

export const composed: Composed[] = [
  ['awx', { body: 'A test' }, ['ignored', 'message']],
  ['awx', { id: 7, status: 'canceled' }, ['ended', 'canceled', '7']],
]
