import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { log } from '../../shared/log.ts'
import { registerSecret } from '../../shared/redact.ts'

let lines: Record<string, unknown>[]
const { write } = process.stdout

beforeEach(() => {
  lines = []
  process.stdout.write = (chunk: string | Uint8Array) => {
    lines.push(JSON.parse(String(chunk)))
    return true
  }
})
afterEach(() => {
  process.stdout.write = write
  log.resetKeys()
  delete process.env['WEBHOOKS_LOG_LEVEL']
})

it('A log line is one JSON object with level, message, time, keys and fields', () => {
  const timestamp = expect.stringMatching(/^\d{4}-.*Z$/)
  log.appendKeys({ taskId: 't' })
  log.info('request', { status: 200, text: 'two\nlines' })
  log.resetKeys()
  log.warn('alone')
  expect(lines).toEqual([
    { level: 'INFO', message: 'request', timestamp, taskId: 't', status: 200, text: 'two\nlines' },
    { level: 'WARN', message: 'alone', timestamp: expect.any(String) },
  ])
})

it('An error is logged with its causes, even if they are circular, and without secrets', () => {
  registerSecret('a-secret-in-an-error')
  const inner = new TypeError('holds a-secret-in-an-error')
  const outer = new Error('outer', { cause: inner })
  inner.cause = outer
  log.error('failed', outer)
  const cause = { name: 'TypeError', message: 'holds ***' }
  expect(lines).toMatchObject([{ error: { name: 'Error', message: 'outer', stack: expect.any(String), cause } }])
  expect(JSON.stringify(lines)).not.toContain('a-secret-in-an-error')
})

it('Lines below the log level of the deployment are omitted', () => {
  process.env['WEBHOOKS_LOG_LEVEL'] = 'WARN'
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level)
  expect(lines.map(({ level }) => level)).toEqual(['WARN', 'ERROR'])
})

it('A line that an alarm counts is written at any log level', () => {
  Object.assign(process.env, { WEBHOOKS_LOG_LEVEL: 'ERROR', WEBHOOKS_METRICS_NAMESPACE: 'A stack' })
  log.warn('call contains a stored credential', { secretInInput: true })
  delete process.env['WEBHOOKS_METRICS_NAMESPACE']
  expect(lines).toMatchObject([{ level: 'WARN', SecretsInInput: 1 }])
})
