import { SendDurableExecutionCallbackSuccessCommand } from '@aws-sdk/client-lambda'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { buildHandlers, durable, lines, type Started, start, temporaryFolder, until } from './harness.ts'

const folder = temporaryFolder()
let running: Started

beforeAll(async () => {
  const file = buildHandlers(folder.path)
  running = await start({ state: folder.file('state'), functions: durable(file, ['approval']) })
})

let count = 0

/** Starts an execution that waits for a callback. Returns the id of the callback and a promise of the result. */
async function startWaiting(event: { timeout?: number } = {}) {
  count += 1
  const file = folder.file(`callback-${count}`)
  const end = running.cloud.invoke('approval', { ...event, file })
  const id = await until(() => lines(file)[0], 'the callback')
  return { CallbackId: id, end }
}

const send = (command: SendDurableExecutionCallbackSuccessCommand) => running.lambda.send(command)
const text = (value: string) => new TextEncoder().encode(value)

function latestEvents() {
  const [latest] = running.cloud.executions({ limit: 1 })
  return running.cloud.history(latest?.arn ?? '').filter(({ EventType }) => EventType.startsWith('Callback'))
}

describe('a callback', () => {
  test('returns its result to the execution', async () => {
    const { CallbackId, end } = await startWaiting()
    await send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('{"by":"ä"}') }))
    await expect(end).resolves.toEqual({ result: { answer: '{"by":"ä"}' } })
    expect(latestEvents()).toMatchObject([
      { EventType: 'CallbackStarted', CallbackStartedDetails: { CallbackId } },
      { EventType: 'CallbackSucceeded', CallbackSucceededDetails: { Result: { Payload: '{"by":"ä"}' } } },
    ])
  })

  test('times out', async () => {
    const { CallbackId, end } = await startWaiting({ timeout: 2 })
    await expect(end).resolves.toEqual({
      result: { error: 'CallbackTimeoutError', message: 'Callback timed out' },
    })
    await expect(send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
      name: 'CallbackTimeoutException',
      $metadata: { httpStatusCode: 400 },
    })
    expect(latestEvents()).toMatchObject([
      { CallbackStartedDetails: { Timeout: 2 } },
      {
        EventType: 'CallbackTimedOut',
        CallbackTimedOutDetails: { Error: { Payload: { ErrorType: 'Callback.Timeout' } } },
      },
    ])
  })

  test('can be completed only once', async () => {
    const { CallbackId, end } = await startWaiting()
    await send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('first') }))
    await expect(send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
      name: 'CallbackTimeoutException',
    })
    await expect(end).resolves.toEqual({ result: { answer: 'first' } })
  })

  test('is closed when its execution is stopped', async () => {
    const { CallbackId, end } = await startWaiting()
    const [latest] = running.cloud.executions({ limit: 1 })
    running.cloud.stop(latest?.arn ?? '')
    await end
    await expect(send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
      name: 'CallbackTimeoutException',
    })
  })

  test('with an unknown id is rejected with an error of the service model', async () => {
    await expect(
      send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: 'bm9ib2R5' })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } })
  })

  test('rejects a result of more than 256 KB', async () => {
    const { CallbackId, end } = await startWaiting({ timeout: 10 })
    await expect(
      send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: text('x'.repeat(256 * 1024 + 1)) })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException' })
    await end
  })
})
