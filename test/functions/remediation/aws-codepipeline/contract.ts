import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'aws-codepipeline' }] satisfies Contract[]
