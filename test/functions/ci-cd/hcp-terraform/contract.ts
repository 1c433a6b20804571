import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'hcp-terraform' }] satisfies Contract[]
