import { expect, test } from '@jest/globals'
import { webhooks } from '../infra/cli/webhooks.ts'

test('webhooks demo alert: an alert opens a ticket and runs an approved runbook, and its end closes the ticket, each once', async () => {
  const { code, out, err } = await webhooks('demo alert --json')
  expect({ code, result: JSON.parse(out) }).toEqual({
    code: 0,
    result: { tickets: 1, closedTickets: 1, runbooks: 1, approvals: 1, unchanged: true },
  })
  for (const text of [
    'DiskFull: firing. Its rules make 2 calls',
    'Caller: source-alerts',
    'jane clicks Approve',
    'runbook  started by the rule repair',
    'ticket   closed by the rule close',
    'repeats everything twice',
    'did nothing again',
  ])
    expect(err).toContain(text)
})
