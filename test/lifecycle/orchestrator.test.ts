import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Call } from '../../infra/testing/loopback-server.ts'
import { SIGNING_KEY } from '../shared/orchestrators/callback/receiver.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()

const input = { title: 'Checkout is slow' }
type On = (call: Call) => boolean
const posts =
  (kind: string): On =>
  (call) =>
    call.method === 'POST' && String((call.body as { type?: string }).type).endsWith(kind)

/** Opens a ticket with Keptn as the orchestrator. */
const openTicket = (query = '', event: object = {}) =>
  lifecycle.call(`open-ticket?connection=ticket${query}`, { input, ...event })

describe('A call whose answer would not be the result of its action', () => {
  const approval = { ...triggered(), type: 'sh.keptn.event.approval.triggered' }
  beforeAll(() => {
    lifecycle.store('orchestrators/callback', {
      type: 'callback',
      signingKey: SIGNING_KEY,
      allow: ['https://n8n.example.com/'],
    })
    lifecycle.store('orchestrators/azure-devops', {
      type: 'azure-devops',
      collections: ['https://dev.azure.com/contoso/'],
    })
  })
  const approved = { data: { ...approval.data, result: 'pass', approval: { pass: 'automatic' } } }

  it.each([
    ['keptn', 'mode=interactive', 'dryRun=true'],
    ['keptn', 'mode=gate&key=dry', 'dryRun=true'],
    ['keptn', 'mode=gate&key=skipped', 'when=fail'],
    ['poll', 'mode=interactive', 'dryRun=true'],
    ['poll', 'mode=interactive', 'when=fail'],
    ['callback', 'mode=interactive', 'dryRun=true'],
    ['callback', 'mode=interactive', 'when=fail'],
    ['azure-devops', 'mode=interactive', 'when=fail'],
  ] as const)('is refused: %s, %s, %s', async (caller, mode, option) => {
    const started = lifecycle.invocations.length
    const { status, body } = await lifecycle.post(
      `open-ticket?connection=ticket&${mode}&${option}`,
      { ...triggered(), type: 'sh.keptn.event.check.finished', input },
      { caller },
    )
    const [path = ''] = option.split('=')
    expect([status, body.detail]).toEqual([400, expect.stringContaining(`${path} needs mode=silent`)])
    expect(lifecycle.invocations).toHaveLength(started)
  })

  it('asks people unless the caller is one of Keptn: an event must not approve itself', async () => {
    const ask = (query: string) =>
      lifecycle.post(`ask-approval?connection=chat&${query}`, { ...approval, ...approved, input: {} })
    expect(await ask('mode=interactive')).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(await ask('mode=gate&key=self')).toMatchObject({ status: 200, body: { verdict: 'running' } })
    expect(lifecycle.newest().skip).toBeUndefined()
  })
})

describe('An orchestrator', () => {
  const faults = {
    'fails for a while': (on: On) => lifecycle.keptn.failNext(503, {}, { on, times: 5 }),
    'loses its response': (on: On) => lifecycle.keptn.loseNext(on),
    'records it and answers 500': (on: On) => lifecycle.keptn.failNext(500, {}, { on, done: true }),
  }
  const kinds = ['started', 'finished']
  it.each(Object.entries(faults).flatMap(([what, arrange]) => kinds.map((kind) => [what, kind, arrange] as const)))(
    'that %s receives one %s event',
    async (_what, kind, arrange) => {
      arrange(posts(kind))
      expect((await openTicket()).sent).toEqual(['started', 'finished'])
      expect(platform.tickets).toHaveLength(1)
    },
  )

  it.each(['started', 'finished'])('that records the %s event late receives it once after a crash', async (kind) => {
    const target = 'open-ticket?connection=ticket&deadline=P1D'
    const { checkpoints } = await lifecycle.call(target, { input })
    const checkpoint = checkpoints.findIndex((updates) => updates.includes(`send-${kind} SUCCEED`))
    lifecycle.recordsAfterMs = 50_000
    const interruption = { checkpoint, isRecorded: false, effect: 'crash' } as const
    const { sent } = await lifecycle.call(target, { input }, { interruption })
    lifecycle.recordsAfterMs = 0
    expect(sent).toEqual(['started', 'finished'])
  })

  it('that is down until the deadline receives started and errored finished, and nothing is done', async () => {
    lifecycle.keptn.failNext(503, { message: 'maintenance' }, { on: posts('started'), times: 8 })
    const { sent, outcome } = await openTicket('&deadline=PT5M')
    expect(sent).toEqual(['started', 'finished'])
    expect(outcome).toMatchObject({ status: 'errored', result: 'fail' })
    expect(platform.tickets).toEqual([])
  })

  it.each([400, 503])(
    'that answers progress with %i receives no progress again, and the task passes',
    async (status) => {
      platform.states = ['queued', 'busy', 'busy', 'done']
      lifecycle.keptn.failNext(status, { message: 'no' }, { on: posts('status.changed'), times: 100 })
      const event = { input: { target: 'deploy' } }
      const { sent, outcome } = await lifecycle.call('start-run?connection=job&progress=true', event)
      expect({ sent, outcome }).toMatchObject({ sent: ['started', 'finished'], outcome: { result: 'pass' } })
    },
  )

  it('receives no started event unless the call requests one', async () => {
    expect((await openTicket('&sendStarted=false')).sent).toEqual(['finished'])
  })
})

