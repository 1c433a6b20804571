import { type Contract, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'unleash',
    path: (path) => `/demo${withoutSandbox(path)}`,
    known: /answer 4\d\d\.details is not|^POST .*\/change-requests: answer 200/,
  },
] satisfies Contract[]
