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
  type InvokeCommandOutput,
  LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
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
  const options = { state, table: 'test', timeScale: 20, copiesCode: false, functions, credentials }
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

const running = startBefore(() => ({
  functions: [
    ...['exit', 'uncaught', 'memory'].flatMap((name) => durable(['breaks'], { name, memoryMb: 96 })),
    ...durable(['breaks'], { name: 'sleep', timeoutSeconds: 5 }),
    ...plain(['throws', 'exits', 'missing']),
    ...plain(['slow'], { timeoutSeconds: 1 }),
    ...plain(['absent'], { file: '/nowhere/task.js' }),
  ],
}))
const notesOf = (name: string) => folder.file(`notes-${name}`)
const failing = new Map<string, Promise<object>>()
const responses = new Map<string, Promise<InvokeCommandOutput>>()
// Their timeouts elapse during the other tests.
beforeAll(() => {
  for (const how of ['exit', 'uncaught', 'memory', 'sleep'])
    failing.set(how, running.cloud.invoke(how, { how, file: notesOf(how) }))
  for (const FunctionName of ['throws', 'exits', 'slow', 'missing', 'absent'])
    responses.set(FunctionName, running.lambda.send(new InvokeCommand({ FunctionName })))
})

describe('after a kill -9 of the process', () => {
  const put = {
    TableName: 'test',
    Item: { id: { S: 'call-1' }, status: { S: 'INPROGRESS' } },
    ConditionExpression: 'attribute_not_exists(id)',
  }
  let second: Started
  let lock: Promise<unknown>
  const arns = { again: '', once: '', waits: '', approval: '' }
  beforeAll(async () => {
    const state = folder.file('killed')
    const functions = ['interrupted', 'waits', 'approval']
    const { lambda, dynamodb, kill } = await startProcess(state, functions)
    lock = startLocalCloud({ state, functions: [], secret: () => undefined, table: 'test' }).catch((error) => error)
    arns.again = await startExecution(lambda, 'interrupted', { file: notesOf('again'), atMostOnce: false })
    arns.once = await startExecution(lambda, 'interrupted', { file: notesOf('once'), atMostOnce: true })
    arns.waits = await startExecution(lambda, 'waits', { seconds: 8 })
    arns.approval = await startExecution(lambda, 'approval', { file: notesOf('approval'), timeout: 6_000 })
    await dynamodb.send(new PutItemCommand(put))
    for (const name of ['again', 'once'])
      await until(() => lines(notesOf(name)).includes('body'), 'the body of the step')
    // Otherwise the step that publishes the callback could run again.
    await untilEvent(lambda, arns.approval, 'StepSucceeded')
    await lock
    await kill()
    second = await start({ state, functions: durable(functions) })
  })

  test.each([
    ['a step runs again', 'again', 2, { done: true }],
    ['a step that runs at most once is interrupted', 'once', 1, { error: 'StepInterruptedError' }],
  ] as const)('%s', async (_what, name, bodies, result) => {
    const ended = await endIn(second, arns[name])
    expect(ended).toMatchObject({ status: 'SUCCEEDED', result: JSON.stringify(result) })
    expect(lines(notesOf(name))).toEqual(['before', ...Array(bodies).fill('body')])
  })

  test('waits, callbacks and stored items continue to exist', async () => {
    await expect(endIn(second, arns.waits)).resolves.toMatchObject({ status: 'SUCCEEDED' })
    const [CallbackId] = lines(notesOf('approval'))
    const Result = new TextEncoder().encode('yes')
    await second.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result }))
    await expect(endIn(second, arns.approval)).resolves.toMatchObject({ result: '{"answer":"yes"}' })
    expect(lines(notesOf('approval'))).toHaveLength(1)
    const dynamodb = new DynamoDBClient({ endpoint: second.cloud.dynamodb, region: 'eu-west-1', credentials })
    await expect(dynamodb.send(new PutItemCommand(put))).rejects.toBeInstanceOf(ConditionalCheckFailedException)
    await expect(
      dynamodb.send(new GetItemCommand({ TableName: 'test', Key: { id: { S: 'call-1' } } })),
    ).resolves.toMatchObject({ Item: { status: { S: 'INPROGRESS' } } })
  })

  test('its state folder could be used by only one cloud at a time', async () => {
    expect(String(await lock)).toContain(`Another process uses the state folder ${folder.file('killed')}`)
  })
})

