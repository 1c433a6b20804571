import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import { deployedPolicy } from '../../shared/policy/deployed.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import { withLogLines } from '../log-lines.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { triggered } from './lifecycle.ts'
import { category, useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()
const START = 'start-run?connection=job'
const input = { target: 'deploy' }
const HOUR = 3_600
let files = 0

/** Deploys a policy. */
function deploy(rules: object[], more: object = {}): void {
  // A file of a new name, as each deployment has.
  const file = join(folder, `policy-${++files}.json`)
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', ...more, rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}

/** Returns a rule with a freeze that starts some seconds ago and ends in some seconds, rounded to minutes. */
function freeze(seconds: number, otherwise: 'wait' | 'refuse') {
  const text = (offset: number) => new Date(Date.now() + offset * 1_000).toISOString().slice(0, 16)
  return { name: 'freeze', freeze: [{ from: text(-2 * HOUR), to: text(seconds), reason: 'Migration' }], otherwise }
}

beforeEach(() => {
  platform.states = ['done']
})
afterEach(() => {
  delete process.env['WEBHOOKS_POLICY_FILE']
})

const post = (target: string, event: object = { input }) => lifecycle.post(target, { ...triggered(), ...event })

describe('A task whose rule has a window', () => {
  it('waits until it opens, and only then starts its job, whose deadline counts from then', async () => {
    deploy([freeze(3 * HOUR, 'wait')])
    const acceptedAt = Date.now()
    const task = await lifecycle.accept(`${START}&deadline=PT1H`, { input })
    expect(task).toMatchObject({ waitAtMost: 4 * HOUR, requirements: [{ type: 'window', rule: 'freeze' }] })
    platform.states = ['busy', 'busy', 'done']
    const { outcome, operations, sent } = await lifecycle.run(task)
    expect([outcome?.result, sent]).toEqual(['pass', ['started', 'finished']])
    expect((Date.now() - acceptedAt) / 1_000).toBeGreaterThan(3 * HOUR - 61)
    expect(operations.map((operation) => operation.split(' ')[0])).toEqual(
      'send-started require require-wait-wake-0 require-wait require-wait-race-0 start poll send-finished'.split(' '),
    )
  })

  it('starts at once while it is open, with one more operation', async () => {
    deploy([{ name: 'always', only: {}, otherwise: 'wait' }])
    const { outcome, operations } = await lifecycle.call(START, { input })
    expect(outcome?.result).toBe('pass')
    expect(operations.slice(0, 3)).toEqual(['send-started SUCCEEDED', 'require SUCCEEDED', 'start SUCCEEDED'])
  })

  it('keeps its requirement if the policy is changed', async () => {
    deploy([freeze(2 * HOUR, 'wait')])
    const task = await lifecycle.accept(START, { input })
    deploy([{ name: 'always', only: {}, otherwise: 'wait' }])
    const acceptedAt = Date.now()
    const { outcome } = await lifecycle.run(task)
    expect(outcome?.result).toBe('pass')
    expect((Date.now() - acceptedAt) / 1_000).toBeGreaterThan(2 * HOUR - 61)
  })

  it('fails without starting anything if the window does not open in time', async () => {
    deploy([{ ...freeze(9 * HOUR, 'wait'), waitAtMost: 'PT2H' }])
    const { outcome } = await lifecycle.call(START, { input })
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringMatching(
        /^Nothing was started: the call has waited for 2 h\. Waits until .+ UTC: freeze \(Migration\)$/,
      ),
    })
    expect(platform.runs).toEqual([])
  })

  it('ends at once when it is canceled', async () => {
    deploy([freeze(3 * HOUR, 'wait')])
    const task = await lifecycle.accept(START, { input })
    let response: object | undefined
    const { outcome, sent, operations } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (name.includes('require-wait RETRY')) response ??= await lifecycle.command('cancel', task.id)
      },
    })
    expect(response).toMatchObject({ status: 202 })
    expect(operations).toContain('require-wait-woken-0 SUCCEEDED')
    expect(outcome).toMatchObject({ status: 'aborted', message: expect.stringMatching(/^Canceled by keptn before/) })
    expect(sent).toEqual(['started', 'finished'])
    expect(platform.runs).toEqual([])
  })
})

