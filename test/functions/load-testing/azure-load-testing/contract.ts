import { type Contract, tokens } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'azure-load-testing', elsewhere: tokens }] satisfies Contract[]
