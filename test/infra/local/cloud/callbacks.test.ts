import {
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { buildHandlers, durable, lines, type Started, start, temporaryFolder, until } from './harness.ts'

const folder = temporaryFolder()
let running: Started

beforeAll(async () => {
  const file = buildHandlers(folder.path)
  running = await start({ state: folder.file('state'), functions: durable(file, ['approval']) })
})

let count = 0

/** Starts an execution that waits for a callback; gives its id once it is handed out, and the coming end. */
async function waiting(event: { timeout?: number; heartbeat?: number } = {}) {
  count += 1
  const file = folder.file(`callback-${count}`)
  const end = running.cloud.invoke('approval', { ...event, file })
  const id = await until(() => lines(file)[0], 'the callback')
  return { CallbackId: id, end }
}

const send = (command: unknown) => running.lambda.send(command as SendDurableExecutionCallbackSuccessCommand)
const text = (value: string) => new TextEncoder().encode(value)

function newestEvents() {
  const [newest] = running.cloud.executions({ limit: 1 })
  return running.cloud.history(newest?.arn ?? '').filter(({ EventType }) => EventType.startsWith('Callback'))
}

describe('a callback', () => {
  test('that succeeds gives its result to the execution', async () => {
    const { CallbackId, end } = await waiting()
    await send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('{"by":"ä"}') }))
    await expect(end).resolves.toEqual({ result: { answer: '{"by":"ä"}' } })
    expect(newestEvents()).toMatchObject([
      { EventType: 'CallbackStarted', CallbackStartedDetails: { CallbackId } },
      { EventType: 'CallbackSucceeded', CallbackSucceededDetails: { Result: { Payload: '{"by":"ä"}' } } },
    ])
  })

  test('that fails throws the error that was sent', async () => {
    const { CallbackId, end } = await waiting()
    const declined = { ErrorType: 'Declined', ErrorMessage: 'not today' }
    await send(new SendDurableExecutionCallbackFailureCommand({ CallbackId, Error: declined }))
    await expect(end).resolves.toEqual({
      result: { error: 'CallbackExternalError', message: 'not today' },
    })
  })

  test('times out when nobody answers', async () => {
    const { CallbackId, end } = await waiting({ timeout: 2 })
    await expect(end).resolves.toEqual({
      result: { error: 'CallbackTimeoutError', message: 'Callback timed out' },
    })
    await expect(send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
      name: 'CallbackTimeoutException',
      $metadata: { httpStatusCode: 400 },
    })
    expect(newestEvents()).toMatchObject([
      { CallbackStartedDetails: { Timeout: 2 } },
      {
        EventType: 'CallbackTimedOut',
        CallbackTimedOutDetails: { Error: { Payload: { ErrorType: 'Callback.Timeout' } } },
      },
    ])
  })

  test('lives on with heartbeats and times out without', async () => {
    const { CallbackId, end } = await waiting({ heartbeat: 30, timeout: 600 })
    const ended = end.then(() => 'ended')
    for (let beat = 0; beat < 4; beat += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      await send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId }))
    }
    await expect(Promise.race([ended, Promise.resolve('waiting')])).resolves.toBe('waiting')
    await expect(end).resolves.toEqual({
      result: {
        error: 'CallbackTimeoutError',
        message: 'Callback heartbeat timed out',
      },
    })
  })

  test('may get heartbeats that it did not ask for', async () => {
    const { CallbackId, end } = await waiting()
    await send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId }))
    await send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('yes') }))
    await expect(end).resolves.toEqual({ result: { answer: 'yes' } })
  })

  test('can be completed only once', async () => {
    const { CallbackId, end } = await waiting()
    await send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('first') }))
    await expect(send(new SendDurableExecutionCallbackFailureCommand({ CallbackId, Error: {} }))).rejects.toMatchObject(
      { name: 'CallbackTimeoutException' },
    )
    await expect(end).resolves.toEqual({ result: { answer: 'first' } })
  })

  test('is closed when its execution is stopped', async () => {
    const { CallbackId, end } = await waiting()
    const [newest] = running.cloud.executions({ limit: 1 })
    running.cloud.stop(newest?.arn ?? '')
    await end
    await expect(send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
      name: 'CallbackTimeoutException',
    })
  })

  test('that is unknown is refused with an error that the service model lists', async () => {
    await expect(
      send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: 'bm9ib2R5' })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } })
  })

  test('takes no result over 256 KB', async () => {
    const { CallbackId, end } = await waiting({ timeout: 10 })
    await expect(
      send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('x'.repeat(256 * 1024 + 1)) })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException' })
    await end
  })
})
