import { type Contract, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'dynatrace-environment-v2', path: withoutSandbox }] satisfies Contract[]
