import type { Composed } from '../../../shared/sources/expected-events.ts'

export const composed: Composed[] = [
  ['jira', { webhookEvent: 'comment_created', issue: { key: 'OPS-1' } }, ['progress', 'comment_created', 'OPS-1']],
  [
    'jira',
    {
      webhookEvent: 'jira:issue_updated',
      issue: { id: '10001', key: 'OPS-1', fields: { status: { statusCategory: { key: 'done' } } } },
    },
    ['ended', 'jira:issue_updated', 'OPS-1', '10001'],
  ],
  ['jira', { webhookEvent: 'jira:issue_deleted', issue: { key: 'OPS-1' } }, ['ended', 'jira:issue_deleted', 'OPS-1']],
]
