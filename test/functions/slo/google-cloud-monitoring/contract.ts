import { type Contract, tokens } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'google-cloud-monitoring', elsewhere: tokens }] satisfies Contract[]
