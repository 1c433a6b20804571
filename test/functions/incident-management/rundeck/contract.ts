import { type Contract, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'rundeck',
    path: (path) => withoutSandbox(path).replace(/^\/api\/\d+/, '/api/44'),
  },
] satisfies Contract[]
