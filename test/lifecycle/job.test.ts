import { describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/testing/loopback-server.ts'
import { withLogLines } from '../log-lines.ts'
import { waitForAll } from '../wait-for-all.ts'
import type { ExecutionOptions } from './execution.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

const input = { target: 'deploy' }
const passed = { status: 'succeeded', result: 'pass' }
const failed = { status: 'succeeded', result: 'fail' }
const errored = { status: 'errored', result: 'fail' }
const says = (pattern: RegExp) => ({ message: expect.stringMatching(pattern) })
const isPoll = ({ method, path }: Call) => method === 'GET' && /^\/runs\/\d/.test(path)
const isStop = ({ path }: Call) => path.endsWith('/stop')

/** Runs a task that starts a job and stops it at its deadline. */
const run = (query = '', provider = 'job', action = 'start-run', options: ExecutionOptions = {}) =>
  lifecycle.call(`${action}?connection=${provider}${query}`, { input }, options)

describe('A task that starts a job', () => {
  it.each([
    ['done', passed],
    ['broken', failed],
    ['cancelled', { status: 'aborted', result: 'fail' }],
  ])('polls the job until it ends as %s, and sends one result with this verdict', async (state, verdict) => {
    platform.states = ['queued', 'busy', state]
    const { status, outcome, sent, events } = await run()
    expect({ status, outcome, sent }).toMatchObject({
      status: 'SUCCEEDED',
      outcome: { ...verdict, data: { id: '1' } },
      sent: ['started', 'finished'],
    })
    expect(events.at(-1)?.data).toMatchObject(verdict)
    expect(platform.runs).toHaveLength(1)
  })

  it.each([
    ['the job has an unknown state at first', () => (platform.states = ['a-new-state', 'done'])],
    ['the platform is down at first', () => platform.failNext(503, { message: 'no' }, { on: 'POST', times: 4 })],
    ['the response to its start is lost', () => platform.loseNext('POST')],
    ['its start fails with 500', () => platform.failNext(500, { message: 'no' }, { on: 'POST', done: true })],
    [
      'polls fail',
      () => {
        platform.states = ['busy', 'done']
        for (const status of [500, 429, 401, 404]) platform.failNext(status, { message: 'not now' }, { on: isPoll })
        platform.failNext(200, '<html>login</html>', { on: isPoll })
      },
    ],
    [
      'its credentials are refused for a while',
      () => {
        platform.states = ['busy', 'done']
        // Each poll reads the secret again, and repeats its request.
        platform.failNext(401, { message: 'expired' }, { on: isPoll, times: 40 })
      },
    ],
    [
      'polls are refused, but not five in a row',
      () => {
        platform.states = [...Array(4).fill('busy'), 'done']
        let polls = 0
        const isRefused = (call: Call) => isPoll(call) && ++polls % 4 !== 0
        platform.failNext(404, { message: 'no such run' }, { on: isRefused, times: 12 })
      },
    ],
  ])('passes with one job although %s', async (_what, arrange) => {
    arrange()
    expect((await run()).outcome).toMatchObject(passed)
    expect(platform.runs).toHaveLength(1)
  })

  it('sends progress at most once a minute if it is requested, with the fields of the event', async () => {
    platform.states = [...Array(15).fill(['queued', 'busy']).flat(), 'done']
    const startedAt = Date.now()
    const { sent, events } = await run('&progress=true')
    const minutes = (Date.now() - startedAt) / 60_000
    const progress = sent.filter((kind) => kind === 'status.changed').length
    expect(sent).toEqual(['started', ...Array(progress).fill('status.changed'), 'finished'])
    expect(progress).toBeGreaterThan(1)
    expect(progress).toBeLessThanOrEqual(minutes + 1)
    const data = { project: 'shop', stage: 'production', service: 'checkout', message: expect.any(String) }
    expect(events[1]?.data).toMatchObject(data)
  })

  it('ends with the refusal of the platform', async () => {
    platform.failNext(422, { message: 'deploy is locked' }, { on: 'POST' })
    const { outcome, sent } = await run()
    expect(outcome).toMatchObject({ ...errored, ...says(/deploy is locked/) })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('gives up at the deadline if the platform stays down, and names its last response', async () => {
    platform.failNext(503, { message: 'maintenance' }, { on: 'POST', times: 10_000 })
    const { outcome, sent } = await run('&deadline=PT10M')
    expect(outcome).toMatchObject({ ...errored, ...says(/maintenance.* deadline of 10 min/s) })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('polls a job for two hours, also after a crash, and sends one result', async () => {
    platform.states = ['busy']
    const endsAt = Date.now() + 2 * 3_600_000
    const options: ExecutionOptions = {
      interruption: { checkpoint: 200, isRecorded: false, effect: 'crash' },
      async onCheckpoint() {
        if (Date.now() > endsAt) Object.assign(platform.runs[0] ?? {}, { states: ['done'] })
      },
    }
    const { outcome, sent } = await run('&deadline=PT6H', 'job', 'start-run', options)
    expect(outcome).toMatchObject(passed)
    expect(sent).toEqual(['started', 'finished'])
    // After a fifth of the elapsed time, at least once a minute. The crash may reset the elapsed time.
    const polls = platform.calls.filter(isPoll).length
    expect(polls).toBeGreaterThan(120)
    expect(polls).toBeLessThan(180)
    expect(Date.now() - endsAt).toBeLessThan(2 * 60_000)
  })

  it('starts one run and sends one result for each of a hundred calls, ten at once', async () => {
    platform.states = ['busy', 'done']
    // More at once would take longer than the webhook waits for a response of AWS.
    const completed: Awaited<ReturnType<typeof run>>[] = []
    while (completed.length < 100) completed.push(...(await waitForAll(Array.from({ length: 10 }, () => run()))))
    const ends = completed.map(({ outcome, sent }) => ({ outcome, sent }))
    const end = { outcome: passed, sent: ['started', 'finished'] }
    expect(ends).toMatchObject(ends.map(() => end))
    expect(new Set(ends.map(({ outcome }) => outcome?.data?.['id'])).size).toBe(100)
    expect(platform.runs).toHaveLength(100)
  })

  it('starts no second job if a lost response cannot be looked up', async () => {
    platform.loseNext('POST')
    const { outcome } = await run('', 'blind')
    expect(outcome).toMatchObject(errored)
    expect(platform.runs).toHaveLength(1)
  })

  it('starts no second job after a success with an unexpected body', async () => {
    const statuses = platform.replaceNext(({ method }) => method === 'POST', '<html>login</html>')
    const { outcome } = await run('', 'blind')
    expect(outcome).toMatchObject(errored)
    expect(statuses).toHaveLength(1)
  })

  it('runs once more under the same key and finds what the first run started', async () => {
    const payload = await lifecycle.accept('start-run?connection=job', { input })
    await lifecycle.run(payload)
    const { outcome } = await lifecycle.run(payload)
    expect(outcome).toMatchObject(passed)
    expect(platform.runs).toHaveLength(1)
  })

  it('ends after five polls that the platform refuses, with the last status of the job', async () => {
    platform.states = ['busy']
    let polls = 0
    const isGone = (call: Call) => isPoll(call) && ++polls > 1
    platform.failNext(404, { message: 'no such run' }, { on: isGone, times: 1_000 })
    const { outcome } = await run('', 'job', 'start-and-leave')
    expect(outcome).toMatchObject({
      status: 'errored',
      message: expect.stringMatching(/no longer reports this job\. Its last reported status was busy; .*no such run/),
      data: { state: 'busy' },
    })
    expect(polls).toBe(6)
  })

  it('continues when the key of its seal is replaced, as a task of an earlier version without a seal does', async () => {
    const payload = await lifecycle.accept('start-run?connection=job', { input })
    const identity = lifecycle.secrets.get('cloud-automation-webhooks/identity')
    platform.states = ['busy', 'done']
    const onCheckpoint = async () =>
      lifecycle.replace('identity', { key: 'another-identity-key-0123456789-0123456789' })
    const interruption = { checkpoint: 'start SUCCEED', isRecorded: true, effect: 'crash' } as const
    expect((await lifecycle.run(payload, { onCheckpoint, interruption })).outcome).toMatchObject(passed)
    lifecycle.replace('identity', identity)
  })

  it('is accepted with the previous key', async () => {
    const payload = await lifecycle.accept('start-run?connection=job', { input })
    const identity = lifecycle.secrets.get('cloud-automation-webhooks/identity') as { key: string }
    lifecycle.store('identity', { key: 'another-identity-key-0123456789-0123456789', previousKey: identity.key })
    expect((await lifecycle.run(payload)).outcome).toMatchObject(passed)
    lifecycle.replace('identity', identity)
  })

  it('sends nothing to the platform in a dry run', async () => {
    const event = { ...triggered(), input: { target: 'deploy' } }
    const { status, body } = await lifecycle.post('start-run?connection=job&dryRun=true', event)
    expect({ status, body }).toMatchObject({ status: 200, body: passed })
    expect(platform.calls.filter(({ method }) => method !== 'GET')).toEqual([])
  })

  it.each([
    ['pass', 'pass'],
    ['warning', 'warning'],
    ['fail', 'warning'],
  ])('does nothing if `when` does not match, and does not improve the result %s', async (sofar, result) => {
    const when = ['pass', 'warning', 'fail'].filter((one) => one !== sofar).join()
    const event = { data: { ...triggered().data, result: sofar }, input: { target: 'deploy' } }
    const { outcome } = await lifecycle.call(`start-run?connection=job&when=${when}`, event)
    expect(outcome).toMatchObject({ status: 'succeeded', result, message: expect.stringContaining('Skipped') })
    expect(platform.calls).toEqual([])
  })
})

describe('At the deadline', () => {
  const stopRequested = says(/^The deadline of 5 min passed, and a stop was requested\. /)
  const left = says(/deadline of 5 min passed, and the job was left running.*busy/s)

  it.each<[what: string, afterStop: string, outcome: object]>([
    ['is stopped', 'cancelled', { ...errored, ...says(/^The deadline of 5 min passed, and the job was stopped\. /) }],
    ['that does not stop is reported with its last status', 'busy', { ...errored, data: { state: 'busy' } }],
    ['that passes while it is stopped keeps its result', 'done', { ...stopRequested, ...passed }],
    ['that fails while it is stopped keeps its result', 'broken', { ...stopRequested, ...failed }],
  ])('a job %s', async (_what, afterStop, outcome) => {
    Object.assign(platform, { states: ['busy'], afterStop })
    expect(await run('&deadline=PT5M')).toMatchObject({ outcome, sent: ['started', 'finished'] })
    expect(platform.runs).toMatchObject([{ stopped: true }])
  })

  it.each<[what: string, state: string, outcome: object, provider: string, action: string]>([
    ['that its action leaves', 'busy', { ...left, data: { state: 'busy' } }, 'job', 'start-and-leave'],
    ['with an unknown state', 'paused', says(/status was paused \(unknown state\)\./), 'job', 'start-and-leave'],
    ['of a platform that cannot stop it', 'busy', {}, 'blind', 'start-run'],
  ])('a job %s keeps running, and does not pass', async (_what, state, outcome, provider, action) => {
    platform.states = [state]
    expect((await run('&deadline=PT5M', provider, action)).outcome).toMatchObject({ ...errored, ...outcome })
    expect(platform.runs).toMatchObject([{ stopped: false }])
  })

  it('a stop request that fails for a moment is repeated', async () => {
    platform.states = ['busy']
    platform.failNext(503, { message: 'maintenance' }, { on: isStop, times: 2 })
    await run('&deadline=PT5M')
    expect(platform.runs).toMatchObject([{ stopped: true }])
  })

  it('a stop request that is refused is reported with its reason', async () => {
    platform.states = ['busy']
    platform.failNext(403, { message: 'you may not stop it' }, { on: isStop, times: 100 })
    const { outcome } = await run('&deadline=PT5M')
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('you may not stop it') })
  })
})

describe('A job that must not outlive its task', () => {
  /** Starts a run, but neither its response nor a search arrives until the deadline. */
  async function abandonStart() {
    const isSearch = ({ path, method }: Call) =>
      path === '/runs' && method === 'GET' && platform.runs.length > 0 && Date.now() < deadline
    const deadline = Date.now() + 120_000
    platform.loseNext('POST')
    platform.failNext(503, { message: 'maintenance' }, { on: isSearch, done: true, times: 10_000 })
    const { outcome, operations, checkpoints } = await run('&deadline=PT2M', 'attended')
    expect(outcome).toMatchObject(errored)
    return { message: outcome?.message, operations, checkpoints }
  }

  it('is cleaned up twice if its start was abandoned', async () => {
    const { operations } = await abandonStart()
    expect(platform.runs).toMatchObject([{ stopped: true }])
    expect(platform.calls.filter(isStop)).toHaveLength(2)
    // Running tasks replay this order.
    const steps = ['send-started', 'start', 'cleanup', 'in-flight-grace', 'cleanup-again', 'send-finished']
    expect(operations).toEqual(steps.map((step) => `${step} SUCCEEDED`))
  })

  it('is reported as possibly still running if both cleanups are refused for hours', async () => {
    platform.failNext(403, { message: 'you may not stop it' }, { on: isStop, times: 10_000 })
    const { result, lines } = await withLogLines(abandonStart)
    const { message, checkpoints } = result
    expect(message).toMatch(/The cleanup failed, so something may still be running: .* you may not stop it/)
    const retries = (step: string) => checkpoints.filter((checkpoint) => checkpoint.endsWith(`${step} RETRY`)).length
    expect([retries('cleanup'), retries('cleanup-again')]).toEqual([199, 199])
    // Each attempt logs a warning, and each cleanup an error with the text of the first step.
    const logged = (text: string) => lines.filter((line) => line.includes(`"${text}"`)).length
    expect(['cleanup', 'cleanup-again'].map((step) => logged(`${step} failed`))).toEqual([202, 200])
  })

  it.each([
    [401, 5],
    [403, 2],
    [503, 20],
  ])('is stopped at the deadline after the platform refused to stop it with %i for %i times', async (status, times) => {
    platform.states = ['busy']
    platform.failNext(status, { message: 'not now' }, { on: isStop, times })
    const { outcome } = await run('&deadline=PT5M', 'attended')
    expect(outcome).toMatchObject(errored)
    expect(platform.runs).toMatchObject([{ stopped: true }])
  })

  it('is stopped if the platform does not report it any longer', async () => {
    platform.states = ['busy']
    platform.failNext(404, { message: 'no such run' }, { on: isPoll, times: 10_000 })
    const { outcome } = await run('', 'attended')
    expect(outcome).toMatchObject(errored)
    expect(platform.runs).toMatchObject([{ stopped: true }])
  })
})
