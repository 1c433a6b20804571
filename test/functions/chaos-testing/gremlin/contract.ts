import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'gremlin', known: /{runNumber}: answer 200 must be object/ }] satisfies Contract[]
