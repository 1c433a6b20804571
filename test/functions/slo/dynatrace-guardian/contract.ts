import { type Contract, tokens, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'dynatrace-automation',
    path: withoutSandbox,
    elsewhere: tokens,
    known: /runtime must be integer/,
  },
  {
    contract: 'dynatrace-guardian',
    path: withoutSandbox,
    elsewhere: tokens,
  },
] satisfies Contract[]
