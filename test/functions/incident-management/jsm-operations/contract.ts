import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'jsm-operations',
    path: (path) => `/jsm/ops${path}`,
    known: /offset is not/,
  },
] satisfies Contract[]
