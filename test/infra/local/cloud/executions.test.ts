import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  ListDurableExecutionsByFunctionCommand,
  StopDurableExecutionCommand,
} from '@aws-sdk/client-lambda'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { authorizationWith, type StatusChangeEvent } from '../../../../infra/local/cloud/index.ts'
import type { Checkpoint } from './handlers.ts'
import { credentials, durable, folder, lines, start, startBefore, startExecution, until } from './harness.ts'

const statusChanges: StatusChangeEvent[] = []
const running = startBefore(() => ({
  functions: [
    ...durable(['greet', 'waits', 'approval', 'checkpoints', 'failing']),
    ...durable(['hangs'], { durable: { executionTimeoutSeconds: 1, retentionDays: 1 } }),
    ...durable(['poll'], { durable: { executionTimeoutSeconds: 86_400, retentionDays: 1 } }),
  ],
  onEnded: (event) => {
    statusChanges.push(event)
  },
}))

const startByName = (name: string, event: unknown, executionName?: string) =>
  startExecution(running.lambda, name, event, executionName)

const get = (DurableExecutionArn: string) =>
  running.lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn }))

let hanging: Promise<string>
// Its timeout elapses during the other tests.
beforeAll(() => {
  hanging = startByName('hangs', {})
})

const ended = (arn: string) =>
  until(() => running.cloud.execution(arn)?.status !== 'RUNNING' && running.cloud.execution(arn), `the end of ${arn}`)

describe('the name of an execution', () => {
  test('with the same payload returns the same execution, running or ended', async () => {
    const first = await startByName('waits', { seconds: 5 }, 'same-name')
    expect(first).toMatch(
      /^arn:aws:lambda:eu-west-1:000000000000:function:waits:1\/durable-execution\/same-name\/[\w-]+$/,
    )
    await expect(startByName('waits', { seconds: 5 }, 'same-name')).resolves.toBe(first)
    await ended(first)
    await expect(startByName('waits', { seconds: 5 }, 'same-name')).resolves.toBe(first)
    expect(running.cloud.executions({ name: 'same-name' })).toHaveLength(1)
  })

  test('with another payload is rejected', async () => {
    await startByName('waits', { seconds: 1 }, 'other-payload')
    await expect(startByName('waits', { seconds: 2 }, 'other-payload')).rejects.toMatchObject({
      name: 'DurableExecutionAlreadyStartedException',
      $metadata: { httpStatusCode: 409 },
    })
  })

  test('can be used again by another function', async () => {
    await startByName('waits', { seconds: 1 }, 'shared')
    await startByName('greet', { name: 'x' }, 'shared')
    expect(running.cloud.executions({ name: 'shared' })).toHaveLength(2)
  })

  test.each(['no spaces', 'x'.repeat(65), 'ümlaut'.normalize()])('cannot be %j', async (name) => {
    const { headers } = await fetch(`${running.cloud.endpoint}/2015-03-31/functions/greet:live/invocations`, {
      method: 'POST',
      headers: {
        authorization: authorizationWith(credentials),
        'x-amz-invocation-type': 'Event',
        'x-amz-durable-execution-name': name,
      },
    })
    expect(headers.get('x-amzn-errortype')).toBe('InvalidParameterValueException')
  })

  test('can be used again after its retention period', async () => {
    const state = folder.file('retention')
    const durableConfig = { executionTimeoutSeconds: 600, retentionDays: 0.05 / 86_400 }
    const functions = durable(['greet'], { durable: durableConfig })
    const { cloud, lambda } = await start({ state, functions })
    const invoke = () => startExecution(lambda, 'greet', { name: String(cloud.executions().length) }, 'once')
    const first = await invoke()
    await until(() => cloud.executions({ name: 'once' }).length === 0, 'the end of the retention')
    expect(await invoke()).not.toBe(first)
    await cloud.close()
  })
})

