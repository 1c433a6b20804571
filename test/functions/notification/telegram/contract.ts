import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'telegram', known: /\.reply_parameters is not/ }] satisfies Contract[]
