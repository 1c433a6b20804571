import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'steadybit',
    known: /cancel: the contract has no response 200|\.apiLocation is not/,
  },
] satisfies Contract[]
