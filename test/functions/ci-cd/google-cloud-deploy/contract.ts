import { type Contract, tokens } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'google-cloud-deploy', elsewhere: tokens }] satisfies Contract[]
