import type { Contract } from '../../../contract/contract.ts'

export const contracts = [
  {
    contract: 'servicenow-change',
    known: /\.(?:description|cmdb_ci|work_notes|assignment_group|\w+_plan|approver\.name) is not/,
  },
] satisfies Contract[]
