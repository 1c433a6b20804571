import { expect, test } from '@jest/globals'
import { webhooks } from '../infra/cli/webhooks.ts'

test('webhooks demo agent: an agent that loses its connection rolls back once, after a person has approved', async () => {
  const { code, out, err } = await webhooks('demo agent --json')
  expect({ code, result: JSON.parse(out) }).toEqual({
    code: 0,
    result: { verdict: 'pass', rollbacks: 1, auditRecords: 1 },
  })
  for (const text of [
    'loses its connection',
    'words it differently: refused',
    'killed while the task waits',
    'Caller: incident-bot',
    'jane clicks Approve',
    'the same task and result',
  ])
    expect(err).toContain(text)
})
