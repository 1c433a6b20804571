import { bearer, type Contract, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'github',
    credentials: bearer,
    path: (path) => withoutSandbox(path).replace(/^\/api\/v3/, ''),
  },
] satisfies Contract[]
