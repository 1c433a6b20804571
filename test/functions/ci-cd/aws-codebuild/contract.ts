import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'aws-codebuild' }] satisfies Contract[]