it('A silent call is refused after an opening, in the week in which the clocks skip the next one, and learns when the window opens', async () => {
  const opening = { days: 'sun', from: '02:00', to: '03:00' }
  deploy([{ name: 'maintenance', only: opening, otherwise: 'refuse' }], { timeZone: 'Europe/Berlin' })
  const passUntil = (time: string) => passTime((Date.parse(time) - Date.now()) / 1_000)
  passUntil('2027-03-21T02:30:00+01:00')
  const open = await post(`${START}&mode=silent`)
  passUntil('2027-03-21T14:00:00+01:00')
  const closed = await post(`${START}&mode=silent`)
  expect([open.status, closed.status]).toEqual([200, 422])
  expect(closed.body.detail).toContain('It opens on Sunday, 2027-04-04 02:00 Europe/Berlin.')
})

describe('A task that waits for a window, and cannot save how to wake it', () => {
  it('notices within a minute that it is canceled', async () => {
    deploy([freeze(3 * HOUR, 'wait')])
    const task = await lifecycle.accept(START, { input })
    const table = process.env['WEBHOOKS_STATE_TABLE']
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    let canceledAt = 0
    const { outcome } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (!name.includes('require-wait RETRY') || canceledAt > 0) return
        process.env['WEBHOOKS_STATE_TABLE'] = table
        canceledAt = Date.now()
        expect(await lifecycle.command('cancel', task.id)).toMatchObject({ status: 202 })
      },
    })
    expect(outcome).toMatchObject({ status: 'aborted' })
    expect((Date.now() - canceledAt) / 1_000).toBeLessThan(130)
  })

  it('checks at most 1,000 times in a week', async () => {
    deploy([{ ...freeze(8 * 24 * HOUR, 'wait'), waitAtMost: 'P7D' }])
    const task = await lifecycle.accept(START, { input })
    const table = process.env['WEBHOOKS_STATE_TABLE']
    process.env['WEBHOOKS_STATE_TABLE'] = 'missing'
    const times: number[] = []
    const { outcome } = await lifecycle.run(task, {
      async onCheckpoint(name) {
        if (name.includes('require-wait RETRY') && times.push(Date.now()) === 1) passTime(6.9 * 24 * HOUR)
      },
    })
    process.env['WEBHOOKS_STATE_TABLE'] = table
    expect(outcome).toMatchObject({ result: 'fail' })
    const [, second = 0, third = 0] = times
    expect((third - second) / 1_000).toBeCloseTo((7 * 24 * HOUR) / 1_000, -1)
  })
})

