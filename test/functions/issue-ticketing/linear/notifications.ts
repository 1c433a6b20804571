import type { Composed, Row } from '../../../shared/sources/expected-events.ts'

export const recorded: Record<string, Row> = {
  'linear/issue': ['progress', 'Issue.create', 'ENG-142'],
  'linear/issue_comment': ['ignored', 'Comment.create'],
}

export const composed: Composed[] = [
  [
    'linear',
    { type: 'Issue', action: 'update', data: { identifier: 'ENG-1', state: { type: 'completed' } } },
    ['ended', 'Issue.update', 'ENG-1'],
  ],
  ['linear', { type: 'Issue', action: 'remove', data: { identifier: 'ENG-1' } }, ['ended', 'Issue.remove', 'ENG-1']],
]