describe('A trace', () => {
  const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const sentWith = (calls: readonly Call[]) => new Set(calls.map(({ headers }) => headers['traceparent']))

  it('of a call goes out to the platform and the orchestrator', async () => {
    const [before, beforeKeptn] = [platform.calls.length, lifecycle.keptn.calls.length]
    await openTicket('', { traceparent: trace })
    expect(sentWith(platform.calls.slice(before))).toEqual(new Set([trace]))
    expect(sentWith(lifecycle.keptn.calls.slice(beforeKeptn))).toEqual(new Set([trace]))
  })

  it.each([undefined, 'not-a-trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`])(
    '%j is ignored',
    async (traceparent) => {
      const before = platform.calls.length
      await openTicket('', { traceparent })
      expect(sentWith(platform.calls.slice(before))).toEqual(new Set([undefined]))
    },
  )
})

describe('A caller that polls', () => {
  it('needs only an id, and nothing is sent', async () => {
    const event = { id: 'run-42', input }
    const { outcome, sent } = await lifecycle.call('open-ticket?connection=ticket', event, { caller: 'poll' })
    expect({ outcome, sent }).toMatchObject({ outcome: { status: 'succeeded', result: 'pass' }, sent: [] })
    expect(platform.tickets).toMatchObject([{ title: 'Checkout is slow' }])
  })

  it('may send the id as the key of the query, and more about the call', async () => {
    const about = { context: 'pipeline-7', data: { project: 'shop', stage: 'production', service: 'checkout' } }
    const target = 'open-ticket?connection=ticket&key=run-43'
    const payload = await lifecycle.accept(target, { ...about, input }, 'poll')
    expect(payload).toMatchObject({
      orchestrator: 'poll',
      event: { id: 'run-43', context: 'pipeline-7', project: 'shop', stage: 'production', service: 'checkout' },
    })
    const { id } = await lifecycle.accept('open-ticket?connection=ticket', { id: 'run-43', input }, 'poll')
    expect(payload.id).toBe(id)
    expect(await lifecycle.accept(target.replace('43', '44'), { input }, 'poll')).not.toMatchObject({ id })
  })

  it('learns everything that is missing in one response', async () => {
    await expect(lifecycle.accept('open-ticket?connection=ticket', { input: { titel: 'x' } }, 'poll')).rejects.toThrow(
      /answered 400: .*"path":"id".*"path":"input\.titel"/,
    )
  })

  it('without an orchestrator cannot start a task for an event that Keptn waits for', async () => {
    const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers') as Record<string, object>
    lifecycle.replace('callers', { ...callers, poll: { ...callers['poll'], orchestrator: undefined } })
    await expect(lifecycle.accept('open-ticket?connection=ticket', { ...triggered(), input }, 'poll')).rejects.toThrow(
      /answered 503: .*has no orchestrator/,
    )
    lifecycle.replace('callers', callers)
  })
})

describe('A task that opens a ticket', () => {
  it('opens one ticket and sends its id', async () => {
    const { outcome, events } = await openTicket()
    expect(outcome).toMatchObject({ status: 'succeeded', result: 'pass', data: { id: '1' } })
    expect(events.at(-1)?.data).toMatchObject({ check: { id: '1' } })
    expect(platform.tickets).toMatchObject([{ title: 'Checkout is slow' }])
  })

  it('reports the refusal of the platform', async () => {
    platform.failNext(403, { message: 'you may not open tickets' }, { on: 'POST' })
    const { outcome, sent } = await openTicket()
    expect(outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('you may not open tickets') })
    expect(sent).toEqual(['started', 'finished'])
  })

  it('continues with credentials that are corrected before the deadline', async () => {
    const isRefused = ({ headers }: Call) => headers.authorization !== 'Bearer corrected-token-of-the-platform'
    platform.failNext(401, { message: 'bad credentials' }, { on: isRefused, times: 4 })
    const payload = await lifecycle.accept('open-ticket?connection=ticket', { input })
    lifecycle.connect('ticket', { provider: 'ticket', baseUrl: platform.url, token: 'corrected-token-of-the-platform' })
    expect((await lifecycle.run(payload)).outcome).toMatchObject({ status: 'succeeded', result: 'pass' })
  })

  it('keeps secrets out of its steps, events and outcome', async () => {
    const token = 'a-token-that-the-platform-echoes'
    lifecycle.connect('echo', { provider: 'ticket', baseUrl: platform.url, token })
    platform.failNext(422, { message: `Bearer ${token} was refused` }, { on: 'POST' })
    const ended = await lifecycle.call('open-ticket?connection=echo', { input })
    expect(JSON.stringify(ended)).not.toContain(token)
    expect(ended.outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('was refused') })
  })
})
