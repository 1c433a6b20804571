import { type Contract, tokens } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'google-chat', elsewhere: tokens }] satisfies Contract[]
