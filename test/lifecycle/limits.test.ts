import { beforeEach, describe, expect, it } from '@jest/globals'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()

/** Lets the caller make one call in each minute, and starts a new minute. */
beforeEach(() => {
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
  lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], callsPerMinute: 1 } })
})

const open = (event: object, query: string) => lifecycle.post(`open-ticket?connection=ticket${query}`, event)
const ticket = (title = 'Checkout is slow') => ({ ...triggered(), input: { title } })

describe('A caller that has reached its limit', () => {
  it.each([
    ['an interactive call', '&mode=interactive&sendStarted=true', [202, 202, 429], { duplicate: true }],
    ['a silent call', '', [200, 200, 429], { data: { id: expect.any(String) } }],
    ['a skipped call', '&mode=interactive&when=fail', [202, 202, 429], { duplicate: true }],
    ['a gate', '&mode=gate&key=promotion', [200, 200, 429], { state: 'running' }],
  ])('gets the result of %s that was accepted, and 429 for another one', async (_, query, statuses, body) => {
    const event = ticket()
    const first = await open(event, query)
    const started = lifecycle.invocations.length
    const repeat = await open(event, query)
    const other = await open(ticket('Cart is slow'), query)
    expect([first.status, repeat.status, other.status]).toEqual(statuses)
    expect(repeat.body).toMatchObject(body)
    expect(lifecycle.invocations).toHaveLength(started)
  })

  it('gets the outcome of a gate whose task has ended', async () => {
    const event = ticket()
    const ask = () => open(event, '&mode=gate&key=release')
    expect(await ask()).toMatchObject({ body: { state: 'running' } })
    await lifecycle.run(lifecycle.newest())
    expect(await ask()).toMatchObject({ status: 200, body: { verdict: 'pass' } })
    passTime(3_700)
    await open(ticket('Cart is slow'), '')
    expect(await ask()).toMatchObject({ status: 429 })
  })

  it('gets 429 for a call without an id and for one that is not valid', async () => {
    await open(ticket(), '')
    expect(await open({ ...ticket(), id: undefined }, '')).toMatchObject({ status: 429 })
    expect(await open(ticket(), '&dryRun=true')).toMatchObject({ status: 429 })
    expect(await open({ ...triggered(), input: { nonsense: 1 } }, '')).toMatchObject({ status: 429 })
  })

  it('cannot send results again, each of which is tried for a day', async () => {
    const { id } = await lifecycle.call('open-ticket?connection=ticket', ticket())
    expect(await lifecycle.command('answer', id)).toMatchObject({ status: 429 })
    passTime(60)
    const answers = () => lifecycle.invocations.filter(({ payload }) => payload.only === 'answer').length
    expect([(await lifecycle.command('answer', id)).status, answers()]).toEqual([202, 1])
  })

  it('gets the task that runs another one again, and starts no second one', async () => {
    platform.states = ['failed']
    const { id } = await lifecycle.call('start-run?connection=job', { ...triggered(), input: { target: 'deploy' } })
    passTime(60)
    const rerun = () => lifecycle.command('rerun', id)
    const first = await rerun()
    expect(first).toMatchObject({ status: 202, body: { duplicate: false } })
    expect(await rerun()).toMatchObject({ status: 202, body: { taskId: first.body.taskId, duplicate: true } })
  })
})
