import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { auditDirectCall, handleDirectCall } from '../../shared/core/direct/handler.ts'
import { handleSourceCall } from '../../shared/core/direct/source-call.ts'
import { stopsHandler } from '../../shared/core/operate-stops.ts'
import { changeStops, readStops } from '../../shared/core/stops.ts'
import { hmacHex } from '../../shared/hmac.ts'
import type { Stop } from '../../shared/policy/kinds/stop.ts'
import { AWS_SOURCE } from '../../shared/sources/declared.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { getStops, replaceStops } from '../../shared/state/stops.ts'
import { remove } from '../../shared/state/table.ts'
import { type CompletedTask, triggered } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const IDENTITY_KEY = 'an-identity-key-of-the-tests-0123456789'
const START = 'start-run?connection=job&deadline=PT2H'
const TICKET = 'open-ticket?connection=ticket'
const input = { target: 'deploy' }
const ticket = () => ({ ...triggered(), input: { title: 'Broken' } })
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as unknown as Context

const jane = { id: 'incident', reason: 'bad release', by: 'jane@example.com', at: 0 }
const stop = (more: Partial<Stop> = {}) => changeStops(() => [{ ...jane, ...more }])
const refuse = () => stop({ refuse: true })
const resume = () => changeStops(() => [])
const STOPPED =
  'Stopped by jane@example.com: bad release. Nothing was started. Send the call again when the stop is lifted.'
const post = (target: string, event: object) => lifecycle.post(`${target}&mode=interactive`, event)
const call = (target: string, more: object) => lifecycle.call(target, more)

beforeEach(async () => {
  platform.states = ['done']
  await resume()
})

describe('A stop that refuses calls', () => {
  it('refuses a new interactive call with 503 before it is accepted, and accepts it after the stop', async () => {
    const event = { ...triggered(), input }
    await refuse()
    const started = lifecycle.invocations.length
    const path = START.split('?', 1)[0] ?? ''
    const { statusCode, headers } = await lifecycle.request('POST', path, {
      headers: { ...lifecycle.authorization('keptn'), 'content-type': 'application/json' },
      multiValueQueryStringParameters: { connection: ['job'], mode: ['interactive'] },
      body: JSON.stringify(event),
    })
    expect([statusCode, headers?.['retry-after']]).toEqual([503, '60'])
    expect((await post(START, event)).body).toMatchObject({ title: 'Stopped', detail: STOPPED })
    expect(lifecycle.invocations).toHaveLength(started)
    await resume()
    expect((await post(START, event)).status).toBe(202)
  })

  it('refuses to run a task again', async () => {
    platform.states = ['broken']
    const { id } = await call(START, { input })
    await refuse()
    expect(await lifecycle.command('rerun', id)).toMatchObject({ status: 503, body: { title: 'Stopped' } })
    await stop()
    expect((await lifecycle.command('rerun', id)).status).toBe(202)
  })

  it('accepts calls while the stops cannot be read: their tasks wait', async () => {
    const table = process.env['WEBHOOKS_STATE_TABLE']
    passTime(61)
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    try {
      expect((await post(START, { ...triggered(), input })).status).toBe(202)
    } finally {
      process.env['WEBHOOKS_STATE_TABLE'] = table
    }
  })

  it('ends the state of a state machine with the name of the error, and that of a function that invokes a task', async () => {
    await refuse()
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers')
    lifecycle.replace('callers', { direct: { categories: ['testing'] } })
    const payload = { action: 'start-run', connection: 'job', taskToken: 't', id: 'a', input }
    const stopped = { name: 'Webhooks.Stopped', message: STOPPED }
    await expect(handleDirectCall(category, payload, context)).rejects.toMatchObject(stopped)
    const silent = { action: 'open-ticket', connection: 'ticket', input: { title: 'Broken' } }
    await expect(handleDirectCall(category, silent, context)).rejects.toMatchObject(stopped)
    const { result } = await lifecycle.invoke({ action: 'start-run', connection: 'job', caller: 'direct', input })
    expect(JSON.stringify(result.getError())).toContain('Webhooks.Stopped')
    lifecycle.replace('callers', callers)
  })
})

