import { bearer, type Contract } from '../../../contract/contract.ts'

const deployment = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'

export const contracts = [
  {
    contract: 'kubernetes',
    credentials: bearer,
    documents: [`PATCH ${deployment}`],
  },
] satisfies Contract[]