describe('A call that a rule refuses', () => {
  it('gets 403 with the reason, and starts nothing', async () => {
    deploy([{ name: 'no runs', when: { actions: ['testing/start-*'] }, deny: 'Ask the owners' }])
    const before = lifecycle.invocations.length
    const { status, body } = await post(`${START}&mode=interactive`)
    expect([status, body.detail]).toEqual([403, 'The rule "no runs" of the policy refuses this call: Ask the owners'])
    expect(lifecycle.invocations).toHaveLength(before)
    expect((await post('stop-run?connection=job', { input: { id: '1' } })).status).not.toBe(403)
  })

  it('gets 422 and the time while the window is closed, and a gate 424', async () => {
    deploy([freeze(HOUR, 'refuse')])
    const silent = await post(START)
    expect([silent.status, silent.body.title]).toEqual([422, 'Not allowed now'])
    expect(silent.body.detail).toMatch(
      /^The rule "freeze" of the policy allows this call at another time \(Migration\)\. It opens on /,
    )
    const query = { connection: 'job', mode: 'gate', answer: 'status', key: 'release-1' }
    const gate = await lifecycle.request('POST', 'start-run', {
      headers: { ...lifecycle.authorization('keptn'), 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
      queryStringParameters: query,
      multiValueQueryStringParameters: Object.fromEntries(
        Object.entries(query).map(([name, value]) => [name, [value]]),
      ),
    })
    expect([gate.statusCode, Number(gate.headers?.['retry-after'])]).toEqual([424, expect.closeTo(HOUR, -2)])
    expect(platform.runs).toEqual([])
  })

  it('gets the hint mode=interactive if its task would wait', async () => {
    deploy([freeze(HOUR, 'wait')])
    const { status, body } = await post(START)
    expect([status, body.detail]).toEqual([422, expect.stringContaining('mode=interactive')])
  })

  it('gets its result if it was accepted before', async () => {
    const event = { ...triggered(), input }
    const first = await lifecycle.post(`${START}&mode=interactive`, event)
    deploy([{ name: 'no runs', deny: 'No' }])
    const repeat = await lifecycle.post(`${START}&mode=interactive`, event)
    expect([repeat.status, repeat.body]).toMatchObject([202, { taskId: first.body.taskId, duplicate: true }])
    const silent = { ...triggered(), input }
    delete process.env['WEBHOOKS_POLICY_FILE']
    const done = await lifecycle.post(START, silent)
    deploy([{ name: 'no runs', deny: 'No' }])
    expect(await lifecycle.post(START, silent)).toEqual(done)
    expect((await post(START)).status).toBe(403)
  })

  it('is only logged without enforcement, and a dry run is free', async () => {
    const rule = { name: 'no runs', deny: 'No' }
    deploy([rule], { enforce: false })
    expect((await post(START)).status).toBe(200)
    deploy([rule])
    expect((await post(`${START}&dryRun=true`)).status).toBe(200)
  })

  it('gets 400 if it could wait and run longer than the category allows', async () => {
    deploy([{ ...freeze(HOUR, 'wait'), waitAtMost: 'P29D' }])
    const accepted = { ...triggered(), input }
    delete process.env['WEBHOOKS_POLICY_FILE']
    await lifecycle.post(`${START}&mode=interactive&deadline=P7D`, accepted)
    deploy([{ ...freeze(HOUR, 'wait'), waitAtMost: 'P29D' }])
    expect(await lifecycle.post(`${START}&mode=interactive&deadline=P7D`, accepted)).toMatchObject({
      status: 202,
      body: { duplicate: true },
    })
    const { status, body } = await post(`${START}&mode=interactive&deadline=P7D`)
    expect([status, body.detail]).toEqual([
      400,
      expect.stringMatching(/^The call may wait for 29 d and then run for 7 d/),
    ])
  })
})

describe('A limit of starts', () => {
  let services = 0
  /** Each test has its own target. */
  const newEvent = (service: string) => () => {
    const event = triggered()
    return { ...event, data: { ...event.data, service }, input }
  }
  function useLimit(count: number, more: object = {}) {
    deploy([{ name: 'breaker', atMost: { count, per: 'PT1H', for: '{service}' }, ...more }])
    return newEvent(`service-${++services}`)
  }
  const reached = /^The rule "breaker" of the policy allows 1 start in 1 h for service-\d+, and the next one on /

  it('ends a task above it as fail, and the next one may start after the period', async () => {
    const event = useLimit(1)
    expect((await lifecycle.call(START, event())).outcome?.result).toBe('pass')
    const { outcome } = await lifecycle.call(START, event())
    expect(outcome).toMatchObject({ result: 'fail', message: expect.stringMatching(reached) })
    expect(outcome?.message).toMatch(/Nothing was started\.$/)
    expect(platform.runs).toHaveLength(1)
    passTime(HOUR)
    expect((await lifecycle.call(START, event())).outcome?.result).toBe('pass')
  })

  it('counts a start once that is repeated after a response was lost, and takes no operation', async () => {
    const event = useLimit(2)
    platform.loseNext('POST')
    const { outcome, operations } = await lifecycle.call(START, event())
    expect(outcome?.result).toBe('pass')
    expect(new Set(operations.map((operation) => operation.split(' ')[0]))).toEqual(
      new Set('send-started start poll send-finished'.split(' ')),
    )
    expect((await lifecycle.call(START, event())).outcome?.result).toBe('pass')
    expect((await lifecycle.call(START, event())).outcome?.result).toBe('fail')
    expect(platform.runs).toHaveLength(2)
  })

  it('lets a task wait until the next one may start', async () => {
    const event = useLimit(1, { otherwise: 'wait', waitAtMost: 'PT2H' })
    await lifecycle.call(START, event())
    const acceptedAt = Date.now()
    const task = await lifecycle.accept(START, event())
    expect(task).toMatchObject({ requirements: [{ type: 'limit', rule: 'breaker' }], waitAtMost: 2 * HOUR })
    const { outcome } = await lifecycle.run(task)
    expect(outcome?.result).toBe('pass')
    expect((Date.now() - acceptedAt) / 1_000).toBeGreaterThan(HOUR - 61)
    expect(platform.runs).toHaveLength(2)
  })

  it('ends a task that has waited too long for it', async () => {
    const event = useLimit(1, { otherwise: 'wait', waitAtMost: 'PT30M' })
    await lifecycle.call(START, event())
    const { outcome } = await lifecycle.call(START, event())
    expect(outcome).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(
        /^Nothing was started: the call has waited for 30 min\. Waits until .+: 1 start in 1 h for service-\d+ \(breaker\)$/,
      ),
    })
  })

  it('counts each start of a silent call, also one with the id of a call whose response is no longer recorded', async () => {
    deploy([{ name: 'breaker', atMost: { count: 2, per: 'P7D', for: '{service}' } }])
    const event = { ...newEvent(`service-${++services}`)(), input: { title: 'a' } }
    const post = async () => (await lifecycle.post('open-ticket?connection=ticket', event)).status
    expect([await post(), await post()]).toEqual([200, 200])
    passTime(25 * HOUR)
    platform.reset()
    expect([await post(), await post()]).toEqual([200, 200])
    passTime(25 * HOUR)
    expect(await post()).toBe(422)
  })

  it('refuses a silent call above it, which has no task that could wait', async () => {
    for (const otherwise of ['refuse', 'wait']) {
      const event = useLimit(1, { otherwise })
      const post = () => lifecycle.post('open-ticket?connection=ticket', { ...event(), input: { title: 'a' } })
      expect((await post()).status).toBe(200)
      const { status, body } = await post()
      expect([status, body.detail]).toEqual([422, expect.stringMatching(reached)])
    }
  })

  it('counts a silent call once that is repeated', async () => {
    const event = { ...useLimit(1)(), input: { title: 'a' } }
    const post = () => lifecycle.post('open-ticket?connection=ticket', event)
    expect([(await post()).status, (await post()).status]).toEqual([200, 200])
  })

  it('that lets tasks wait counts with the deadline', async () => {
    const event = useLimit(1, { otherwise: 'wait', waitAtMost: 'P29D' })
    const { status, body } = await lifecycle.post(`${START}&mode=interactive&deadline=P7D`, event())
    expect([status, body.detail]).toEqual([400, expect.stringContaining('The call may wait for 29 d')])
  })
})

