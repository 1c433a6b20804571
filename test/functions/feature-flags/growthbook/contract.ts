import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  // No feature with rules or revisions matches its schema, which joins schemas that exclude each other.
  {
    contract: 'growthbook',
    path: (path) => `/api${path}`,
    documents: ['GET /v2/features/{id}'],
    known: /answer 200\.(?:feature|revision)\.|ignoreWarnings is not/,
  },
] satisfies Contract[]
