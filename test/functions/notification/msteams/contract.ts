import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'msteams-workflows' }] satisfies Contract[]
