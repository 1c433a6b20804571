import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { count } from '../../../../infra/sandbox/keptn/counting.ts'
import { memoryEventLog } from '../../../../infra/sandbox/keptn/event-log.ts'
import { newEvent } from '../../../../infra/sandbox/keptn/events.ts'
import { type Call, type FakeReceiver, type Reply, startReceiver } from './fake-receiver.ts'
import { callerToken, filesOf, openTicket, play } from './play.ts'

let receiver: FakeReceiver
afterEach(() => receiver.close())

const accepted: Reply = {
  status: 202,
  body: { taskId: 't-1', statusUrl: '/v1/issue-ticketing/tasks/t-1', duplicate: false },
}
const opened = { status: 'succeeded', result: 'pass', message: 'opened', openticket: { number: 'OPS-12' } }
const notify = { on: 'notify.triggered' }

/** Gives each call the same response. */
async function respond(status: number, body?: unknown): Promise<void> {
  receiver = await startReceiver(() => ({ status, body }))
}

/** Accepts each call and finishes its task later. */
async function start(end: (call: Call) => void = (call) => receiver.report(call, 'finished', opened)): Promise<void> {
  receiver = await startReceiver((call) => {
    setTimeout(() => end(call), 20)
    return accepted
  })
}

describe('a silent call', () => {
  it('sends the form body and the token, and ends the task with the response of the receiver', async () => {
    await respond(200, { number: 'OPS-12' })
    const tasks = [{ name: 'openticket', state: 'finished', outcome: { status: 'succeeded', result: 'pass' } }]
    const files = openTicket({ sendFinished: true, path: 'issue-ticketing/open-issue?mode=silent' })
    expect(await play(receiver, files)).toMatchObject({ passed: true, tasks })
    const [call] = receiver.calls
    expect(call).toMatchObject({
      method: 'POST',
      path: '/v1/issue-ticketing/open-issue',
      headers: { authorization: `Bearer ${callerToken}`, 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(call?.query.get('mode')).toBe('silent')
    expect(call?.form.get('id')).toBe(receiver.byType('openticket.triggered')[0]?.id)
    expect(receiver.types()).toEqual([
      'dev.deliver.triggered by shipyard-controller',
      'openticket.triggered by shipyard-controller',
      'openticket.started by webhook-service',
      'openticket.finished by webhook-service',
      'dev.deliver.finished by shipyard-controller',
    ])
    expect(receiver.byType('openticket.finished')[0]?.data).toMatchObject({
      project: 'demo',
      labels: { team: 'blue' },
      openticket: { responses: [{ number: 'OPS-12' }] },
    })
  })

  it('sends one started event for all its requests, and a response that is not a JSON object as text', async () => {
    await respond(200, '[1]')
    const files = openTicket({ sendFinished: true, requests: 2 })
    expect(await play(receiver, files)).toMatchObject({ passed: true })
    expect(receiver.byType('openticket.started')).toHaveLength(1)
    expect(receiver.byType('openticket.finished')[0]?.data['openticket']).toEqual({ responses: ['[1]', '[1]'] })
  })

  it('for a finished event sends no events', async () => {
    receiver = await startReceiver((call) => ({ status: call.form.get('type')?.endsWith('.finished') ? 500 : 200 }))
    const files = openTicket({ sendFinished: true }, { on: 'openticket.finished', sendFinished: true })
    const text = expect.stringContaining('warning: the webhook on openticket.finished failed')
    expect(await play(receiver, files)).toMatchObject({ passed: true, text })
    expect(receiver.calls.map((call) => call.form.get('type'))).toContain('sh.keptn.event.openticket.finished')
    expect(receiver.types()).toHaveLength(5)
  })

  it('for the finished event of the last task completes before the end of the run', async () => {
    receiver = await startReceiver(async (call) => {
      // The response takes longer than the rest of the sequence.
      if (call.form.get('type')?.endsWith('.finished'))
        while (receiver.byType('dev.deliver.finished').length === 0) await wait(10)
      return { status: 200, body: { received: true } }
    })
    const { lines } = await play(receiver, openTicket({ sendFinished: true }, { on: 'openticket.finished' }))
    expect(lines.at(-1)).toContain('{"received":true}')
  })
})

describe('an interactive call', () => {
  it('ends the task with the finished event of the receiver', async () => {
    await start()
    const { passed, text, tasks } = await play(receiver, openTicket())
    const task = { accepted: [{ taskId: 't-1' }], outcome: { message: 'opened' } }
    expect({ passed, tasks }).toMatchObject({ passed: true, tasks: [task] })
    expect(receiver.types()).toContain('openticket.finished by receiver')
    expect(text).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3}Z {2}<- {2}openticket\.finished {2}succeeded\/pass {2}opened {2}\(receiver\)$/m,
    )
    expect(text).toMatch(/HTTP 202 in \d+ ms {2}task t-1/)
  })

  it.each([
    [422, { title: 'the project is unknown' }],
    [404, { detail: 'There is no category teleportation.' }],
  ])('that is rejected with %i ends the task as errored with the reason of the receiver', async (status, body) => {
    await respond(status, body)
    const { passed, tasks } = await play(receiver, filesOf(['openticket', 'notify'], [{ on: 'openticket.triggered' }]))
    const message = expect.stringContaining(Object.values(body).join())
    const task = expect.objectContaining({ outcome: { status: 'errored', result: 'fail', message } })
    expect({ passed, tasks }).toEqual({ passed: false, tasks: [task] })
    expect(receiver.calls).toHaveLength(1)
    const by = ['openticket.started by webhook-service', 'openticket.finished by webhook-service']
    expect(receiver.types()).toEqual(expect.arrayContaining(by))
  })

  it('to an unreachable receiver ends the task as errored', async () => {
    await start()
    await receiver.close()
    const { tasks } = await play(receiver, openTicket(), { log: memoryEventLog() })
    expect(tasks[0]?.outcome?.message).toContain(`no response from ${receiver.url}: ECONNREFUSED`)
  })

  it.each<[boolean, number]>([
    [true, 2],
    [false, 1],
  ])('with two requests gets two finished events, even if the first fails (passed: %j)', async (passed, calls) => {
    await (passed ? start() : respond(500))
    expect(await play(receiver, openTicket({ requests: 2 }))).toMatchObject({ passed })
    expect(receiver.calls).toHaveLength(calls)
    expect(receiver.byType('openticket.started')).toHaveLength(2)
    expect(receiver.byType('openticket.finished')).toHaveLength(2)
  })

  it('in two subscriptions ends after both finished events', async () => {
    receiver = await startReceiver((call) => {
      if (call.query.get('mode') === 'silent') return { status: 200 }
      setTimeout(() => receiver.report(call, 'finished', opened), 20)
      return accepted
    })
    const silent = { on: 'openticket.triggered', sendFinished: true, path: 'issue-ticketing/open-issue?mode=silent' }
    expect(await play(receiver, openTicket({}, silent))).toMatchObject({ passed: true })
    const ends = receiver.types().filter((type) => type.startsWith('openticket.finished'))
    expect(ends.sort()).toEqual(['openticket.finished by receiver', 'openticket.finished by webhook-service'])
  })
})

describe('the counting rule', () => {
  it('accepts a finished event before its started event', async () => {
    await start((call) => {
      receiver.report(call, 'finished', opened)
      setTimeout(() => receiver.report(call, 'started'), 30)
    })
    expect(await play(receiver, openTicket({ sendStarted: false }))).toMatchObject({ passed: true })
  })

  it('keeps a task with an extra started event open', async () => {
    await start((call) => {
      receiver.report(call, 'started')
      receiver.report(call, 'finished', opened)
    })
    const played = await play(receiver, openTicket(), { signal: AbortSignal.timeout(300) })
    expect(played).toMatchObject({ passed: false, interrupted: true, tasks: [{ state: 'running' }] })
  })

  it('ignores a finished event after the end and prints a warning', async () => {
    let ended: Call | undefined
    await start((call) => {
      // The second task is triggered after the end of the first.
      if (ended) receiver.report(ended, 'finished', { ...opened, result: 'fail' })
      ended = call
      receiver.report(call, 'finished', opened)
    })
    const text = 'warning: openticket.finished arrived after the end of the task; ignored'
    const files = filesOf(['openticket', 'openticket'], [{ on: 'openticket.triggered' }])
    expect(await play(receiver, files)).toMatchObject({ passed: true, text: expect.stringContaining(text) })
  })

  it('fails the task and stops the sequence for one failed result', async () => {
    const failed = { status: 'succeeded', result: 'fail', message: 'too slow' }
    await start((call) => receiver.report(call, 'finished', failed))
    const files = filesOf(['openticket', 'notify'], [{ on: 'openticket.triggered' }, notify])
    const { passed, tasks } = await play(receiver, files)
    expect([passed, tasks.map(({ name }) => name)]).toEqual([false, ['openticket']])
    expect(receiver.byType('dev.deliver.finished')[0]?.data).toMatchObject({ result: 'fail', status: 'succeeded' })
  })

  it('fails a sequence whose task is not started', async () => {
    await start()
    const { passed, tasks } = await play(receiver, openTicket({ on: 'other.triggered' }), { startTimeoutMs: 50 })
    const none = expect.stringContaining('no openticket.started within 0.05 s')
    expect([passed, tasks[0]?.outcome?.message]).toEqual([false, none])
    expect(receiver.types()).toContain('openticket.finished by shipyard-controller')
  })

  it('does not keep a task open for an extra finished event', async () => {
    await respond(200)
    const event = (kind: string, result = 'pass') => ({
      ...newEvent({ type: `sh.keptn.event.notify.${kind}`, source: 'a-test', shkeptncontext: 'c', data: {} }),
      triggeredid: 't',
      data: { status: 'succeeded', result },
    })
    const [started, finished] = [event('started'), event('finished')]
    const counted = count([started, finished, event('finished', 'fail')], 't')
    expect(counted).toMatchObject({ started: 1, finished: 1, outcome: { result: 'pass' } })
    expect(count([finished, started], 't').outcome).toMatchObject({ result: 'pass' })
    expect(count([started, event('started'), finished], 't').outcome).toBeUndefined()
  })
})

describe('a request that webhook-service rejects', () => {
  it('ends the task as errored without a call', async () => {
    await start()
    const { tasks, text } = await play(receiver, openTicket({ title: '{{.data.incident.title}}' }))
    expect(receiver.calls).toEqual([])
    expect(receiver.byType('openticket.started')).toHaveLength(1)
    expect(tasks[0]?.outcome?.message).toMatch(
      /^could not execute request 'curl .*': curl command contains denied character '\|'$/,
    )
    expect(text).toContain("denied character '|'")
  })

  it.each([
    [
      'a missing field of the event reports the message of Go',
      { title: '{{.data.nope}}' },
      /': template: :1:\d+: executing "" at <\.data\.nope>: map has no entry for key "nope"$/,
    ],
    [
      'the absent properties of a task reports the message of Go',
      { title: '{{with .data.openticket}}x{{end}}' },
      /map has no entry for key "openticket"$/,
    ],
    ['a missing secret reports its name', { secret: 'other' }, /^could not read secret webhooks.token$/],
  ])('for %s', async (_, change, message) => {
    await start()
    const { tasks } = await play(receiver, openTicket(change))
    expect(tasks[0]?.outcome).toMatchObject({ status: 'errored', message: expect.stringMatching(message) })
  })

  it('leaves the task without a started event if Keptn drops the event', async () => {
    await start()
    const files = openTicket()
    const event = { ...files.event, data: { ...files.event.data, labels: { build: 7 } } }
    const { tasks, text } = await play(receiver, { ...files, event }, { startTimeoutMs: 50 })
    expect(receiver.calls).toEqual([])
    expect(text).toContain('warning: Keptn drops openticket.triggered: data.labels.build must be a text')
    expect(tasks[0]?.outcome?.message).toContain('no openticket.started within 0.05 s')
  })
})

describe('a run', () => {
  it('ends after the retries if the receiver stops', async () => {
    await start(() => void receiver.close())
    const played = play(receiver, openTicket(), { patienceMs: 200 })
    await expect(played).rejects.toThrow(/^cannot connect to http:.*\/keptn \(gave up after 0\.2 s\)$/)
  })

  it('prints and records no token', async () => {
    await respond(500, `your token was ${callerToken}`)
    const { text } = await play(receiver, openTicket())
    expect(text + JSON.stringify(receiver.events)).not.toContain(callerToken)
    expect(text).toContain('your token was ***')
  })

  it('reports retries of an overloaded Keptn', async () => {
    await start()
    receiver.overload(3)
    const text = expect.stringMatching(/warning: the Keptn at .* answered 503 to POST \/record; retrying/)
    expect(await play(receiver, openTicket())).toMatchObject({ passed: true, text })
  })
})
