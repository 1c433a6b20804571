import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import type { AuditedDecision } from '../../shared/audit.ts'
import { withLogLines } from '../log-lines.ts'
import { triggered } from './lifecycle.ts'
import { category, PLATFORM_TOKEN, useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
beforeAll(() => {
  // The setting must not suppress the audit lines.
  process.env['WEBHOOKS_LOG_LEVEL'] = 'ERROR'
})

const open = 'open-ticket?connection=ticket'
const ticket = (title = 'Checkout is slow') => ({ ...triggered(), input: { title } })

type Line = Record<string, unknown>

/** Returns the audit lines that are written during a function. */
async function audited(run: () => Promise<unknown>): Promise<Line[]> {
  const { lines } = await withLogLines(run)
  expect(lines.join('')).not.toContain(PLATFORM_TOKEN)
  return lines.filter((line) => line.includes('"audit":')).map((line) => JSON.parse(line))
}

/** From the first release on, fields are only added. */
const FIELDS =
  'level message timestamp auditId audit outcome kind category action connection provider mode dryRun caller person by ' +
  'rules decisions inputDigest eventId taskId durationMs requestId traceId policyDigest stop'

describe('The audit line', () => {
  it('of a silent call says who did what, with which connection, and how it ended', async () => {
    const event = ticket()
    const lines = await audited(() => lifecycle.post(open, event))
    expect(lines).toEqual([
      {
        level: 'INFO',
        message: 'audit',
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        audit: 'call',
        category: category.name,
        caller: 'keptn',
        action: 'open-ticket',
        connection: 'ticket',
        provider: 'ticket',
        mode: 'silent',
        dryRun: false,
        eventId: event.id,
        taskId: null,
        outcome: 'pass',
        kind: null,
        durationMs: expect.any(Number),
        requestId: expect.any(String),
        traceId: null,
        by: null,
        auditId: expect.stringMatching(/^[\da-f-]{36}$/),
        person: null,
        rules: [],
        stop: null,
        decisions: [],
        inputDigest: expect.stringMatching(/^[\da-f]{64}$/),
        policyDigest: null,
      },
    ])
    expect(Object.keys(lines[0] ?? {}).join(' ')).toBe(FIELDS)
  })

  it('documents each of its fields, and those of a decision', () => {
    const operate = readFileSync(join(import.meta.dirname, '../../docs/operate.md'), 'utf8')
    const [, section = ''] = operate.split('## Audit trail')
    const decision: Required<AuditedDecision> = { rule: '', decision: 'approve', by: '', at: '', reason: null }
    expect(
      [...FIELDS.split(' '), ...Object.keys(decision)].filter((field) => !section.includes(`\`${field}\``)),
    ).toEqual([])
  })

  it('of an interactive call has a second line when the task ends', async () => {
    const lines = await audited(async () => lifecycle.run(await lifecycle.accept(open, ticket())))
    const [call, task] = lines
    expect(lines).toHaveLength(2)
    expect(call).toMatchObject({ audit: 'call', mode: 'interactive', outcome: 'accepted', caller: 'keptn' })
    expect(task).toMatchObject({ audit: 'task', taskId: call?.['taskId'], outcome: 'pass', caller: 'keptn' })
    expect(task).toMatchObject({ connection: 'ticket', requestId: null, durationMs: expect.any(Number) })
  })

  it.each([
    ['without a valid token', { headers: {} }, { caller: null, kind: 'unauthenticated', outcome: 'rejected' }],
    ['with an invalid input', { body: '{"input":{}}' }, { caller: 'keptn', kind: 'invalid', outcome: 'rejected' }],
  ])('of a call %s has the reason', async (_what, request, expected) => {
    const headers = { ...lifecycle.authorization('keptn'), 'content-type': 'application/json' }
    const query = { multiValueQueryStringParameters: { connection: ['ticket'] } }
    const lines = await audited(() => lifecycle.request('POST', 'open-ticket', { headers, ...query, ...request }))
    expect(lines).toMatchObject([{ audit: 'call', action: 'open-ticket', ...expected }])
  })

  it('of a call whose platform fails is errored', async () => {
    platform.failNext(500, { message: `leaks ${PLATFORM_TOKEN}` }, { on: 'POST', done: true })
    const lines = await audited(() => lifecycle.post(open, { ...ticket(), id: undefined }))
    expect(lines).toMatchObject([{ outcome: 'errored', kind: 'platform', connection: 'ticket' }])
  })

  it('of a decision names the person', async () => {
    const reject = {
      onWait: async () => void (await lifecycle.decide(platform.messages[0]?.page, { decision: 'reject' })),
    }
    const lines = await audited(() => lifecycle.call('ask-approval?connection=chat', {}, reject))
    const [call, decision] = lines
    expect(lines).toMatchObject([
      { audit: 'call', by: null },
      { audit: 'decision', caller: null, connection: 'chat', outcome: 'reject', by: 'link: Jane Doe' },
      { audit: 'task', outcome: 'fail', by: null },
    ])
    expect(decision).toMatchObject({ taskId: call?.['taskId'], category: category.name })
  })

  it('of a task that Lambda ended is written by the finisher', async () => {
    const payload = await lifecycle.accept(open, ticket())
    const interruption = { checkpoint: 'start START', isRecorded: true, effect: 'end' } as const
    const { arn } = await lifecycle.run(payload, { interruption })
    const lines = await audited(() => lifecycle.finish(arn))
    expect(lines).toMatchObject([{ audit: 'task', taskId: payload.id, caller: 'keptn', outcome: 'errored' }])
  })

  it('names the caller that canceled a task, and is not written for a read', async () => {
    platform.states = ['busy']
    const { id } = await lifecycle.accept('start-run?connection=attended', { ...triggered(), input: { target: 'x' } })
    const lines = await audited(async () => {
      await lifecycle.send('GET', `tasks/${id}`, { headers: lifecycle.authorization('keptn') })
      await lifecycle.command('cancel', id)
    })
    expect(lines).toMatchObject([{ audit: 'cancel', caller: 'keptn', taskId: id, outcome: 'accepted' }])
  })
})
