import { expect, test } from '@jest/globals'
import type { Entry } from './call-records.ts'
import { callOf } from './calls.ts'
import { verifyAgents } from './verify-agents.ts'

const passed = { state: 'ended', verdict: 'pass' }

/** Returns the violations of a call of an agent whose deliveries named these tasks. */
function judge(tasks: string[], end: Pick<Entry, 'told' | 'status'>) {
  const { engine: _, ...plan } = callOf(1, 1)
  const call = { ...plan, agent: { tool: 'issue-ticketing_open-issue', arguments: {} } }
  const deliveries = tasks.map((taskId) => ({ at: 1, answeredAt: 2, status: 202, taskId }))
  const { violations, figures } = verifyAgents([{ call, deliveries, accepted: { at: 2, taskId: 'a' }, ...end }])
  return { violations: violations.map(({ claim, detail }) => `${claim}: ${detail}`), figures }
}

test.each<[string, string[], Parameters<typeof judge>]>([
  ['nothing if the agent was told the result', [], [['a', 'a'], { told: 'pass', status: passed }]],
  ['another task for the same key', ['told: 2 tasks for one key'], [['a', 'b'], { told: 'pass', status: passed }]],
  ['an agent that waits forever', ['told: it was never told a result'], [['a'], { status: passed }]],
  [
    'another result',
    ['told: it was told errored, and the task ended with pass'],
    [['a'], { told: 'errored', status: passed }],
  ],
])('verifyAgents reports %s', (_what, expected, [tasks, end]) => {
  expect(judge(tasks, end).violations).toEqual(expected)
})

test('verifyAgents counts calls and their repeats', () => {
  const { figures } = judge(['a', 'a', 'a'], { told: 'pass', status: passed })
  expect(figures).toEqual({ calls: 1, accepted: 1, repeats: 2 })
})