describe('A silent call that starts a task', () => {
  const START_TASK = 'start-run?connection=attended'

  it('gets 503 during each stop, as its response would say that the action has started', async () => {
    const event = { ...triggered(), input }
    const started = lifecycle.invocations.length
    await stop()
    expect(await lifecycle.post(START_TASK, event)).toMatchObject({ status: 503, body: { detail: STOPPED } })
    expect(lifecycle.invocations).toHaveLength(started)
    await resume()
    expect((await lifecycle.post(START_TASK, event)).status).toBe(200)
  })

  it('gets its response again if it was made before', async () => {
    const event = { ...triggered(), input }
    const first = await lifecycle.post(START_TASK, event)
    await stop()
    expect(await lifecycle.post(START_TASK, event)).toEqual(first)
  })

  it('gets 503 while the stops cannot be read', async () => {
    const table = process.env['WEBHOOKS_STATE_TABLE']
    passTime(6)
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    const { status } = await lifecycle.post(START_TASK, { ...triggered(), input })
    process.env['WEBHOOKS_STATE_TABLE'] = table
    expect(status).toBe(503)
  })
})

describe('A call of an alert', () => {
  const alert = (id: string) =>
    handleSourceCall(
      category,
      { source: AWS_SOURCE, action: 'start-run', id, connection: 'job', input },
      context,
      auditDirectCall,
    )
  const waits = { refusal: { isTransient: true, retryAfter: 60, message: STOPPED } }

  it.each([
    ['any stop', {}],
    ['a stop that refuses calls', { refuse: true as const }],
    ['a stop that ends tasks', { end: true as const }],
  ])('stays in its queue during %s, and is made after it', async (name, more) => {
    await stop(more)
    const started = lifecycle.invocations.length
    expect(await alert(name)).toEqual(waits)
    expect(lifecycle.invocations).toHaveLength(started)
    await resume()
    expect(await alert(name)).toEqual({ taskId: expect.any(String) })
  })

  it('that was made before the stop is found', async () => {
    const first = await alert('before')
    await stop()
    expect(await alert('before')).toEqual(first)
  })

  it('stays in its queue while the stops cannot be read', async () => {
    const table = process.env['WEBHOOKS_STATE_TABLE']
    passTime(61)
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    try {
      expect(await alert('unreadable')).toMatchObject({ refusal: { isTransient: true } })
    } finally {
      process.env['WEBHOOKS_STATE_TABLE'] = table
    }
  })
})

describe('A gate', () => {
  const ask = async (key: string, query = '') => {
    const response = await lifecycle.request('POST', 'start-run', {
      headers: { ...lifecycle.authorization('keptn'), 'content-type': 'application/json' },
      multiValueQueryStringParameters: Object.fromEntries(
        [...new URLSearchParams(`mode=gate&connection=job&key=${key}${query}`)].map(([name, value]) => [name, [value]]),
      ),
      body: JSON.stringify({ input }),
    })
    return { status: response.statusCode, retryAfter: response.headers?.['retry-after'], body: response.body }
  }

  it('stays closed during a stop that refuses calls, and starts no task', async () => {
    await refuse()
    const started = lifecycle.invocations.length
    expect(await ask('refused', '&answer=status')).toEqual({ status: 424, retryAfter: '60', body: `${STOPPED}\n` })
    const { status, body } = await ask('refused')
    expect([status, JSON.parse(body)]).toEqual([
      200,
      { category: 'testing', action: 'start-run', state: 'running', verdict: 'running', progress: STOPPED },
    ])
    expect(lifecycle.invocations).toHaveLength(started)
    await resume()
    expect((await ask('refused', '&answer=status')).status).toBe(409)
  })

  it('stays closed during another stop: its task waits', async () => {
    await stop()
    expect((await ask('held', '&answer=status')).status).toBe(409)
    expect(platform.runs).toEqual([])
  })

  it('that has passed stays open', async () => {
    await ask('passed')
    await lifecycle.run(lifecycle.newest())
    await refuse()
    expect((await ask('passed', '&answer=status')).status).toBe(200)
  })
})

