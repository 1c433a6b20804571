import { beforeEach, describe, expect, it } from '@jest/globals'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
beforeEach(() => {
  platform.states = ['busy']
})

const DAY = 'deadline=P1D'
const input = { target: 'deploy' }
const [startRun, startBlind] = ['start-run?connection=job', 'start-run?connection=blind']
const leaveRun = 'start-and-leave?connection=job'

/** Runs a task and cancels it at its first checkpoint of this name, or when it waits for a callback. */
async function runAndCancel(target: string, body: object, at: string) {
  const task = await lifecycle.accept(`${target}&${DAY}`, body)
  let response: object | undefined
  const cancelOnce = async (name: string) => {
    if (name.includes(at)) response ??= await lifecycle.command('cancel', task.id)
  }
  const ended = await lifecycle.run(task, {
    onCheckpoint: cancelOnce,
    onWait: (name) => cancelOnce(`wait for ${name}`),
  })
  return { ...ended, response }
}

describe('A canceled task', () => {
  it('stops its job, ends as aborted and answers once', async () => {
    const { response, outcome, sent, result } = await runAndCancel(startRun, { input }, 'poll RETRY')
    expect(result.getResult()).toMatchObject({ isCanceled: true })
    expect(response).toMatchObject({ status: 202, body: { state: 'running', verdict: 'running' } })
    expect(platform.runs).toMatchObject([{ stopped: true }])
    expect(outcome).toMatchObject({
      status: 'aborted',
      result: 'fail',
      message: expect.stringMatching(/^Canceled by keptn, and the job was stopped\./),
      data: { id: '1' },
    })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('differs from one whose job was canceled at the platform', async () => {
    platform.states = ['cancelled']
    const { outcome, result } = await lifecycle.run(await lifecycle.accept(startRun, { input }))
    expect(outcome).toMatchObject({ status: 'aborted' })
    expect(result.getResult()).toMatchObject({ isCanceled: false })
  })

  const passed = { status: 'succeeded', result: 'pass' }
  const aborted = { status: 'aborted', result: 'fail' }
  const stillRuns = { ...aborted, message: expect.stringContaining('still running') }
  it.each([
    ['stops a job that would keep running after its deadline', leaveRun, 'cancelled', true, aborted],
    ['keeps the result of a job that passed before it was stopped', startRun, 'done', true, passed],
    ['ends as aborted if the platform reports the stopped job as failed', startRun, 'broken', true, aborted],
    ['says that the job is still running if the platform cannot stop it', startBlind, 'cancelled', false, stillRuns],
  ])('%s', async (_, target, afterStop, stopped, expected) => {
    platform.afterStop = afterStop
    const { outcome } = await runAndCancel(target, { input }, 'poll RETRY')
    expect(platform.runs).toMatchObject([{ stopped }])
    expect(outcome).toMatchObject(expected)
  })

  it('keeps the result of a job that has ended when the platform refuses the stop', async () => {
    platform.afterStop = 'done'
    platform.failNext(409, { message: 'It has ended.' }, { on: ({ path }) => path.endsWith('/stop'), done: true })
    const { outcome, sent } = await runAndCancel(startRun, { input }, 'poll RETRY')
    expect(outcome).toMatchObject({ ...passed, message: expect.stringContaining('a stop was requested') })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('reports a job that still runs after the platform has refused the stop', async () => {
    platform.failNext(409, { message: 'Not now.' }, { on: ({ path }) => path.endsWith('/stop') })
    const { outcome } = await runAndCancel(startRun, { input }, 'poll RETRY')
    const message = expect.stringMatching(/may still be running: .*Not now\./)
    expect(outcome).toMatchObject({ ...aborted, message })
  })

  it('sends nothing more to a platform that is busy', async () => {
    platform.failNext(429, { message: 'too many' }, { on: 'POST', times: 1_000 })
    const ticket = { input: { title: 'Checkout is slow' } }
    const { outcome, sent, result } = await runAndCancel(
      'open-ticket?connection=ticket',
      ticket,
      'wait-for-retry START',
    )
    expect(result.getResult()).toMatchObject({ isCanceled: true })
    expect(platform.tickets).toEqual([])
    expect(outcome).toMatchObject({ status: 'aborted', message: expect.stringMatching(/^Canceled by keptn before/) })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('cleans up a job whose start may have reached the platform', async () => {
    platform.loseNext('POST')
    platform.failNext(503, {}, { on: 'GET', times: 3, done: true })
    const { outcome } = await runAndCancel('start-run?connection=attended', { input }, 'start RETRY')
    expect(platform.runs).toMatchObject([{ stopped: true }])
    expect(outcome).toMatchObject({ status: 'aborted' })
  })

  it('no longer waits for people, and shows this in its message', async () => {
    const { outcome, sent, result } = await runAndCancel('ask-approval?connection=chat', {}, 'wait for decision')
    expect(result.getResult()).toMatchObject({ isCanceled: true })
    expect(outcome).toMatchObject({ status: 'aborted', result: 'fail', data: { decision: 'canceled' } })
    expect(platform.messages).toMatchObject([{ texts: [expect.any(String), 'Canceled by keptn'] }])
    expect(sent).toEqual(['started', 'finished'])
  })

  it('does not ask people if it was canceled before', async () => {
    const { outcome } = await runAndCancel('ask-approval?connection=chat', {}, 'send-started START')
    expect(platform.messages).toEqual([])
    expect(outcome).toMatchObject({ status: 'aborted' })
  })

  it('is not that of another caller, nor of one that only reads it', async () => {
    const { id } = await lifecycle.accept(`start-run?connection=job&${DAY}`, { input })
    expect(await lifecycle.command('cancel', id, 'poll')).toMatchObject({ status: 404 })
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { ...callers, poll: { ...callers['poll'], reads: 'all' } })
    expect(await lifecycle.command('cancel', id, 'poll')).toMatchObject({ status: 403 })
  })
})

describe('The request of a call with /cancel', () => {
  let calls = 0
  let call: { id: string; input: object }
  beforeEach(() => {
    call = { id: `run-${++calls}`, input }
  })
  const cancel = (target: string, body: object, caller: 'poll' | 'callback' = 'poll') =>
    lifecycle.post(target.replace('?', '/cancel?'), body, { caller })

  it('cancels its task, and starts nothing', async () => {
    const target = `${startRun}&mode=interactive`
    const before = lifecycle.invocations.length
    expect(await cancel(target, call)).toMatchObject({ status: 404 })
    expect(lifecycle.invocations).toHaveLength(before)
    const { body } = await lifecycle.post(`${target}&deadline=PT5M`, call, { caller: 'poll' })
    const task = lifecycle.newest()
    expect(await cancel(target, call)).toMatchObject({ status: 202, body: { taskId: body.taskId, verdict: 'running' } })
    expect((await lifecycle.run(task)).outcome).toMatchObject({ status: 'aborted' })
    expect(await cancel(target, call)).toMatchObject({ status: 200, body: { verdict: 'aborted' } })
    expect(lifecycle.invocations).toHaveLength(before + 1)
  })

  it('cancels the newest task of a gate', async () => {
    platform.states = ['done']
    const target = `${startRun}&mode=gate&key=checkout-42`
    await lifecycle.post(target, { input }, { caller: 'poll' })
    await lifecycle.run(lifecycle.newest())
    passTime(3_700)
    platform.states = ['busy']
    const { body } = await lifecycle.post(target, { input }, { caller: 'poll' })
    expect(await cancel(target, { input })).toMatchObject({ status: 202, body: { taskId: body.taskId } })
    expect((await lifecycle.run(lifecycle.newest())).outcome).toMatchObject({ status: 'aborted' })
  })

  it('needs no URL for the result', async () => {
    lifecycle.replace('callbacks', { key: 'a-key-for-reply-addresses-of-the-tests-0123456789' })
    lifecycle.replace('orchestrators/callback', {
      type: 'callback',
      format: 'plain',
      allow: ['https://n8n.example.com/webhook-waiting/'],
    })
    const event = { ...call, callback: 'https://n8n.example.com/webhook-waiting/231' }
    const { id } = await lifecycle.accept(startRun, event, 'callback')
    const response = await cancel(`${startRun}&mode=interactive`, call, 'callback')
    expect(response).toMatchObject({ status: 202, body: { taskId: id } })
  })

  it.each([
    ['of another caller', startRun, {}, 'callback', 404],
    ['with another input', startRun, { input: { target: 'destroy' } }, 'poll', 404],
    ['with another id', startRun, { id: 'another-run' }, 'poll', 404],
    ['with another connection', startBlind, {}, 'poll', 404],
    ['with another action', leaveRun, {}, 'poll', 404],
    ['without an id', startRun, { id: undefined }, 'poll', 400],
    ['that is silent', `${startRun}&mode=silent`, {}, 'poll', 400],
    ['of an unknown action', 'start-walk?connection=job', {}, 'poll', 404],
  ] as const)('%s cancels nothing', async (_, target, change, caller, status) => {
    lifecycle.replace('orchestrators/callback', { type: 'callback', format: 'plain', url: 'https://n8n.example.com/x' })
    await lifecycle.post(`${startRun}&mode=interactive&deadline=PT5M`, call, { caller: 'poll' })
    const withMode = target.includes('mode=') ? target : `${target}&mode=interactive`
    expect(await cancel(withMode, { ...call, ...change }, caller)).toMatchObject({ status })
    platform.states = ['done']
    expect((await lifecycle.run(lifecycle.newest())).outcome).toMatchObject({ result: 'pass' })
  })
})
