import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { ok, type Served, serve } from '../../infra/testing/loopback-server.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import { withLogLines } from '../log-lines.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
const policyFile = join(temporaryFolder(), 'policy.json')
const OPEN = 'open-ticket?connection=ticket'
const ticket = () => ({ ...triggered(), input: { title: 'Checkout is slow' } })

let bus: Served
beforeAll(async () => {
  bus = await serve(() => ok({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] }))
  process.env['AWS_ENDPOINT_URL_EVENTBRIDGE'] = bus.url
})
afterAll(() => bus.close())
beforeEach(() => {
  bus.calls.length = 0
  bus.recover()
  process.env['WEBHOOKS_AUDIT_EVENTS'] = 'Acme'
})
afterEach(() => {
  delete process.env['WEBHOOKS_AUDIT_EVENTS']
  delete process.env['WEBHOOKS_POLICY_FILE']
})

interface SentEvent {
  Source: string
  DetailType: string
  Detail: string
}

/** Returns the events that the bus has received, with their details as objects. */
function received() {
  return bus.calls.flatMap(({ body }) =>
    (body as { Entries: SentEvent[] }).Entries.map(({ Detail, ...event }) => ({
      ...event,
      detail: JSON.parse(Detail),
    })),
  )
}

/** Runs a function and returns the parsed lines of the log. */
async function logged(run: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  return (await withLogLines(run)).lines.map((line) => JSON.parse(line))
}

describe('The audit event', () => {
  it('of a silent call has the record', async () => {
    const lines = await logged(() => lifecycle.post(OPEN, ticket()))
    const record = lines.find(({ message }) => message === 'audit')
    expect(received()).toEqual([{ Source: 'Acme', DetailType: 'Action ended', detail: record }])
    expect(bus.calls[0]?.headers['x-amz-target']).toBe('AWSEvents.PutEvents')
  })

  it('of a task is sent in a step of its own, after the answer', async () => {
    const payload = await lifecycle.accept(OPEN, ticket())
    expect(received()).toEqual([])
    const { operations } = await lifecycle.run(payload)
    expect(operations.slice(-2)).toEqual(['send-finished SUCCEEDED', 'audit-event SUCCEEDED'])
    expect(received()).toMatchObject([{ detail: { audit: 'task', auditId: payload.id, outcome: 'pass' } }])
  })

  it('of a task whose execution repeats its last part is sent once', async () => {
    const payload = await lifecycle.accept(OPEN, ticket())
    const interruption = { checkpoint: 'audit-event SUCCEED', isRecorded: true, effect: 'crash' } as const
    const { status } = await lifecycle.run(payload, { interruption })
    expect([status, received().length]).toEqual(['SUCCEEDED', 1])
  })

  it('of a task that Lambda ended is sent by the finisher', async () => {
    const payload = await lifecycle.accept(OPEN, ticket())
    const interruption = { checkpoint: 'start START', isRecorded: true, effect: 'end' } as const
    const { arn } = await lifecycle.run(payload, { interruption })
    await lifecycle.finish(arn)
    expect(received()).toMatchObject([{ detail: { auditId: payload.id, outcome: 'errored' } }])
  })

  it('of a refused call is sent, even if another durable function calls', async () => {
    writeFileSync(policyFile, JSON.stringify(compilePolicy({ rules: [{ name: 'nothing', deny: 'No' }] })))
    process.env['WEBHOOKS_POLICY_FILE'] = policyFile
    expect((await lifecycle.post(OPEN, ticket())).status).toBe(403)
    const direct = { action: 'open-ticket', caller: 'keptn', connection: 'ticket', input: { title: 'x' } }
    const { result } = await lifecycle.invoke(direct)
    expect(result.getStatus()).toBe('FAILED')
    const refused = { detail: { audit: 'call', outcome: 'rejected', kind: 'forbidden', rules: ['nothing'] } }
    expect(received()).toMatchObject([refused, refused])
  })

  it('is not sent for an acceptance, an invalid call and a read', async () => {
    const { id } = await lifecycle.accept(OPEN, ticket())
    await lifecycle.post(OPEN, { ...triggered(), input: { titel: 'x' } })
    await lifecycle.send('GET', `tasks/${id}`, { headers: lifecycle.authorization('keptn') })
    expect(received()).toEqual([])
  })

  it.each([
    ['is down', () => bus.down(), /ECONNRESET|socket|closed/i],
    ['refuses it', () => bus.failNext(400, { __type: 'AccessDeniedException', message: 'No' }, { times: 9 }), /^No$/],
    [
      'does not accept it',
      () =>
        bus.failNext(200, { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'Later' }] }),
      /^InternalFailure: Later$/,
    ],
  ])('changes nothing for the call if the bus %s, and its failure is logged', async (_what, fail, reason) => {
    const payload = await lifecycle.accept(OPEN, ticket())
    for (const call of [() => lifecycle.run(payload), () => lifecycle.post(OPEN, ticket())]) {
      fail()
      const lines = await logged(async () => {
        const { outcome, status, sent } = (await call()) as { outcome?: object; status: unknown; sent?: string[] }
        expect(sent ?? ['started', 'finished']).toEqual(['started', 'finished'])
        expect(outcome ? 200 : status).toBe(200)
      })
      bus.down(false)
      bus.recover()
      const record = lines.find(({ message }) => message === 'audit')
      expect(lines).toContainEqual(
        expect.objectContaining({
          message: 'audit event not sent',
          auditId: record?.['auditId'],
          reason: expect.stringMatching(reason),
        }),
      )
    }
    expect(platform.tickets).toHaveLength(2)
  })
})

describe('Without the setting', () => {
  it('no event is sent, and a task has no step for it, even if it was turned off since', async () => {
    const payload = await lifecycle.accept(OPEN, ticket())
    delete process.env['WEBHOOKS_AUDIT_EVENTS']
    const { operations } = await lifecycle.run(payload)
    expect(operations.at(-1)).toBe('audit-event SUCCEEDED')
    expect((await lifecycle.call(OPEN, ticket())).operations.at(-1)).toBe('send-finished SUCCEEDED')
    await lifecycle.post(OPEN, ticket())
    expect(bus.calls).toEqual([])
  })
})
