import { type Contract, tokens, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'databricks',
    path: withoutSandbox,
    elsewhere: tokens,
    known: /\.error_code must be/,
  },
] satisfies Contract[]
