import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'incident-io' }] satisfies Contract[]
