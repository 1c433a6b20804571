import { describe, expect, it } from '@jest/globals'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

const target = 'start-run?connection=delegated'
const event = { input: { target: 'deploy' } }
const posts = () => platform.calls.filter(({ method }) => method === 'POST').length

it('A delegated job is refused for a caller whose orchestrator would get no answer', async () => {
  const body = { id: 'run-1', ...event }
  for (const mode of ['interactive', 'gate'])
    expect(await lifecycle.post(`${target}&mode=${mode}`, body, { caller: 'poll' })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('but not to the orchestrator of the caller poll') },
    })
  expect(platform.calls).toEqual([])
})

describe('A task that is delegated to a platform that sends its finished event', () => {
  it('sends started and no finished event, and does not poll', async () => {
    const { sent, outcome } = await lifecycle.call(target, event)
    expect(sent).toEqual(['started'])
    expect(outcome?.message).toContain('Fake sends the finished event itself')
    expect(platform.calls).toHaveLength(1)
  })

  it('sends no finished event and does not retry if the platform may have accepted it', async () => {
    platform.loseNext('POST')
    const { sent, outcome } = await lifecycle.call(target, event)
    expect(sent).toEqual(['started'])
    expect(outcome?.message).toContain('so none was sent')
    expect(posts()).toBe(1)
  })

  it('sends no finished event after a success with an unexpected body', async () => {
    platform.replaceNext(({ method }) => method === 'POST', '<html>login</html>')
    expect((await lifecycle.call(target, event)).sent).toEqual(['started'])
    expect(posts()).toBe(1)
  })

  it('sends finished itself if the platform refuses', async () => {
    platform.failNext(409, { message: 'the study is already running' }, { on: 'POST' })
    const { sent, outcome } = await lifecycle.call(target, event)
    expect(sent).toEqual(['started', 'finished'])
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('already running') })
  })

  it('sends finished itself if the platform is unavailable until the deadline', async () => {
    platform.failNext(429, { message: 'slow down' }, { on: 'POST', times: 1_000 })
    const { sent, outcome } = await lifecycle.call(`${target}&deadline=PT5M`, event)
    expect(sent).toEqual(['started', 'finished'])
    expect(outcome).toMatchObject({
      status: 'errored',
      message: expect.stringContaining('Gave up at the deadline of 5 min'),
    })
    expect(posts()).toBeGreaterThan(1)
    expect(platform.runs).toEqual([])
  })

  it('sends nothing in a dry run', async () => {
    const { status, body } = await lifecycle.post(`${target.replace(/&sendStarted=\w+/, '')}&dryRun=true`, event)
    expect({ status, body }).toMatchObject({ status: 200, body: { message: expect.stringContaining('Dry run') } })
    expect(platform.calls).toEqual([])
  })

  it.each([
    ['before the delegation', 'send-started SUCCEED', ['started', 'finished']],
    ['during the delegation', 'start START', ['started']],
    ['after the delegation', 'start SUCCEED', ['started']],
  ])('is finished at most once if Lambda ends it %s', async (_when, checkpoint, sent) => {
    const task = await lifecycle.accept(target, event)
    const { arn } = await lifecycle.run(task, { interruption: { checkpoint, isRecorded: true, effect: 'end' } })
    expect(await lifecycle.finish(arn)).toMatchObject({ finished: sent.includes('finished') })
    expect(lifecycle.sentFor(task)).toEqual(sent)
  })

  it('is finished at most once if Lambda ends it during its second attempt to delegate', async () => {
    const runRefusedOnce = async (checkpoint?: number) => {
      platform.failNext(429, { message: 'slow down' }, { on: 'POST' })
      const task = await lifecycle.accept(target, event)
      const interruption =
        checkpoint === undefined ? undefined : { checkpoint, isRecorded: true, effect: 'end' as const }
      return { task, ...(await lifecycle.run(task, { interruption })) }
    }
    const { checkpoints } = await runRefusedOnce()
    const secondStart = checkpoints.findLastIndex((name) => name.includes('start START'))
    // The first attempt was recorded, and another one has started.
    expect(checkpoints.slice(0, secondStart)).toContain('start SUCCEED')
    const { task, arn } = await runRefusedOnce(secondStart)
    expect(await lifecycle.finish(arn)).toMatchObject({ finished: false })
    expect(lifecycle.sentFor(task)).toEqual(['started'])
  })

  it('rejects a silent call, for which its caller would send a second finished event', async () => {
    expect(await lifecycle.post(target, event)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('Call it with ?mode=interactive') },
    })
    expect(platform.calls).toEqual([])
  })
})
