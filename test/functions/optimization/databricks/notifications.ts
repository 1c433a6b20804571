import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = { id: '455644833', body: { event_type: 'jobs.on_success', run: { run_id: 455644833 } } }

export const recorded: Record<string, Row> = {
  'databricks/jobs.on_failure': ['ended', 'jobs.on_failure', 'run_id'],
  'databricks/jobs.on_start.task': ['progress', 'jobs.on_start', 'run_id_of_parent_job_run'],
}

export const composed: Composed[] = [
  [
    'databricks',
    { event_type: 'jobs.on_success', run: { run_id: 759600051231112 } },
    ['ended', 'jobs.on_success', '759600051231112'],
  ],
  [
    'databricks',
    { event_type: 'jobs.on_failure', run: { run_id: 2, parent_run_id: 1 } },
    ['progress', 'jobs.on_failure', '1'],
  ],
]