describe('the end of an execution', () => {
  test('is its timeout, even during an invocation', async () => {
    const arn = await hanging
    await ended(arn)
    await expect(get(arn)).resolves.toMatchObject({
      Status: 'TIMED_OUT',
      Error: { ErrorMessage: 'Execution timed out after 1 seconds' },
      EndTimestamp: expect.any(Date),
    })
    expect(running.cloud.history(arn).at(-1)).toMatchObject({ EventType: 'ExecutionTimedOut' })
  })

  test('is StopDurableExecution, which can be repeated', async () => {
    const notes = folder.file('stopped')
    const arn = await startByName('approval', { file: notes })
    await until(() => lines(notes)[0])
    const reason = { ErrorType: 'Operator', ErrorMessage: 'no longer needed' }
    const before = Date.now()
    const stopped = await running.lambda.send(
      new StopDurableExecutionCommand({ DurableExecutionArn: arn, Error: reason }),
    )
    expect(stopped.StopTimestamp?.getTime()).toBeGreaterThanOrEqual(before)
    await expect(get(arn)).resolves.toMatchObject({ Status: 'STOPPED', Error: reason })
    const again = await running.lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }))
    expect(again.StopTimestamp).toEqual(stopped.StopTimestamp)
    expect(running.cloud.history(arn).at(-1)).toMatchObject({
      EventType: 'ExecutionStopped',
      ExecutionStoppedDetails: { Error: { Payload: reason } },
    })
  })

  test('sends an EventBridge event unless the execution succeeded', async () => {
    await running.cloud.invoke('greet', { name: 'Eve' })
    const arn = await startByName('failing', {}, 'failing')
    const event = await until(() => statusChanges.find(({ detail }) => detail.durableExecutionArn === arn))
    expect(event).toEqual({
      version: '0',
      id: expect.any(String),
      'detail-type': 'Durable Execution Status Change',
      source: 'aws.lambda',
      account: '000000000000',
      time: expect.any(String),
      region: 'eu-west-1',
      resources: [],
      detail: {
        durableExecutionArn: arn,
        durableExecutionName: 'failing',
        functionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:failing:1',
        status: 'FAILED',
        startTimestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        endTimestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    })
    expect(new Set(statusChanges.map(({ detail }) => detail.status))).not.toContain('SUCCEEDED')
  })

  test('sends the event again if the listener fails', async () => {
    const attempts: string[] = []
    const { cloud, seen } = await start({
      state: folder.file('listener'),
      functions: durable(['failing']),
      timeScale: 300,
      onEnded: async ({ detail }) => {
        attempts.push(detail.status)
        if (attempts.length === 1) throw new Error('not ready yet')
      },
    })
    await cloud.invoke('failing', {})
    await until(() => attempts.length === 2, 'the second attempt')
    expect(attempts).toEqual(['FAILED', 'FAILED'])
    expect(seen.filter(({ kind }) => kind === 'log')).toContainEqual(
      expect.objectContaining({ line: expect.stringContaining('not ready yet') }),
    )
    await cloud.close()
  })
})

