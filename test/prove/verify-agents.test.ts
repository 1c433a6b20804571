import { expect, test } from '@jest/globals'
import type { Entry } from './call-records.ts'
import { callOf } from './calls.ts'
import { verifyAgents } from './verify-agents.ts'

const passed = { state: 'ended', verdict: 'pass' }

/** Returns the violations of a call of an agent whose deliveries named these tasks. */
function judge(tasks: string[], end: Pick<Entry, 'reported' | 'status'>) {
  const { engine: _, ...plan } = callOf(1, 1)
  const call = { ...plan, agent: { tool: 'issue-ticketing_open-issue', arguments: {} } }
  const deliveries = tasks.map((taskId) => ({ at: 1, answeredAt: 2, status: 202, taskId }))
  const { violations, figures } = verifyAgents([{ call, deliveries, accepted: { at: 2, taskId: 'a' }, ...end }])
  return { violations: violations.map(({ claim, detail }) => `${claim}: ${detail}`), figures }
}

test.each<[string, string[], Parameters<typeof judge>]>([
  ['nothing if the agent read the result', [], [['a', 'a'], { reported: 'pass', status: passed }]],
  [
    'another task for the same key',
    ['reported: 2 tasks for one key'],
    [['a', 'b'], { reported: 'pass', status: passed }],
  ],
  ['an agent that waits forever', ['reported: the agent never read a result'], [['a'], { status: passed }]],
  [
    'another result',
    ['reported: the agent read errored, and the task ended with pass'],
    [['a'], { reported: 'errored', status: passed }],
  ],
])('verifyAgents reports %s', (_what, expected, [tasks, end]) => {
  expect(judge(tasks, end).violations).toEqual(expected)
})

test('verifyAgents counts calls and their repeats', () => {
  const { figures } = judge(['a', 'a', 'a'], { reported: 'pass', status: passed })
  expect(figures).toEqual({ calls: 1, accepted: 1, repeats: 2 })
})
