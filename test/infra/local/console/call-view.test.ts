import { describe, expect, it } from '@jest/globals'
import type { OperationSummary } from '../../../../infra/local/cloud/index.ts'
import { detailOf } from '../../../../infra/local/console/call-view.ts'
import type { HistoryEvent } from '../../../../shared/core/task/progress.ts'

it('shows the log lines of all functions in the order of their times', () => {
  const log = [3, 1, 2].map((at) => ({ at, level: 'INFO', message: `line ${at}` }))
  const record = { id: 'call', at: 0, requests: [], outgoing: [], droppedCalls: 0, log }
  const cloud = { execution: () => undefined, operations: () => [], newestEvents: () => [] }
  const seen = detailOf(record, { cloud, providerOf: () => '', engineOf: () => '' }, [])
  expect(seen.log.map(({ message }) => message)).toEqual(['line 1', 'line 2', 'line 3'])
})

describe('a task that asks people', () => {
  const at = new Date(0).toISOString()
  const callback: HistoryEvent[] = [
    { EventType: 'CallbackStarted', EventTimestamp: at, Id: 'b', Name: 'decision-wake-1' },
  ]
  const works: HistoryEvent[] = [{ EventType: 'StepStarted', EventTimestamp: at, Id: 'c' }, ...callback]
  const retries: HistoryEvent[] = [
    {
      EventType: 'StepFailed',
      EventTimestamp: at,
      Id: 'c',
      Name: 'start',
      StepFailedDetails: { RetryDetails: { NextAttemptDelaySeconds: 2 } },
    },
    ...callback,
  ]
  const operation = (name: string, result?: object): OperationSummary => ({
    id: name,
    name,
    type: name.startsWith('decision') ? 'CALLBACK' : 'STEP',
    status: result ? 'SUCCEEDED' : 'STARTED',
    startedAt: 0,
    ...(result ? { result: JSON.stringify(result) } : {}),
  })
  const votes = [{ decision: 'approve', by: 'Jane Doe', at }]
  const before = [operation('decision-wake-0'), operation('save-approval', { at: 0 })]
  const retry = operation('start', { type: 'retry', retryIn: 1, reason: 'HTTP 500' })
  const posted = operation('start', { type: 'started', outcome: { data: { url: 'https://chat.example.com/1' } } })
  const asked = [...before, retry, posted]
  const voted = [...asked, operation('read-decision-0', { at: 1, votes }), operation('decision-wake-1')]
  const decision = { decision: 'approve', by: 'Jane Doe', at }

  const see = (operations: OperationSummary[], newest: HistoryEvent[]) => {
    const input = { message: { title: 'Ship?' } }
    const payload = { category: 'notification', input, deadline: 3600, approvalOf: { until: 5_000, count: 2 } }
    const execution = {
      arn: 'arn',
      name: 'call',
      functionName: 'notification-task',
      version: 1,
      status: 'RUNNING' as const,
      startedAt: 0,
    }
    const cloud = {
      execution: () => ({ ...execution, input: JSON.stringify(payload) }),
      operations: () => operations,
      newestEvents: () => newest,
    }
    const record = { id: 'call', at: 0, requests: [], outgoing: [], droppedCalls: 0, log: [], arn: 'arn' }
    return detailOf(record, { cloud, providerOf: () => '', engineOf: () => '' }, [])
  }

  it.each([
    ['waits for the first vote', asked, callback, []],
    ['has read a vote', voted, callback, ['Jane Doe']],
    ['saves how it is woken', [...voted, operation('save-wake-up-1')], works, ['Jane Doe']],
    ['shows the vote in its message', [...voted, operation('show-votes-0')], works, ['Jane Doe']],
    ['could not remind people yet', [...voted, operation('remind')], retries, ['Jane Doe']],
  ])('waits for them while it %s', (_, operations, newest, by) => {
    const call = see(operations, newest)
    expect(call).toMatchObject({
      verdict: 'waiting',
      text: 'Ship?',
      until: 5_000,
      waiting: { for: 'a decision', people: true },
      approval: { votes: by, messageUrl: 'https://chat.example.com/1' },
    })
  })

  it.each([
    ['before its message is sent', before, callback, 'running'],
    ['while its message cannot be sent', [...before, retry], retries, 'retrying'],
    ['after the decision', [...voted, operation('read-decision-1', { at: 2, decision })], callback, 'running'],
    [
      'after a decision that it finds before it waits',
      [...voted, operation('save-wake-up-1', { at: 2, decision })],
      callback,
      'running',
    ],
    [
      'after it could not read the decision',
      [...voted, operation('read-decision-1', { at: 2, error: 'no table' })],
      callback,
      'running',
    ],
  ])('does not wait for them %s', (_, operations, newest, verdict) => {
    expect(see(operations, newest)).toMatchObject({ verdict, approval: undefined })
  })
})
