import { bearer, type Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'kubernetes',
    credentials: bearer,
  },
] satisfies Contract[]
