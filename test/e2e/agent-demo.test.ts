import { test } from '@jest/globals'
import { expectDemo } from './expect-demo.ts'

test('webhooks demo agent: an agent that loses its connection rolls back once, after a person has approved', async () => {
  await expectDemo('agent', { verdict: 'pass', rollbacks: 1, auditRecords: 1 }, [
    'loses its connection',
    'words it differently: refused',
    'killed while the task waits',
    'Caller: incident-bot',
    'jane clicks Approve',
    'the same task and result',
  ])
})
