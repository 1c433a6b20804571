import { expect, test } from '@jest/globals'
import type { FiringRecord } from './alert-sender.ts'
import { verifyAlerts } from './verify-alerts.ts'

const [first, second] = ['2026-11-30T10:00:00Z', '2026-11-30T10:05:00Z']
const MINUTE_MS = 60_000
const fires: FiringRecord = { starts: [first], firedAt: MINUTE_MS }
const ended: FiringRecord = { ...fires, endSentAt: 3 * MINUTE_MS, endedAt: 3 * MINUTE_MS }
const endedSoon: FiringRecord = { ...fires, endSentAt: MINUTE_MS + 1, endedAt: MINUTE_MS + 1 }

interface Platform {
  /** The states of the issues of each start. */
  issues?: Record<string, ('open' | 'closed')[]>
  runbooks?: number
  isCritical?: true
  /** Tasks that failed, by action. */
  failed?: string[]
}

/** Returns the claims that an alert breaks. */
function judge(firings: FiringRecord[], { issues = {}, runbooks = 0, isCritical, failed = [] }: Platform) {
  const { violations } = verifyAlerts({
    alerts: [{ id: 'a', isCritical: isCritical === true, firings }],
    records: {
      issues: () =>
        Object.entries(issues).flatMap(([start, states]) =>
          states.map((state) => ({ title: `Prove a since ${start}`, state })),
        ),
      effects: () => new Map(runbooks > 0 ? [['a', runbooks]] : []),
    },
    auditLines: failed.map((action, at) =>
      JSON.stringify({
        audit: 'task',
        caller: 'source-alerts',
        category: 'issue-ticketing',
        action,
        taskId: String(at),
        outcome: 'errored',
      }),
    ),
  })
  return violations.map(({ claim }) => claim)
}

test.each<[string, ReturnType<typeof judge>, FiringRecord, Platform]>([
  ['nothing of an open issue while it fires', [], fires, { issues: { [first]: ['open'] } }],
  ['nothing of a closed issue after the end', [], ended, { issues: { [first]: ['closed'] } }],
  ['a second issue', ['alert'], fires, { issues: { [first]: ['open', 'open'] } }],
  ['a missing issue', ['alert'], fires, {}],
  ['nothing if the task that opens it failed', [], fires, { failed: ['open-issue'] }],
  ['nothing if the end came before the start was handled', [], endedSoon, {}],
  ['an issue of an alert that was never reported', ['alert'], { starts: [first] }, { issues: { [first]: ['open'] } }],
  ['a closed issue while it fires', ['fires'], fires, { issues: { [first]: ['closed'] } }],
  ['an open issue after the end', ['ended'], ended, { issues: { [first]: ['open'] } }],
  ['nothing if the task that closes it failed', [], ended, { issues: { [first]: ['open'] }, failed: ['close-issue'] }],
  ['a runbook of an alert that needs none', ['alert'], fires, { issues: { [first]: ['open'] }, runbooks: 1 }],
  [
    'nothing of one runbook of a critical alert',
    [],
    fires,
    { issues: { [first]: ['open'] }, runbooks: 1, isCritical: true },
  ],
  [
    'a second runbook of a critical alert',
    ['alert'],
    fires,
    { issues: { [first]: ['open'] }, runbooks: 2, isCritical: true },
  ],
  [
    'an issue for another start of the same alert',
    ['alert'],
    { ...fires, starts: [first, second] },
    { issues: { [first]: ['open'], [second]: ['open'] } },
  ],
])('verifyAlerts reports %s', (_what, claims, firing, platform) => {
  expect(judge([firing], platform)).toEqual(claims)
})

test('verifyAlerts expects an issue each time that an alert fires', () => {
  const again: FiringRecord = { starts: [second], firedAt: 5 * MINUTE_MS }
  expect(judge([ended, again], { issues: { [first]: ['closed'], [second]: ['open'] } })).toEqual([])
  expect(judge([ended, again], { issues: { [first]: ['closed'] } })).toEqual(['alert'])
})
