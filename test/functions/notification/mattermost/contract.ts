import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'mattermost',
    documents: ['PUT /api/v4/posts/{post_id}/patch'],
    known: /\.detailed_error is not|\.(?:hashtags|is_pinned) is not/,
  },
] satisfies Contract[]
