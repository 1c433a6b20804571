import { expect, it } from '@jest/globals'
import { listedTask } from '../../../../infra/local/tasks/listed-task.ts'
import { HOLD } from '../../../../shared/core/task/steps.ts'

const input = JSON.stringify({ action: 'ask-approval', deadline: 3_600, input: { message: { title: 'Ship?' } } })
const execution = { name: 'a'.repeat(40), category: 'notification', status: 'RUNNING', startedAt: 0, input }
const waitsIn = (name: string) => ({
  EventType: 'StepSucceeded',
  Id: '1',
  Name: name,
  EventTimestamp: new Date(0),
  StepSucceededDetails: {
    Result: { Payload: '{"waitsFor":"Stopped"}' },
    RetryDetails: { NextAttemptDelaySeconds: 60 },
  },
})

it('A task that asks people is listed with its question and its deadline', () => {
  const approval = { question: 'Ship?', until: '1970-01-01T01:00:00.000Z' }
  expect(listedTask(execution, [])).toMatchObject({ progress: '', approval })
})

it.each([
  [HOLD, 'Waiting for the end of a stop: Stopped'],
  ['require-wait', 'Waiting for the policy: Stopped'],
])('A task that waits in %s before it asks people is not listed as an approval', (step, progress) => {
  expect(listedTask(execution, [waitsIn(step)])).toMatchObject({ progress, approval: undefined })
})
