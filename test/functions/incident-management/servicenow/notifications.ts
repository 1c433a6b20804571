import type { Composed } from '../../../shared/sources/expected-events.ts'

export const composed: Composed[] = [
  ['servicenow', { table: 'incident', sys_id: 'a1', state: '2', approval: '' }, ['progress', 'incident.2', 'a1']],
  ['servicenow', { table: 'incident', sys_id: 'a1', state: '6' }, ['ended', 'incident.6', 'a1']],
]
