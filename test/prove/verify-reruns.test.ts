import { expect, test } from '@jest/globals'
import { callOf } from './calls.ts'
import type { Rerun } from './operator.ts'
import type { SentEvent } from './platform-records.ts'
import { verifyReruns } from './verify-reruns.ts'

/** Returns the claims that the answers to an operator break, after a result of the task. */
function judge(result: string, reruns: Rerun[]) {
  const call = callOf(1, 1)
  const event = { type: 'sh.keptn.event.openissue.finished', triggeredid: call.id, data: { result } } as SentEvent
  const entry = { call, deliveries: [], accepted: { at: 1, taskId: 'old' }, reruns }
  const { violations, figures } = verifyReruns([entry], { events: () => [event] })
  return { claims: violations.map(({ claim }) => claim), figures }
}

test.each<[string, string[], Parameters<typeof judge>]>([
  ['nothing if both answers name one task', [], ['fail', [again('new'), again('new')]]],
  ['two new tasks', ['rerun'], ['fail', [again('new'), again('newer')]]],
  ['the old task', ['rerun'], ['fail', [again('old')]]],
  ['a refusal after a failure', ['rerun'], ['fail', [{ status: 400 }]]],
  ['nothing if it is refused after a pass', [], ['pass', [{ status: 400 }, { status: 400 }]]],
  ['a task that passed and runs again', ['rerun'], ['pass', [again('new')]]],
  ['nothing without an answer', [], ['fail', [{ status: undefined }]]],
])('verifyReruns reports %s', (_what, claims, [result, reruns]) => {
  expect(judge(result, reruns).claims).toEqual(claims)
})

test('verifyReruns counts what was run again, and what was refused', () => {
  expect(judge('fail', [again('new')]).figures).toEqual({ asked: 1, again: 1, refused: 0 })
  expect(judge('pass', [{ status: 400 }]).figures).toEqual({ asked: 1, again: 0, refused: 1 })
})

function again(taskId: string): Rerun {
  return { status: 202, taskId }
}
