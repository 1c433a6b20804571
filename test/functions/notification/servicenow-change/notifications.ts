import type { Composed } from '../../../shared/sources/expected-events.ts'

export const composed: Composed[] = [
  [
    'servicenow',
    { table: 'change_request', sys_id: 'a1', state: '-3', approval: 'approved' },
    ['ended', 'change_request.-3.approved', 'a1'],
  ],
]
