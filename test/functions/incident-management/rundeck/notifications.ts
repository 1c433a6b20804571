import type { Composed, End } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = { id: '134', body: { trigger: 'failure', executionId: 134 } }

export const composed: Composed[] = [
  ['rundeck', { trigger: 'start', executionId: 7 }, ['progress', 'start', '7']],
  ['rundeck', { trigger: 'failure', status: 'aborted', executionId: 7 }, ['ended', 'failure', '7']],
]
