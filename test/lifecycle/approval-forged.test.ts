import { describe, expect, it } from '@jest/globals'
import { signToken } from '../../shared/approvals/signed-link.ts'
import type { Task } from '../../shared/core/call.ts'
import { askingTasksOf } from '../../shared/core/task/ask.ts'
import { readApproval, saveApproval, saveDecision } from '../../shared/state/approvals.ts'
import { readWaiter } from '../../shared/state/waiters.ts'
import { closeCallback } from '../../shared/state/wake.ts'
import { triggered } from './lifecycle.ts'
import { onPage, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run, press } = useApprovals()

const START = 'start-run?connection=job'
const input = { target: 'deploy' }
const DAY_MS = 86_400_000
const pageOf = ({ id }: Task) => platform.messages.find(({ key }) => key === id)?.page ?? ''
const decide = (decision: 'approve' | 'reject') => (asking: Task) => lifecycle.decide(pageOf(asking), { decision })

describe('A forged payload', () => {
  it('of a task without its requirements, or with others, starts nothing and asks no one', async () => {
    deploy([twoPeople])
    const task = await lifecycle.accept(START, { input })
    const [requirement] = task.requirements ?? []
    const weaker = { ...requirement, ask: { connection: 'ops', count: 1 } }
    const { seal: _, ...unsealed }: Task & { seal?: string } = { ...task }
    for (const forged of [
      { ...task, requirements: undefined },
      { ...task, requirements: [] },
      { ...task, requirements: [weaker] },
      { ...task, waitAtMost: 1 },
      { ...task, skip: undefined, approvalOf: undefined, input: { target: 'other' } },
      unsealed,
    ]) {
      const { status, arn, sent } = await lifecycle.run(forged as Task)
      expect([status, sent]).toEqual(['FAILED', []])
      expect(await lifecycle.finish(arn, { status: 'FAILED' })).toMatchObject({ finished: false })
    }
    expect([platform.runs, slack.posts]).toEqual([[], []])
  })

  it('is refused even if the key is not available at the start, and another payload starts when it is', async () => {
    deploy([])
    const task = await lifecycle.accept(START, { input })
    const identity = lifecycle.secrets.get('cloud-automation-webhooks/identity')
    const runLater = (payload: Task) => {
      let reads = 0
      lifecycle.replace('identity', { toJSON: () => (reads++ < 3 ? {} : identity) })
      return lifecycle.run(payload)
    }
    const forged = await runLater({ ...task, input: { target: 'other' } })
    expect([forged.status, forged.sent, platform.runs]).toEqual(['FAILED', [], []])
    expect(await lifecycle.finish(forged.arn, { status: 'FAILED' })).toMatchObject({ finished: false })
    expect((await runLater(task)).outcome).toMatchObject({ result: 'pass' })
    expect(platform.runs).toHaveLength(1)
  })

  it('of a task that asks people for another one is refused', async () => {
    deploy([onPage])
    const [one, other] = [await run({ people: decide('reject') }), await run({ people: decide('reject') })]
    const payloadOf = (id = '') => lifecycle.invocations.find(({ name }) => name === id)?.payload as Task
    const [first, second] = [payloadOf(one.asked[0]?.id), payloadOf(other.asked[0]?.id)]
    const messages = platform.messages.length
    for (const forged of [
      { ...first, approvalOf: second.approvalOf },
      { ...first, approvalOf: undefined },
      { ...first, approvalOf: { ...first.approvalOf, count: 0 } },
      { ...first, id: second.id },
    ]) {
      const { status, arn } = await lifecycle.run(forged as Task)
      expect(status).toBe('FAILED')
      expect(await lifecycle.finish(arn, { status: 'FAILED' })).toMatchObject({ finished: false })
    }
    expect(platform.messages).toHaveLength(messages)
  })
})

