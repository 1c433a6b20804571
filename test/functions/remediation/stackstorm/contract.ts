import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'stackstorm' }] satisfies Contract[]
