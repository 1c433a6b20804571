import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'aws-application-signals',
    known: /BudgetSecondsRemaining must be integer/,
  },
] satisfies Contract[]