describe('An approval', () => {
  it('of an earlier task with the same id approves nothing, and its link neither', async () => {
    deploy([onPage])
    const task = await lifecycle.accept(START, { input })
    const [{ id } = { id: '' }] = await askingTasksOf(task)
    const deadlineAt = Date.now() + 1_000
    const message = { mood: 'waiting' as const, title: 'Earlier', fields: [], links: [] }
    await saveApproval(id, { connection: 'chat', hasButtons: false, message, deadlineAt }, 'callback')
    const approved = { decision: 'approve' as const, by: 'Jane', at: new Date().toISOString() }
    expect((await saveDecision(id, approved))?.decision).toEqual(approved)
    const statuses: (number | undefined)[] = []
    const { outcome, early, asked } = await run({
      task,
      async people(asking) {
        const earlier = await signToken(id, Math.floor((Date.now() - 14 * DAY_MS) / 1_000))
        statuses.push((await lifecycle.decide(`approvals/${earlier}`)).statusCode)
        statuses.push((await decide('reject')(asking)).statusCode)
      },
    })
    expect([statuses, early, asked.length, platform.runs.length]).toEqual([[410, 200], 0, 1, 0])
    expect(outcome).toMatchObject({ result: 'fail', message: 'Nothing was started: Rejected by link: Jane Doe.' })
  })

  it('is given only with its own token', async () => {
    deploy([onPage, { ...onPage, name: 'another person' }])
    const statuses: number[] = []
    const { outcome } = await run({
      async people() {
        const pages = platform.messages.map(({ page }) => page.split(/[./]/))
        const [one = [], other = []] = pages
        // The id of one request, and the signature of the other.
        if (other.length > 0)
          for (const forged of [
            [one[1], other[2], other[3]],
            [one[1], one[2], other[3]],
            [one[1], 'zzzzzz', one[3]],
          ])
            statuses.push((await lifecycle.decide(`approvals/${forged.join('.')}`)).statusCode)
        return 'open'
      },
    })
    expect(statuses.slice(-3)).toEqual([403, 403, 403])
    expect([outcome?.result, platform.runs]).toEqual(['fail', []])
  })

  it('is not given by a forged wake-up of the tasks', async () => {
    deploy([onPage])
    const forged = JSON.stringify({ decision: 'approve', by: 'Mallory', at: new Date().toISOString(), metAt: 1 })
    const { outcome } = await run({
      async people(asking, wait) {
        const { category, taskId } = asking.approvalOf ?? { category: '', taskId: '' }
        const ids = [await readWaiter(category, taskId), await readApproval(asking.id)].map((one) => one?.callbackId)
        if (wait === 'decision-wake-0') for (const id of ids) expect(await closeCallback(id ?? '', forged)).toBe(true)
        return 'open'
      },
    })
    expect(outcome).toMatchObject({ result: 'fail', message: expect.stringContaining('the call has waited for 2 h') })
    expect(platform.runs).toEqual([])
  })
})

describe('A task that is run again', () => {
  it('asks again, under the policy of today', async () => {
    deploy([onPage])
    const first = await run({ people: decide('reject') })
    deploy([twoPeople])
    expect(await lifecycle.command('rerun', first.id)).toMatchObject({ status: 202, body: { duplicate: false } })
    const task = lifecycle.newest()
    expect(task.requirements).toMatchObject([{ rule: 'two people' }])
    const people = (_: Task, wait: string) => press('approve', wait === 'decision-wake-0' ? 'U0BEN' : 'U0LIZ')
    const again = await run({ task, people })
    expect([again.outcome?.result, again.early, platform.runs.length]).toEqual(['pass', 0, 1])
    expect(again.asked[0]?.id).not.toBe(first.asked[0]?.id)
  })

  it('is never the one that asks people', async () => {
    deploy([onPage])
    const { task, asked } = await run({ people: decide('reject') })
    expect(await lifecycle.command('rerun', asked[0]?.id ?? '')).toMatchObject({
      status: 400,
      body: { detail: `This task only asked people for the task ${task.id}. Run that one again.` },
    })
  })
})

describe('A call that is delivered again', () => {
  it.each([
    ['weaker', []],
    ['stricter', [twoPeople, { name: 'one at a time', oneAtATime: { per: '{service}' } }]],
  ])('keeps the requirements of its first delivery under a %s policy', async (_, rules) => {
    deploy([onPage])
    const event = { ...triggered(), input }
    const post = () => lifecycle.post(`${START}&mode=interactive`, event)
    const task = lifecycle.accepted(await post())
    deploy(rules)
    expect(await post()).toMatchObject({ status: 202, body: { taskId: task.id, duplicate: true } })
    expect(lifecycle.invocations.filter(({ name }) => name === task.id)).toHaveLength(1)
    // The task also runs after the new deployment.
    const { outcome, early, asked } = await run({ task, people: decide('approve') })
    expect([outcome?.result, early, asked.length, platform.runs.length]).toEqual(['pass', 0, 1, 1])
  })
})
