import { type Contract, tokens } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'dynatrace-platform-slo',
    elsewhere: tokens,
    known: /the contract has no response 202|\.metadata is not/,
  },
] satisfies Contract[]
