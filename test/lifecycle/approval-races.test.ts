import { beforeEach, describe, expect, it } from '@jest/globals'
import { serve } from '../../infra/testing/loopback-server.ts'
import type { Task } from '../../shared/core/call.ts'
import { describeDecision } from '../../shared/state/approval-decision.ts'
import {
  endApproval,
  expireApproval,
  readApproval,
  readApprovalState,
  saveApproval,
  saveDecision,
  saveVote,
} from '../../shared/state/approvals.ts'
import { wakeTask } from '../../shared/state/wake.ts'
import type { Message } from '../../shared/text/message.ts'
import { forward } from '../functions/load-testing/table.ts'
import { passTime, withPauses } from './runner.ts'
import { type Run, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run, press } = useApprovals()
beforeEach(() => deploy([twoPeople]))

const untilOf = ({ approvalOf }: Task) => approvalOf?.until ?? 0
const waitingFor = ({ approvalOf }: Task) => ({ category: 'notification', taskId: approvalOf?.taskId ?? '' })
const vote = (by: string, at: number) => ({ decision: 'approve' as const, by, at: new Date(at).toISOString() })

const acts = {
  approve: () => press('approve', 'U0LIZ'),
  reject: () => press('reject', 'U0JANE'),
  cancel: (asking: Task) => lifecycle.command('cancel', waitingFor(asking).taskId),
}
type Act = keyof typeof acts

/** Runs a task that one person has approved, and then some things happen at the same time. */
async function race(...order: Act[]) {
  let request: Task | undefined
  const ended = await run({
    async people(asking) {
      // The first vote wakes the request, which may wait again before the others.
      if (request) return 'open'
      request = asking
      expect(await press('approve', 'U0BEN')).toBe(200)
      await withPauses(() => Promise.all(order.map((act) => acts[act](asking))))
      return 'open'
    },
  })
  if (!request) throw new Error('No one was asked.')
  return { ...ended, state: await readApprovalState(request.id, untilOf(request)) }
}

/** The end of a run: the task, its request, the message and the job agree. */
const endOf = ({ outcome, asked }: Run) => ({
  result: outcome?.result,
  jobs: platform.runs.length,
  asking: asked[0]?.outcome?.message,
  isShown: JSON.stringify(slack.posts[0]?.blocks).includes(asked[0]?.outcome?.message ?? '-'),
})

