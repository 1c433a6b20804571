import { from, type StateList } from '../../../contract/state-list.ts'

const chaosMesh = 'definitions/github_com_chaos-mesh_chaos-mesh_pkg'

export const experimentStates = {
  source: 'chaos-mesh/chaos-mesh, pkg/dashboard/swaggerdocs/swagger.json @ 608b61e7c1b1',
  states: ['injecting', 'running', 'finished', 'paused', 'deleting'],
  place: from('chaos-mesh', `${chaosMesh}_status.ChaosStatus`),
} satisfies StateList

export const workflowStates = {
  source: 'chaos-mesh/chaos-mesh, pkg/dashboard/swaggerdocs/swagger.json @ 608b61e7c1b1',
  states: ['running', 'finished', 'failed', 'unknown'],
  place: from('chaos-mesh', `${chaosMesh}_dashboard_core.WorkflowStatus`),
} satisfies StateList