describe('The digest of the policy', () => {
  it('is in the record of each call that it could restrict, and in the log line of a decision', async () => {
    deploy([{ name: 'no', when: { actions: ['*/open-ticket'] }, deny: 'No' }])
    const digest = deployedPolicy()?.digest
    expect(digest).toMatch(/^[0-9a-f]{12}$/)
    const { lines } = await withLogLines(async () => {
      await lifecycle.post('open-ticket?connection=ticket', { ...triggered(), input: { title: 'Refused' } })
      await lifecycle.call(START, { input })
    })
    const named = lines
      .map((line) => JSON.parse(line))
      .flatMap(({ message, audit, policyDigest }) =>
        policyDigest === undefined ? [] : [[audit ?? message, policyDigest]],
      )
    expect(named).toEqual([
      ['policy evaluated', digest],
      ['call', digest],
      ['call', digest],
      ['task', digest],
    ])
  })
})

describe('The log line of a decision', () => {
  const TURN = { name: 'one at a time', oneAtATime: { per: '{service}' } }
  const always = (more: object = {}) => ({ name: 'always', only: {}, ...more })
  const approve = { name: 'people', approve: { connection: 'chat', notRequester: true } }

  async function logged(target: string, event: object, caller: 'keptn' | 'poll' = 'keptn'): Promise<unknown> {
    const { lines } = await withLogLines(() => lifecycle.post(target, event, { caller }))
    const decisions = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'policy evaluated')
    return decisions.map(({ effect, rule, enforced }) => [effect, rule, enforced])
  }

  it.each([
    ['allowed', undefined, START, () => [always({ otherwise: 'wait' })]],
    ['allowed', undefined, `${START}&mode=interactive`, () => [always()]],
    ['wait', undefined, `${START}&mode=interactive`, () => [always({ otherwise: 'wait' })]],
    ['denied', 'no', START, () => [{ name: 'no', deny: 'No' }]],
    ['closed', 'freeze', START, () => [freeze(HOUR, 'refuse')]],
    ['silent', 'freeze', START, () => [always({ otherwise: 'wait' }), freeze(HOUR, 'wait')]],
    ['silent', 'one at a time', START, () => [TURN]],
    ['delegated', 'one at a time', 'start-run?connection=delegated&mode=interactive', () => [TURN]],
    [
      'tooLong',
      'freeze',
      `${START}&mode=interactive&deadline=P7D`,
      () => [always({ waitAtMost: 'P29D' }), { ...freeze(HOUR, 'wait'), waitAtMost: 'P29D' }],
    ],
    ['requester', 'people', `${START}&mode=interactive`, () => [approve]],
  ])('has the effect %s with the rule %s for %s', async (effect, rule, target, rules) => {
    const event = { ...triggered(), input }
    deploy(rules())
    expect(await logged(target, event)).toEqual([[effect, rule, true]])
    deploy(rules(), { enforce: false })
    expect(await logged(target, { ...event, id: 'logged' })).toEqual([[effect, rule, false]])
  })

  it('has the effect incomplete for a call that names no part of the target', async () => {
    deploy([TURN])
    expect(await logged(`${START}&mode=interactive`, { id: 'event', input }, 'poll')).toEqual([
      ['incomplete', 'one at a time', true],
    ])
  })

  it.each([true, false])('says what the entry of the caller decides, with enforce: %s', async (enforce) => {
    const event = { ...triggered(), input }
    deploy([always()], { enforce })
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    try {
      lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], writes: 'deny' } })
      expect(await logged(START, event)).toEqual([['denied', undefined, true]])
      lifecycle.replace('callers', { ...callers, keptn: { ...callers['keptn'], writes: 'approve' } })
      expect(await logged(START, event)).toEqual([['unasked', undefined, true]])
    } finally {
      lifecycle.replace('callers', callers)
    }
  })
})

