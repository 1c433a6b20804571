import { type Contract, withoutSandbox } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'servicenow', path: withoutSandbox }] satisfies Contract[]
