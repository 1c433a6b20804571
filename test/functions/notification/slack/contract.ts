import { type Contract, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'slack-messaging',
    path: withoutSandbox,
  },
] satisfies Contract[]