describe('GetDurableExecution', () => {
  test('returns status, input and result', async () => {
    const arn = await startByName('greet', { name: 'Eve' }, 'to-get')
    await ended(arn)
    await expect(get(arn)).resolves.toMatchObject({
      DurableExecutionArn: arn,
      DurableExecutionName: 'to-get',
      FunctionArn: 'arn:aws:lambda:eu-west-1:000000000000:function:greet:live',
      InputPayload: '{"name":"Eve"}',
      Result: '{"greeting":"Hello Eve"}',
      Status: 'SUCCEEDED',
      StartTimestamp: expect.any(Date),
      EndTimestamp: expect.any(Date),
      Version: '1',
      DurableConfig: { ExecutionTimeout: 600, RetentionPeriodInDays: 1 },
    })
  })

  test('rejects an unknown execution', async () => {
    const unknown = 'arn:aws:lambda:eu-west-1:000000000000:function:greet:1/durable-execution/a/b'
    await expect(get(unknown)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })
})

test('ListDurableExecutionsByFunction filters by name and status, and pages', async () => {
  const arns = []
  for (let index = 0; index < 5; index += 1)
    arns.push(await startByName('poll', { polls: 9_999, seconds: 3_600 }, `p${index}`))
  const list = (more: object) =>
    running.lambda.send(new ListDurableExecutionsByFunctionCommand({ FunctionName: 'poll', ...more }))
  const names = async (more: object) => (await list(more)).DurableExecutions?.map((item) => item.DurableExecutionName)
  await expect(names({})).resolves.toEqual(['p4', 'p3', 'p2', 'p1', 'p0'])
  await expect(names({ ReverseOrder: true })).resolves.toEqual(['p0', 'p1', 'p2', 'p3', 'p4'])
  await expect(names({ DurableExecutionName: 'p3' })).resolves.toEqual(['p3'])
  running.cloud.stop(arns[2] ?? '')
  await expect(names({ Statuses: ['STOPPED', 'FAILED'] })).resolves.toEqual(['p2'])
  await expect(names({ Statuses: ['RUNNING'] })).resolves.toEqual(['p4', 'p3', 'p1', 'p0'])
  await expect(names({ StartedAfter: new Date(Date.now() + 60_000) })).resolves.toEqual([])
  await expect(names({ StartedBefore: new Date(Date.now() + 60_000) })).resolves.toHaveLength(5)
  const first = await list({ MaxItems: 3 })
  expect(first.DurableExecutions).toHaveLength(3)
  const rest = await list({ MaxItems: 3, Marker: first.NextMarker })
  expect(rest.DurableExecutions?.map((item) => item.DurableExecutionName)).toEqual(['p1', 'p0'])
  expect(rest.NextMarker).toBeUndefined()
  await expect(list({ MaxItems: 5 })).resolves.not.toHaveProperty('NextMarker', expect.anything())
  await expect(list({ FunctionName: 'unknown' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})

test('GetDurableExecutionHistory returns the events in pages, in both orders, with and without data', async () => {
  const arn = await startByName('waits', { seconds: 1 })
  await ended(arn)
  const history = (more: object) =>
    running.lambda.send(new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, ...more }))
  const { Events = [] } = await history({})
  expect(Events.map(({ EventId }) => EventId)).toEqual(Events.map((_, index) => index + 1))
  expect(Events[0]).toMatchObject({
    EventType: 'ExecutionStarted',
    EventTimestamp: expect.any(Date),
    ExecutionStartedDetails: { Input: { Payload: '{"seconds":1}' }, ExecutionTimeout: 600 },
  })
  expect(Events.find(({ EventType }) => EventType === 'WaitStarted')).toMatchObject({
    WaitStartedDetails: { Duration: 1, ScheduledEndTimestamp: expect.any(Date) },
  })
  expect(Events.find(({ EventType }) => EventType === 'InvocationCompleted')).toMatchObject({
    InvocationCompletedDetails: {
      StartTimestamp: expect.any(Date),
      EndTimestamp: expect.any(Date),
      RequestId: expect.any(String),
    },
  })
  const page = await history({ MaxItems: 4 })
  const rest = await history({ MaxItems: 100, Marker: page.NextMarker })
  expect([...(page.Events ?? []), ...(rest.Events ?? [])]).toEqual(Events)
  const reverse = await history({ ReverseOrder: true, MaxItems: 2 })
  expect(reverse.Events).toEqual([...Events].reverse().slice(0, 2))
  const bare = await history({ IncludeExecutionData: false })
  expect(bare.Events?.[0]?.ExecutionStartedDetails?.Input).toEqual({})
})

test('CheckpointDurableExecution rejects a stale token and invalid updates, and accepts a retry', async () => {
  const step = (Id: string, more: object = {}) => ({ Id, Type: 'STEP', SubType: 'Step', Action: 'START', ...more })
  const tooLarge = { Action: 'SUCCEED', Payload: 'x'.repeat(256 * 1024 + 1) }
  const table: [request: Checkpoint, result: string][] = [
    [{ Updates: [step('a')] }, 'accepted'],
    [{ Updates: [step('b')], token: 0 }, 'Invalid Checkpoint Token'],
    [{ Updates: [], token: 0, isRead: true }, 'Invalid Checkpoint Token'],
    [{ Updates: [], token: 'bm9uc2Vuc2U=' }, 'Invalid Checkpoint Token'],
    [{ Updates: [step('c', { ParentId: 'unknown' })] }, 'Invalid parent operation id.'],
    [{ Updates: [{ Id: 'a', Type: 'WAIT', Action: 'RETRY' }] }, 'Invalid action RETRY'],
    [{ Updates: [step('a')] }, 'Invalid current STEP state STARTED'],
    [{ Updates: [step('a', tooLarge)] }, 'less than or equal to 262144 bytes'],
    [{ Updates: [step('b')], token: 1, ClientToken: 'once' }, 'accepted'],
    [{ Updates: [step('b')], token: 1, ClientToken: 'once' }, 'accepted'],
  ]
  const requests = table.map(([request]) => request)
  const { result } = await running.cloud.invoke('checkpoints', { requests })
  const expected = table.map(([, text]) =>
    text === 'accepted' ? text : expect.stringMatching(`^InvalidParameterValueException 400: .*${text}`),
  )
  expect(result).toEqual(expected)
})
