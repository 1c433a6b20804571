import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'keptn-api',
    under: '/api',
    path: (path) => path.replace(/^\/base/, ''),
  },
  { contract: 'keptn-control-plane', under: '/api/controlPlane' },
] satisfies Contract[]
