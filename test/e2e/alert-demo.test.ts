import { test } from '@jest/globals'
import { expectDemo } from './expect-demo.ts'

test('webhooks demo alert: an alert opens a ticket and runs an approved runbook, and its end closes the ticket, each once', async () => {
  await expectDemo('alert', { tickets: 1, closedTickets: 1, runbooks: 1, approvals: 1, unchanged: true }, [
    'DiskFull: firing. Its rules make 2 calls',
    'Caller: source-alerts',
    'jane clicks Approve',
    'runbook  started by the rule repair',
    'ticket   closed by the rule close',
    'repeats everything twice',
    'did nothing again',
  ])
})
