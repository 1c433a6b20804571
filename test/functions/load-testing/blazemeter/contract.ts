import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'blazemeter',
    known: /the contract has no response 202|200\.result(?:\.reportStatus)? must be/,
  },
] satisfies Contract[]
