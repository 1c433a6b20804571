import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'jira' }] satisfies Contract[]
