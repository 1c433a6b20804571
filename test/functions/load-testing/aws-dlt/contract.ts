import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'aws-dlt' }] satisfies Contract[]
