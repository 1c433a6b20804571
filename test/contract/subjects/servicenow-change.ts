import { casesOf, type Subject } from '../cases.ts'
import type { Answer } from '../server.ts'
import { driveProvider } from './drive.ts'

const id = 'b0dbda5347c12200e0ef563dbb9a718f'
const change = '/api/sn_chg_rest/v1/change/{sys_id}'
type Fields = Record<string, { value: string; display_value: string }>
const inState = (value: string, more: object = {}): Answer => ({
  body: ({ result }: { result: Fields }) => ({
    result: { ...result, state: { value, display_value: 'A state' }, ...more },
  }),
})
const asks = casesOf('ask-approval')
const closes = casesOf('close-approval', { id, result: 'pass', comment: 'Deployed' })

export const servicenowChange: Subject = {
  name: 'servicenow-change',
  contract: 'servicenow-change',
  answers: { [`PATCH ${change}`]: inState('-4') },
  cases: [
    { action: 'check', how: 'the roles' },
    asks.passes('with a question', 'Asked', { input: { question: 'Deploy 1.4.2?' } }),
    asks.passes('with plans and a window', 'Asked', {
      connection: { group: 'd625dccec0a8016700a222a0f7900d06', item: id, plan: 'Deploy', backoutPlan: 'Roll back' },
    }),
    asks.passes('without an event id', 'Asked', { noKey: true }),
    asks.passes('again', 'Asked', { isRetry: true }),
    asks.fails('which is not moved', 'did not move CHG0030042 to assess', {
      answers: { [`PATCH ${change}`]: [inState('-5.0')] },
    }),
    closes.passes('an approved change with an open task', 'Closed', {
      answers: {
        [`GET ${change}`]: [inState('-2'), inState('3')],
        ['GET /api/sn_chg_rest/v1/change/{change_sys_id}/task']: [{ body: { result: [{ sys_id: id, state: '1' }] } }],
        [`PATCH ${change}`]: [inState('-1'), inState('0'), inState('3')],
      },
    }),
    closes.passes('one that is closed', 'Closed', { answers: { [`GET ${change}`]: [inState('3'), inState('3')] } }),
  ],
  run: driveProvider('notification', 'servicenow-change', { token: 'a-token-of-servicenow' }),
}
