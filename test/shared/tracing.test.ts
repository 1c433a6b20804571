import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals'
import { serve } from '../../infra/testing/loopback-server.ts'
import { Http } from '../../shared/http/client.ts'
import { stepSpans } from '../../shared/tracing.ts'

const daemon = createSocket('udp4').bind(0, '127.0.0.1')
await once(daemon, 'listening')
const platform = await serve(() => ({ status: 404, body: {} }))
afterAll(async () => {
  daemon.close()
  await platform.close()
})
const saved = { ...process.env }
beforeEach(() => {
  Object.assign(process.env, {
    WEBHOOKS_TRACING: 'true',
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
    _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0',
  })
})
afterEach(() => {
  process.env = { ...saved }
})

async function nextSpan(): Promise<Record<string, unknown>> {
  const [message] = await once(daemon, 'message')
  const [header, document = ''] = String(message).split('\n')
  expect(header).toBe('{"format":"json","version":1}')
  return JSON.parse(document)
}

const get = () => new Http({ platform: 'Acme', baseUrl: platform.url }).get('a-path?token=t', { accept: [404] })

test('a request to a platform is a span of the trace, without its path', async () => {
  const span = nextSpan()
  await get()
  const { host } = new URL(platform.url)
  expect(await span).toEqual({
    type: 'subsegment',
    trace_id: '1-5759e988-bd862e3fe1be46a994272793',
    parent_id: '53995c3f42cd8ad8',
    id: expect.stringMatching(/^[\da-f]{16}$/),
    name: host,
    start_time: expect.any(Number),
    end_time: expect.any(Number),
    namespace: 'remote',
    http: { response: { status: 404 } },
    fault: false,
    error: true,
  })
})

test('a step that fails is a span with a fault', async () => {
  const span = nextSpan()
  const failed = Promise.reject(new Error('no'))
  expect(stepSpans.wrapOperationAttemptFn({ name: 'send-finished' }, () => failed)).toBe(failed)
  await expect(failed).rejects.toThrow('no')
  expect(await span).toMatchObject({ name: 'send-finished', fault: true })
})

test.each([
  ['tracing is off', { WEBHOOKS_TRACING: '' }],
  ['X-Ray does not sample the invocation', { _X_AMZN_TRACE_ID: 'Root=1-a;Parent=b;Sampled=0' }],
  ['the daemon cannot be reached', { AWS_XRAY_DAEMON_ADDRESS: 'not-an-address' }],
])('requests work and have no span if %s', async (_what, variables) => {
  Object.assign(process.env, variables)
  const spans: unknown[] = []
  const listener = (message: unknown) => spans.push(message)
  daemon.on('message', listener)
  await get()
  // A span that was sent would arrive before this one.
  const last = once(daemon, 'message')
  createSocket('udp4').unref().send('last', daemon.address().port, '127.0.0.1')
  await last
  daemon.off('message', listener)
  expect(spans.map(String)).toEqual(['last'])
})
