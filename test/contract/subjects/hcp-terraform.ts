import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const read = 'GET /runs/{run_id}'
const runOf = (status: string, actions: object = {}) => ({
  ...{ id: 'run-1', type: 'runs', attributes: { status, actions, message: 'x' } },
  relationships: { plan: { data: { id: 'plan-1', type: 'plans' } } },
})
const as = (status: string, actions: object = {}): Answer => ({ body: { data: runOf(status, actions) } })
const planned = as('planned', { 'is-confirmable': true, 'is-discardable': true })
const runs = casesOf('trigger-deployment', { target: 'run/shop-network' })
const listed: Answer = { body: { data: [] } }

export const hcpTerraform: Subject = {
  name: 'hcp-terraform',
  contract: 'hcp-terraform',
  answers: {
    'GET /account/details': { body: { data: { id: 'user-1', type: 'users', attributes: { username: 'robot' } } } },
    'GET /organizations/{organization_name}/workspaces/{workspace_name}': {
      body: { data: { id: 'ws-1', type: 'workspaces', attributes: { name: 'shop-network' } } },
    },
    'GET /workspaces/{workspace_id}/runs': listed,
    'POST /runs': { status: 201, body: { data: runOf('pending') } },
    [read]: as('applied'),
    'GET /plans/{id}': { body: { data: { id: 'plan-1', type: 'plans', attributes: { 'resource-additions': 1 } } } },
  },
  cases: [
    { action: 'check', how: 'the credentials', connection: { target: 'run/shop-network' } },
    runs.passes('with variables', '1 additions', { input: { parameters: { region: 'eu' } } }),
    runs.passes('without an event id', 'applied', { connection: { autoApply: 'on' }, noKey: true }),
    runs.fails('which fails', 'the plan failed', { answers: { [read]: [as('errored')] } }),
    casesOf('trigger-build', { target: 'plan/shop-network' }).passes('a plan', '', { answers: { [read]: [planned] } }),
    casesOf('trigger-build', { target: 'apply/run-1' }).passes('of a plan', '', {
      answers: { [read]: [planned, planned, as('applied')] },
    }),
    casesOf('cancel', { id: 'run-1' }).passes('a plan', '', {
      answers: { [read]: [planned, planned, as('discarded')] },
    }),
    casesOf('cancel', { id: 'run-1' }).passes('a running one', '', {
      answers: { [read]: [as('planning'), as('planning', { 'is-cancelable': true }), as('canceled')] },
    }),
  ],
  run: driveProvider('ci-cd', 'hcp-terraform', (url) => ({
    ...{ baseUrl: `${url}/api/v2`, token: 'a-team-token', project: 'acme' },
  })),
}
