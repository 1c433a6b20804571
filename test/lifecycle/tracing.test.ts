import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { withDurableExecution } from '@aws/durable-execution-sdk-js'
import { expect, test } from '@jest/globals'
import { stepSpans } from '../../shared/tracing.ts'
import { LocalDurableTestRunner, startRunner, stopRunner } from './runner.ts'

test('X-Ray: each attempt of a step is a span', async () => {
  const daemon = createSocket('udp4').bind(0, '127.0.0.1')
  await once(daemon, 'listening')
  const names: string[] = []
  daemon.on('message', (message) => names.push(JSON.parse(String(message).split('\n')[1] ?? '').name))
  Object.assign(process.env, {
    WEBHOOKS_TRACING: 'true',
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
    _X_AMZN_TRACE_ID: 'Root=1-a;Parent=b;Sampled=1',
  })
  const handler = withDurableExecution(
    async (_event: unknown, context) => {
      const retryStrategy = (_error: unknown, attempt: number) => ({ shouldRetry: attempt < 2, delay: { seconds: 1 } })
      const fail = async ({ attempt }: { attempt: number }) => {
        if (attempt < 2) throw new Error('again')
      }
      await context.step('start', fail, { retryStrategy })
      await context.step('send-finished', async () => true)
    },
    { plugins: [stepSpans] },
  )
  await startRunner()
  try {
    await new LocalDurableTestRunner({ handlerFunction: handler }).run({ payload: {} })
  } finally {
    await stopRunner()
  }
  while (names.length < 3) await once(daemon, 'message')
  daemon.close()
  expect(names).toEqual(['start', 'start', 'send-finished'])
})
