import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'akamas-keptn-webhook' }] satisfies Contract[]