describe('A stop of everything never hits', () => {
  const everything = () => stop({ refuse: true, end: true })

  it('a repeat of an accepted interactive call', async () => {
    const event = { ...triggered(), input }
    const { body } = await post(START, event)
    await everything()
    expect(await post(START, event)).toMatchObject({ status: 202, body: { ...body, duplicate: true } })
  })

  it('a repeat of a silent call', async () => {
    const event = ticket()
    const first = await lifecycle.post(TICKET, event)
    await everything()
    passTime(6)
    expect(await lifecycle.post(TICKET, event)).toEqual(first)
  })

  it('a dry run', async () => {
    await everything()
    passTime(6)
    expect((await lifecycle.post(`${TICKET}&dryRun=true`, ticket())).status).toBe(200)
  })

  it('a status', async () => {
    const { id } = await call(START, { input })
    await everything()
    expect(await lifecycle.send('GET', `tasks/${id}`, { headers: lifecycle.authorization('keptn') })).toMatchObject({
      status: 200,
      body: { verdict: 'pass' },
    })
  })

  it('a cancellation, and the stop of the job', async () => {
    platform.states = ['busy']
    const task = await lifecycle.accept(START, { input })
    const { outcome } = await runUntil(task, /poll RETRY/, async () => {
      await everything()
      expect((await lifecycle.command('cancel', task.id)).status).toBe(202)
    })
    expect([outcome?.status, platform.runs[0]?.stopped]).toEqual(['aborted', true])
  })

  it('the polls and the end of a job that runs', async () => {
    platform.states = ['busy', 'busy', 'done']
    const { outcome, sent } = await runUntil(await lifecycle.accept(START, { input }), /poll RETRY/, everything)
    expect([outcome?.result, sent]).toEqual(['pass', ['started', 'finished']])
  })

  it('an answer that is sent again', async () => {
    const { id } = await call(START, { input })
    await everything()
    expect((await lifecycle.command('answer', id)).status).toBe(202)
  })

  it('a question to people, and their answer', async () => {
    const asked = lifecycle.call(
      'ask-approval?connection=chat',
      {},
      {
        async onWait() {
          await everything()
          expect((await lifecycle.decide(platform.messages[0]?.page)).statusCode).toBe(200)
        },
      },
    )
    expect((await asked).outcome).toMatchObject({ result: 'pass', data: { decision: 'approved' } })
    await everything()
    expect((await post('ask-approval?connection=chat', triggered())).status).toBe(202)
  })

  it('an action that stops something', async () => {
    platform.states = ['busy']
    const task = await lifecycle.accept(START, { input })
    await runUntil(task, /poll RETRY/, async () => {
      await everything()
      await lifecycle.command('cancel', task.id)
    })
    const stopping = { input: { id: platform.runs[0]?.id } }
    expect((await call('stop-run?connection=job&deadline=PT1H', stopping)).outcome?.message).not.toMatch(/Stopped by/)
  })

  it('the cleanup of a task that Lambda has ended', async () => {
    platform.states = ['busy']
    const task = await lifecycle.accept('start-run?connection=attended', { input })
    const { arn } = await lifecycle.run(task, {
      interruption: { checkpoint: 'poll RETRY', isRecorded: true, effect: 'end' },
    })
    await everything()
    await lifecycle.finish(arn)
    await lifecycle.run(lifecycle.newest())
    expect(platform.runs[0]?.stopped).toBe(true)
  })

  it('a look-up after a lost response, whose job the task continues', async () => {
    platform.loseNext('POST')
    const { outcome } = await runUntil(await lifecycle.accept(START, { input }), /start RETRY/, everything)
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('a look-up of a silent call whose response was lost', async () => {
    const event = ticket()
    platform.loseNext('POST')
    const first = lifecycle.post(TICKET, event)
    await first
    await everything()
    passTime(6)
    expect((await lifecycle.post(TICKET, event)).status).toBe(200)
    expect(platform.tickets).toHaveLength(1)
  })
})

/** Runs a task, and does something once, at its first checkpoint that has this text. */
async function runUntil(
  task: Awaited<ReturnType<typeof lifecycle.accept>>,
  checkpoint: RegExp,
  then: () => unknown,
): Promise<CompletedTask> {
  let isDone = false
  return lifecycle.run(task, {
    async onCheckpoint(name) {
      if (isDone || !checkpoint.test(name)) return
      isDone = true
      await then()
    },
  })
}

describe('A stop is in force', () => {
  /** Changes the stops as another process: this one keeps what it has read. */
  async function changeElsewhere(...changed: Stop[]): Promise<void> {
    const before = await getStops()
    const version = (before?.version ?? 0) + 1
    const stops = JSON.stringify(changed)
    const seal = hmacHex(IDENTITY_KEY, `stops ${version} ${stops}`)
    expect(await replaceStops({ version, stops, seal }, before)).toBe(true)
  }

  it('within 5 seconds for silent calls of a process that has read the stops just before', async () => {
    await readStops()
    await changeElsewhere(jane)
    passTime(4.9)
    const readBefore = await lifecycle.post(TICKET, ticket())
    passTime(0.1)
    expect([readBefore.status, (await lifecycle.post(TICKET, ticket())).status]).toEqual([200, 503])
  })

  it('within a second for tasks, also for those that wait', async () => {
    await readStops()
    await changeElsewhere(jane)
    passTime(1)
    const { outcome } = await call(START, { input })
    expect(outcome?.message).toMatch(/^Nothing was started: .+ Stopped by jane/)
    expect(platform.runs).toEqual([])
  })

  it('no longer once it is lifted, although this process has read it just before', async () => {
    await refuse()
    expect((await lifecycle.post(TICKET, ticket())).status).toBe(503)
    expect((await post(START, { ...triggered(), input })).status).toBe(503)
    await changeElsewhere()
    expect((await lifecycle.post(TICKET, ticket())).status).toBe(200)
    await refuse()
    await readStops()
    await changeElsewhere()
    expect((await post(START, { ...triggered(), input })).status).toBe(202)
  })

  it('everywhere when the command is answered, and lifted when resume is', async () => {
    const startedAt = Date.now()
    const stopped = await stopsHandler({ operation: 'stop', reason: 'bad release', by: 'operator jane' })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(5_000)
    const [{ id } = jane] = 'changed' in stopped ? stopped.changed : []
    expect((await lifecycle.post(TICKET, ticket())).status).toBe(503)
    await stopsHandler({ operation: 'resume', id, by: 'operator jane' })
    expect((await lifecycle.post(TICKET, ticket())).status).toBe(200)
  })

  it('and everything is stopped if something puts an older item back', async () => {
    await resume()
    const older = await getStops()
    await stop()
    await readStops()
    if (older) await replaceStops(older, await getStops())
    expect(await readStops()).toMatchObject([{ id: 'unverified' }])
    await resume()
    expect(await readStops()).toEqual([])
  })

  it('and everything is stopped if something deletes the item', async () => {
    await stop()
    await remove(itemKeys.stops)
    expect(await readStops()).toMatchObject([{ id: 'unverified' }])
    await resume()
    expect(await readStops()).toEqual([])
  })

  it('and everything is stopped if something puts an older item back before it was read', async () => {
    await resume()
    const older = await getStops()
    await stop()
    if (older) await replaceStops(older, await getStops())
    expect(await readStops()).toMatchObject([{ id: 'unverified' }])
  })

  it('also after the key of its seal has become the previous one, and then without it', async () => {
    await stop()
    const key = 'another-identity-key-of-the-tests-0123456789'
    lifecycle.replace('identity', { key, previousKey: IDENTITY_KEY })
    await stopsHandler({ operation: 'list' })
    lifecycle.replace('identity', { key })
    expect(await readStops()).toMatchObject([{ id: jane.id }])
    lifecycle.replace('identity', { key: IDENTITY_KEY, previousKey: key })
    await stopsHandler({ operation: 'list' })
    lifecycle.replace('identity', { key: IDENTITY_KEY })
  })
})
