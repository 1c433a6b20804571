import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import {
  type EventType,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, describe, expect, test } from '@jest/globals'
import { startLocalCloud } from '../../../../infra/local/cloud/index.ts'
import {
  credentials,
  durable,
  folder,
  latestEvents,
  lines,
  plain,
  type Started,
  start,
  startBefore,
  startExecution,
  until,
} from './harness.ts'

const processes: ChildProcess[] = []

afterAll(() => {
  for (const child of processes) child.kill('SIGKILL')
})

/** Starts a cloud in another process. `kill` ends it with SIGKILL. */
async function startProcess(state: string, names: string[]) {
  const functions = durable(names)
  const options = { state, table: 'test', timeScale: 20, functions, credentials }
  const script = fileURLToPath(new URL('./cloud-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--no-warnings', script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  processes.push(child)
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { endpoint, dynamodb } = JSON.parse(line)
  const client = { region: 'eu-west-1', credentials, maxAttempts: 1 }
  return {
    lambda: new LambdaClient({ ...client, endpoint }),
    dynamodb: new DynamoDBClient({ ...client, endpoint: dynamodb }),
    kill: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

async function untilEvent(lambda: LambdaClient, DurableExecutionArn: string, type: EventType) {
  const history = new GetDurableExecutionHistoryCommand({ DurableExecutionArn })
  for (;;) {
    const { Events = [] } = await lambda.send(history)
    if (Events.some(({ EventType }) => EventType === type)) return
  }
}

async function endIn({ cloud }: Started, arn: string) {
  await until(() => cloud.execution(arn)?.status !== 'RUNNING', 'the end after the restart')
  return cloud.execution(arn)
}

describe('after a kill -9 of the process', () => {
  test.each([
    ['a step runs again', false, 2, { done: true }],
    ['a step that runs at most once is interrupted', true, 1, { error: 'StepInterruptedError' }],
  ])('%s', async (_what, atMostOnce, bodies, result) => {
    const state = folder.file(`killed-${atMostOnce}`)
    const notes = folder.file(`notes-${atMostOnce}`)
    const first = await startProcess(state, ['interrupted'])
    const arn = await startExecution(first.lambda, 'interrupted', { file: notes, atMostOnce })
    await until(() => lines(notes).includes('body'), 'the body of the step')
    await first.kill()
    const second = await start({ state, functions: durable(['interrupted']) })
    const ended = await endIn(second, arn)
    expect(ended).toMatchObject({ status: 'SUCCEEDED', result: JSON.stringify(result) })
    expect(lines(notes).filter((line) => line === 'before')).toHaveLength(1)
    expect(lines(notes).filter((line) => line === 'body')).toHaveLength(bodies)
    await second.cloud.close()
  })

  test('waits, callbacks and stored items continue to exist', async () => {
    const state = folder.file('state')
    const notes = folder.file('callback')
    const first = await startProcess(state, ['waits', 'approval'])
    const waits = await startExecution(first.lambda, 'waits', { seconds: 8 })
    const approval = await startExecution(first.lambda, 'approval', { file: notes, timeout: 6_000 })
    const put = {
      TableName: 'test',
      Item: { id: { S: 'call-1' }, status: { S: 'INPROGRESS' } },
      ConditionExpression: 'attribute_not_exists(id)',
    }
    await first.dynamodb.send(new PutItemCommand(put))
    const CallbackId = await until(() => lines(notes)[0], 'the callback')
    // Otherwise the step that publishes the callback could run again.
    await untilEvent(first.lambda, approval, 'StepSucceeded')
    await first.kill()

    const second = await start({ state, functions: durable(['waits', 'approval']) })
    await expect(endIn(second, waits)).resolves.toMatchObject({ status: 'SUCCEEDED' })
    const Result = new TextEncoder().encode('yes')
    await second.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result }))
    await expect(endIn(second, approval)).resolves.toMatchObject({ result: '{"answer":"yes"}' })
    expect(lines(notes)).toHaveLength(1)
    const dynamodb = new DynamoDBClient({ endpoint: second.cloud.dynamodb, region: 'eu-west-1', credentials })
    await expect(dynamodb.send(new PutItemCommand(put))).rejects.toBeInstanceOf(ConditionalCheckFailedException)
    await expect(
      dynamodb.send(new GetItemCommand({ TableName: 'test', Key: { id: { S: 'call-1' } } })),
    ).resolves.toMatchObject({ Item: { status: { S: 'INPROGRESS' } } })
    await second.cloud.close()
  })
})

describe('after a close during an invocation', () => {
  test('the execution continues from its last step', async () => {
    const state = folder.file('closed')
    const notes = folder.file('notes-closed')
    const functions = durable(['interrupted'])
    const first = await start({ state, functions })
    const arn = await startExecution(first.lambda, 'interrupted', { file: notes, atMostOnce: false })
    await until(() => lines(notes).includes('body'), 'the body of the step')
    await first.cloud.close()
    const second = await start({ state, functions })
    await expect(endIn(second, arn)).resolves.toMatchObject({ result: '{"done":true}' })
    expect(lines(notes)).toEqual(['before', 'body', 'body'])
    const failed = second.cloud.history(arn).filter((event) => JSON.stringify(event).includes('ExitError'))
    expect(failed).toEqual([])
    await second.cloud.close()
  })
})

describe('a state folder', () => {
  test('can be used by only one cloud at a time', async () => {
    const state = folder.file('shared')
    const child = await startProcess(state, ['greet'])
    const second = startLocalCloud({ state, functions: [], secret: () => undefined, table: 'test' })
    await expect(second).rejects.toThrow(`Another process uses the state folder ${state}`)
    await child.kill()
  })

  test('of another version is rejected', async () => {
    const state = folder.file('other-version')
    const { cloud } = await start({ state, functions: [] })
    await cloud.close()
    const db = new DatabaseSync(join(state, 'durable.db'))
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expect(start({ state, functions: [] })).rejects.toThrow('was written by another version')
  })
})

describe('a failed invocation', () => {
  const running = startBefore(() => ({
    functions: [
      ...['exit', 'uncaught', 'memory'].flatMap((name) => durable(['breaks'], { name, memoryMb: 96 })),
      ...durable(['breaks'], { name: 'sleep', timeoutSeconds: 5 }),
      ...plain(['throws', 'exits', 'missing']),
      ...plain(['slow'], { timeoutSeconds: 1 }),
      ...plain(['absent'], { file: '/nowhere/task.js' }),
    ],
  }))

  test.each([
    ['exit', 'Runtime.ExitError', 'Runtime exited with error: exit status 3'],
    ['uncaught', 'Error', 'uncaught error'],
    ['memory', 'Runtime.OutOfMemory', 'memory limit'],
    ['sleep', 'Sandbox.Timedout', 'Task timed out after 5.00 seconds'],
  ])('(%s) is retried without repeating completed steps', async (how, errorType, message) => {
    const notes = folder.file(`breaks-${how}`)
    running.seen.length = 0
    await expect(running.cloud.invoke(how, { how, file: notes })).resolves.toEqual({ result: { runs: 1 } })
    expect(lines(notes)).toEqual(['before', how, how])
    const failed = running.seen.filter((seen) => seen.kind === 'invocation' && seen.status === 'FAILED')
    expect(failed).toMatchObject([{ error: { errorType, errorMessage: expect.stringContaining(message) } }])
    const completed = latestEvents(running).filter(({ EventType }) => EventType === 'InvocationCompleted')
    expect(completed).toMatchObject([
      { InvocationCompletedDetails: { Error: { Payload: { ErrorType: errorType } } } },
      { InvocationCompletedDetails: { RequestId: expect.any(String) } },
    ])
  })

  test.each([
    ['throws', 'TypeError', 'plainly wrong'],
    ['exits', 'Runtime.ExitError', 'exit status 7'],
    ['slow', 'Sandbox.Timedout', 'Task timed out after 1.00 seconds'],
    ['missing', 'Runtime.HandlerNotFound', 'missing is undefined or not exported'],
    ['absent', 'Error', 'no such file'],
  ])('of the plain function %s returns the error of Lambda', async (FunctionName, errorType, message) => {
    const { StatusCode, FunctionError, Payload } = await running.lambda.send(new InvokeCommand({ FunctionName }))
    expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: 'Unhandled' })
    const error = JSON.parse(new TextDecoder().decode(Payload))
    expect(error).toMatchObject({ errorType, errorMessage: expect.stringContaining(message) })
  })
})
