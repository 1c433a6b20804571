import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'gatling-enterprise' }] satisfies Contract[]
