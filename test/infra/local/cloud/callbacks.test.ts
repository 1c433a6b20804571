import { SendDurableExecutionCallbackSuccessCommand } from '@aws-sdk/client-lambda'
import { describe, expect, test } from '@jest/globals'
import { durable, folder, latestEvents, lines, startBefore, until } from './harness.ts'

const running = startBefore(() => ({ functions: durable(['approval']) }))

let count = 0

/** Starts an execution that waits for a callback. Returns the id of the callback and a promise of the result. */
async function startWaiting(event: { timeout?: number } = {}) {
  count += 1
  const file = folder.file(`callback-${count}`)
  const end = running.cloud.invoke('approval', { ...event, file })
  const id = await until(() => lines(file)[0], 'the callback')
  return { CallbackId: id, end }
}

const succeed = (CallbackId: string, result = '') =>
  running.lambda.send(
    new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: new TextEncoder().encode(result) }),
  )

const events = () => latestEvents(running).filter(({ EventType }) => EventType.startsWith('Callback'))
const tooLate = { name: 'CallbackTimeoutException', $metadata: { httpStatusCode: 400 } }
const invalid = { name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } }

describe('a callback', () => {
  test('returns its result to the execution', async () => {
    const { CallbackId, end } = await startWaiting()
    await succeed(CallbackId, '{"by":"ä"}')
    await expect(end).resolves.toEqual({ result: { answer: '{"by":"ä"}' } })
    expect(events()).toMatchObject([
      { EventType: 'CallbackStarted', CallbackStartedDetails: { CallbackId } },
      { EventType: 'CallbackSucceeded', CallbackSucceededDetails: { Result: { Payload: '{"by":"ä"}' } } },
    ])
  })

  test('times out', async () => {
    const { CallbackId, end } = await startWaiting({ timeout: 2 })
    await expect(end).resolves.toEqual({ result: { error: 'CallbackTimeoutError', message: 'Callback timed out' } })
    await expect(succeed(CallbackId)).rejects.toMatchObject(tooLate)
    expect(events()).toMatchObject([
      { CallbackStartedDetails: { Timeout: 2 } },
      {
        EventType: 'CallbackTimedOut',
        CallbackTimedOutDetails: { Error: { Payload: { ErrorType: 'Callback.Timeout' } } },
      },
    ])
  })

  test('can be completed only once', async () => {
    const { CallbackId, end } = await startWaiting()
    await succeed(CallbackId, 'first')
    await expect(succeed(CallbackId)).rejects.toMatchObject(tooLate)
    await expect(end).resolves.toEqual({ result: { answer: 'first' } })
  })

  test('is closed when its execution is stopped', async () => {
    const { CallbackId, end } = await startWaiting()
    const [latest] = running.cloud.executions({ limit: 1 })
    running.cloud.stop(latest?.arn ?? '')
    await end
    await expect(succeed(CallbackId)).rejects.toMatchObject(tooLate)
  })

  test('with an unknown id is rejected with an error of the service model', async () => {
    await expect(succeed('bm9ib2R5')).rejects.toMatchObject(invalid)
  })

  test('rejects a result of more than 256 KB', async () => {
    const { CallbackId, end } = await startWaiting({ timeout: 10 })
    await expect(succeed(CallbackId, 'x'.repeat(256 * 1024 + 1))).rejects.toMatchObject(invalid)
    await end
  })
})
