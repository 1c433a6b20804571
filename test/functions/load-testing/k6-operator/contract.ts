import { bearer, type Contract } from '../../../contract/contract.ts'

export const contracts = [
  { contract: 'k6-operator-testrun' },
  {
    contract: 'kubernetes',
    credentials: bearer,
  },
] satisfies Contract[]
