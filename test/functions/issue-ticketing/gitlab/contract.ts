import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'gitlab',
    known: /\.(?:issue_type|user_notes_count) is not/,
  },
] satisfies Contract[]