test('after a close during an invocation, the execution continues from its last step', async () => {
  const [state, file] = [folder.file('closed'), notesOf('closed')]
  const functions = durable(['interrupted'])
  const first = await start({ state, functions, graceMs: 50 })
  const arn = await startExecution(first.lambda, 'interrupted', { file, atMostOnce: false })
  await until(() => lines(file).includes('body'), 'the body of the step')
  await first.cloud.close()
  const second = await start({ state, functions })
  await expect(endIn(second, arn)).resolves.toMatchObject({ result: '{"done":true}' })
  expect(lines(file)).toEqual(['before', 'body', 'body'])
  expect(JSON.stringify(second.cloud.history(arn))).not.toContain('ExitError')
})

test('a state folder of another version is rejected', async () => {
  const state = folder.file('other-version')
  const { cloud } = await start({ state, functions: [] })
  await cloud.close()
  const db = new DatabaseSync(join(state, 'durable.db'))
  db.exec('PRAGMA user_version = 99')
  db.close()
  await expect(start({ state, functions: [] })).rejects.toThrow('was written by another version')
})

describe('a failed invocation', () => {
  test.each([
    ['exit', 'Runtime.ExitError', 'Runtime exited with error: exit status 3'],
    ['uncaught', 'Error', 'uncaught error'],
    ['memory', 'Runtime.OutOfMemory', 'memory limit'],
    ['sleep', 'Sandbox.Timedout', 'Task timed out after 5.00 seconds'],
  ])('(%s) is retried without repeating completed steps', async (how, errorType, message) => {
    await expect(failing.get(how)).resolves.toEqual({ result: { runs: 1 } })
    // An environment that starts late fails in the same way, and is replaced once more.
    const [before, ...attempts] = lines(notesOf(how))
    expect([before, new Set(attempts), attempts.length > 1]).toEqual(['before', new Set([how]), true])
    const ofFunction = running.seen.filter(({ functionName }) => functionName === how)
    const failed = ofFunction.filter((seen) => seen.kind === 'invocation' && seen.status === 'FAILED')
    const failure = { error: { errorType, errorMessage: expect.stringContaining(message) } }
    expect(failed).toMatchObject([failure, ...failed.slice(1).map(() => failure)])
    const completed = latestEvents(running, how).filter(({ EventType }) => EventType === 'InvocationCompleted')
    expect(completed).toMatchObject([
      ...failed.map(() => ({ InvocationCompletedDetails: { Error: { Payload: { ErrorType: errorType } } } })),
      { InvocationCompletedDetails: { RequestId: expect.any(String) } },
    ])
  })

  test.each([
    ['throws', 'TypeError', 'plainly wrong'],
    ['exits', 'Runtime.ExitError', 'exit status 7'],
    ['slow', 'Sandbox.Timedout', 'Task timed out after 1.00 seconds'],
    ['missing', 'Runtime.HandlerNotFound', 'missing is undefined or not exported'],
    ['absent', 'Error', 'no such file'],
  ])('of the plain function %s returns the error of Lambda', async (name, errorType, message) => {
    const { StatusCode, FunctionError, Payload } = (await responses.get(name)) ?? {}
    expect({ StatusCode, FunctionError }).toEqual({ StatusCode: 200, FunctionError: 'Unhandled' })
    const error = JSON.parse(new TextDecoder().decode(Payload))
    expect(error).toMatchObject({ errorType, errorMessage: expect.stringContaining(message) })
  })
})
