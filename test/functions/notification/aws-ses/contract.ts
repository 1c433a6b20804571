import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'aws-sesv2' }] satisfies Contract[]