describe('A request that two people have to approve', () => {
  it.each<[Act, Act]>([
    ['approve', 'reject'],
    ['reject', 'approve'],
  ])('has one end if the last ones %s and %s at the same time', async (...order) => {
    const ended = await race(...order)
    const { decision } = ended.state
    const isApproved = decision?.decision === 'approve'
    expect(endOf(ended)).toEqual({
      result: isApproved ? 'pass' : 'fail',
      jobs: isApproved ? 1 : 0,
      asking: describeDecision(decision),
      isShown: true,
    })
    expect(ended.state.votes).toHaveLength(isApproved ? 2 : 1)
    expect(slack.ephemerals.at(-1)?.text).toContain(`Already decided. ${describeDecision(decision)}`)
  })

  it.each<[Act, Act]>([
    ['approve', 'cancel'],
    ['cancel', 'approve'],
  ])('starts nothing if the last ones %s and %s at the same time', async (...order) => {
    const ended = await race(...order)
    expect(ended.outcome).toMatchObject({ status: 'aborted', result: 'fail' })
    expect(endOf(ended)).toMatchObject({ jobs: 0, asking: describeDecision(ended.state.decision), isShown: true })
  })

  it('is approved once by two people at the same time', async () => {
    const ended = await run({
      async people() {
        await withPauses(() => Promise.all([press('approve', 'U0BEN'), press('approve', 'U0LIZ')]))
        return 'open'
      },
    })
    expect(endOf(ended)).toMatchObject({ result: 'pass', jobs: 1, isShown: true })
    expect(endOf(ended).asking).toMatch(/^Approved by (Ben Roe \(U0BEN\), Liz|Liz Poe \(U0LIZ\), Ben) /)
  })

  it('counts one person once who presses the button twice at the same time', async () => {
    const ended = await run({
      async people(asking, wait) {
        if (wait !== 'decision-wake-0') return press('approve', 'U0LIZ')
        await withPauses(() => Promise.all([press('approve', 'U0BEN'), press('approve', 'U0BEN')]))
        expect((await readApprovalState(asking.id, untilOf(asking))).votes).toHaveLength(1)
        return 'open'
      },
    })
    expect(endOf(ended)).toMatchObject({ result: 'pass', jobs: 1, isShown: true })
    expect(endOf(ended).asking).toBe('Approved by Ben Roe (U0BEN), Liz Poe (U0LIZ)')
  })

  it('is approved by the last vote before the end, although nothing wakes its task', async () => {
    const ended = await run({
      async people(asking) {
        await saveVote(asking.id, 'U0BEN', vote('Ben', Date.now()))
        passTime((untilOf(asking) - Date.now()) / 1_000 - 0.1)
        await saveVote(asking.id, 'U0LIZ', vote('Liz', untilOf(asking) - 1))
        return 'open'
      },
    })
    expect(endOf(ended)).toMatchObject({ result: 'pass', jobs: 1, asking: 'Approved by Ben, Liz' })
  })

  it('is not approved by a function whose clock is behind, after its task has ended it', async () => {
    let request: Task | undefined
    const ended = await run({
      async people(asking) {
        request = asking
        await saveVote(asking.id, 'U0BEN', vote('Ben', Date.now()))
        return 'open'
      },
    })
    if (!request) throw new Error('No one was asked.')
    expect(await saveVote(request.id, 'U0LIZ', vote('Liz', untilOf(request) - 1))).toBeUndefined()
    expect(await press('approve', 'U0LIZ').catch(String)).toContain('no button')
    expect(endOf(ended)).toMatchObject({ result: 'fail', jobs: 0 })
  })

  it('is approved once by a vote between the save of a wake-up and the check after it', async () => {
    const table = process.env['AWS_ENDPOINT_URL_DYNAMODB'] ?? ''
    let voted: Promise<number> | undefined
    const voteOnce = () => {
      voted ??= press('approve', 'U0LIZ')
      return voted
    }
    const startedAt = Date.now()
    const proxy = await serve(async (call) => {
      const saved = await forward(table, call)
      // The wake-up after one without a decision.
      if (call.text.includes('waiter#') && call.text.includes('"round":{"N":"1"}')) await voteOnce()
      return saved
    })
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = proxy.url
    const ended = await run({
      async people(asking) {
        process.env['AWS_ENDPOINT_URL_DYNAMODB'] = table
        await saveVote(asking.id, 'U0BEN', vote('Ben', Date.now()))
        process.env['AWS_ENDPOINT_URL_DYNAMODB'] = proxy.url
        expect(await wakeTask(waitingFor(asking))).toBe(true)
        return 'open'
      },
    }).finally(() => {
      process.env['AWS_ENDPOINT_URL_DYNAMODB'] = table
      return proxy.close()
    })
    expect([await voted, endOf(ended).result, endOf(ended).jobs]).toEqual([200, 'pass', 1])
    expect(ended.operations).toContain('require-wait-1 SUCCEEDED')
    expect((Date.now() - startedAt) / 1_000).toBeLessThan(300)
  })
})

describe('The table', () => {
  const message: Message = { mood: 'waiting', title: '', fields: [], links: [] }
  const ends = {
    'last vote': (id: string, until: number) => saveVote(id, 'U0LIZ', vote('Liz', until - 1)),
    rejection: (id: string, until: number) => saveDecision(id, { ...vote('Jane', until - 1), decision: 'reject' }),
    'end of the waiting task': (id: string, until: number) => endApproval(id, until, undefined),
    'end of the asking task': (id: string) => expireApproval(id),
    failure: (id: string, until: number) => endApproval(id, until, { failure: 'Stopped' }),
  }

  it('accepts exactly one end of a request, in whichever order they come', async () => {
    const seen = new Set<string>()
    for (let round = 0; round < 30; round++) {
      const [id, until] = [`request-${round}`, Date.now() + 60_000]
      await saveApproval(id, { connection: 'ops', hasButtons: true, message, deadlineAt: until, count: 2 }, 'callback')
      await saveVote(id, 'U0BEN', vote('Ben', Date.now()))
      const all = Object.values(ends)
      const order = [...all.slice(round % all.length), ...all.slice(0, round % all.length)]
      await withPauses(() => Promise.all(order.map((end) => end(id, until))))
      const { decision, isExpired, failure } = (await readApproval(id)) ?? {}
      const ended = [decision?.decision, isExpired ? 'expired' : undefined, failure].filter((one) => one !== undefined)
      expect(ended).toHaveLength(1)
      seen.add(String(ended[0]))
    }
    expect(seen.size).toBeGreaterThan(2)
  })
})
