import { bearer, type Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'chaos-mesh', credentials: bearer }] satisfies Contract[]
