import { type Contract, tokens } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'google-cloud-build', elsewhere: tokens }] satisfies Contract[]
