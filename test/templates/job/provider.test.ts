import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { clientOf, failureOf, keyOf } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'
import { acme } from './provider.ts'
import { type AcmeServer, startAcme } from './server.ts'

let server: AcmeServer
beforeEach(async () => {
  server = await startAcme()
})
afterEach(() => server.close())

const actions = {
  start: startJob({ summary: 'Starts', silent: 'answers' }),
  stop: stopJob({ summary: 'Stops' }),
}
const job = new Job(acme, actions, () => ({ baseUrl: server.url, token: server.token }))
const input = { target: 'report', parameters: { month: '2026-11' } }

describe('A run of Acme', () => {
  test('is started and returns its URL', async () => {
    const { outcome } = await job.start(input)
    expect(outcome.data).toMatchObject({ id: '1', url: 'https://acme.example.com/runs/1' })
    expect(server.calls.at(-1)?.body).toEqual({ arguments: { month: '2026-11' }, ref: keyOf(1) })
  })

  test('is started once: a retry finds it', async () => {
    server.loseNext('POST')
    expect(await failureOf(job.start(input))).toMatchObject({ mayHaveWritten: true })
    expect((await job.start(input, { isRetry: true })).outcome.data).toMatchObject({ id: '1' })
    expect(server.runs).toHaveLength(1)
  })

  test('is polled until it ends, with its progress', async () => {
    const started = await job.start(input)
    expect(await job.poll(started, input)).toMatchObject({ status: 'queued' })
    server.become('1', { status: 'running', progress: 'page 2 of 5' })
    expect(await job.poll(started, input)).toMatchObject({ status: 'running', progress: 'page 2 of 5' })
    server.become('1', { status: 'a-new-word' })
    expect(await job.poll(started, input)).toMatchObject({ status: expect.stringContaining('a-new-word') })
  })

  test.each([
    ['succeeded', { status: 'succeeded', result: 'pass' }],
    ['partial', { status: 'succeeded', result: 'warning' }],
    ['failed', { status: 'succeeded', result: 'fail' }],
    ['lost', { status: 'errored', result: 'fail' }],
    ['cancelled', { status: 'aborted', result: 'fail' }],
  ])('with status %s ends as %j', async (status, ended) => {
    const started = await job.start(input)
    server.become('1', { status, error: { message: 'no paper' }, results: { pages: 5 } })
    const outcome = await job.end(started, input)
    expect(outcome).toMatchObject({ ...ended, data: { results: { pages: 5 } } })
    if (status === 'failed') expect(outcome.message).toContain('no paper')
  })

  test('is compared with thresholds', async () => {
    const limited = { ...input, thresholds: [{ metric: 'pages', op: '>', value: 10 }] }
    const started = await job.start(limited)
    server.become('1', { status: 'succeeded', results: { pages: 5 } })
    expect(await job.end(started, limited)).toMatchObject({ status: 'succeeded', result: 'fail' })
  })

  test('is stopped', async () => {
    await job.start(input)
    expect(await job.stop({ id: '1' })).toMatchObject({ result: 'pass' })
    expect(server.runs).toMatchObject([{ status: 'cancelled' }])
  })

  test('of a job that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(job.start({ target: 'not/there' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('there is no job') })
  })

  test('rejects input that Acme does not support', async () => {
    const failure = await failureOf(job.start({ ...input, ref: 'main' }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('input.ref is not supported') })
  })
})

describe('Acme', () => {
  test.each([
    [422, 'refused'],
    [401, 'credentials'],
    [503, 'platform'],
  ])('reports the status %s as a failure of kind %s with its reason', async (status, kind) => {
    server.failNext(status, { message: 'not today' })
    expect(await failureOf(job.start(input))).toMatchObject({ kind, message: expect.stringContaining('not today') })
  })

  test('is polled again if it is down or its response does not match', async () => {
    const started = await job.start(input)
    server.failNext(200, '<html>')
    expect(await failureOf(job.poll(started, input))).toMatchObject({ transient: true })
    server.down()
    expect(await failureOf(job.poll(started, input))).toMatchObject({ transient: true })
  })

  test('masks its token in messages', async () => {
    server.failNext(422, { message: `no ${server.token}` })
    expect((await failureOf(job.start(input))).message).toContain('no ***')
  })

  test('has a connection test that checks its credentials', async () => {
    await acme.check(job.client())
    const wrong = clientOf(acme, { baseUrl: server.url, token: 'another-token-0123456789' })
    expect(await failureOf(Promise.resolve(acme.check(wrong)))).toMatchObject({ kind: 'credentials' })
  })
})
