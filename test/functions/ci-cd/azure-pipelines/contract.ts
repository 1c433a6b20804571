import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  { contract: 'azure-devops-build' },
  { contract: 'azure-devops-pipelines' },
] satisfies Contract[]