describe('A task that is run again', () => {
  const failed = async () => {
    platform.states = ['broken']
    const task = await lifecycle.accept(START, { input })
    await lifecycle.run(task)
    platform.states = ['done']
    return task
  }
  const rerun = ({ id }: { id: string }) => lifecycle.command('rerun', id)

  it('is refused by a rule that is new, unless it was run again before', async () => {
    const task = await failed()
    deploy([{ name: 'no runs', when: { input: "target == 'deploy'" }, deny: 'No' }])
    const started = lifecycle.invocations.length
    expect(await rerun(task)).toMatchObject({ status: 403, body: { detail: expect.stringContaining('"no runs"') } })
    expect(lifecycle.invocations).toHaveLength(started)
    delete process.env['WEBHOOKS_POLICY_FILE']
    expect((await rerun(task)).body).toMatchObject({ duplicate: false })
    deploy([{ name: 'no runs', deny: 'No' }])
    expect(await rerun(task)).toMatchObject({ status: 202, body: { duplicate: true } })
  })

  it('gets the requirements of the policy of today', async () => {
    deploy([{ name: 'old', only: {}, otherwise: 'wait', waitAtMost: 'PT1H' }])
    const [first, second] = [await failed(), await failed()]
    deploy([{ name: 'new', only: {}, otherwise: 'wait', waitAtMost: 'PT2H' }])
    await rerun(first)
    expect(lifecycle.newest()).toMatchObject({ waitAtMost: 2 * HOUR, requirements: [{ rule: 'new' }] })
    delete process.env['WEBHOOKS_POLICY_FILE']
    await rerun(second)
    expect(lifecycle.newest()).not.toMatchObject({ waitAtMost: expect.anything() })
    expect(lifecycle.newest().requirements).toBeUndefined()
  })
})

describe('A call without HTTP obeys the policy', () => {
  const call = { action: 'start-run', connection: 'job', input }
  const refused = expect.stringContaining('The rule "no runs" of the policy refuses this call: No')
  beforeEach(() => {
    lifecycle.replace('callers', { direct: { categories: ['*'] } })
    deploy([{ name: 'no runs', when: { callers: ['direct'] }, deny: 'No' }])
  })

  it.each(['silent', 'interactive'])('as a %s invocation of the webhook', async (mode) => {
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 } as Context
    const invocation = webhookHandler(category)({ ...call, id: 'order-7', mode }, context)
    await expect(invocation).rejects.toMatchObject({ name: 'Webhooks.Forbidden', message: refused })
    expect(platform.runs).toEqual([])
  })

  it('as an invocation of the task', async () => {
    const { result } = await lifecycle.invoke(call)
    expect(result.getError()).toMatchObject({ errorType: 'Webhooks.Forbidden', errorMessage: refused })
    expect(platform.runs).toEqual([])
  })
})
