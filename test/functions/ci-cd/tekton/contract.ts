import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'tekton-pipelinerun' }] satisfies Contract[]
