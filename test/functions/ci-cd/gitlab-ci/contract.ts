import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'gitlab',
    known: /\.coverage is not/,
  },
] satisfies Contract[]
