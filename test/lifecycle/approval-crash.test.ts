import { beforeAll, describe, expect, it } from '@jest/globals'
import type { Task } from '../../shared/core/call.ts'
import { readApprovalState } from '../../shared/state/approvals.ts'
import { type Interruption, interruptions } from './execution.ts'
import type { CompletedTask } from './lifecycle.ts'
import { onPage, type Run, type RunOptions, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run, press } = useApprovals()

/** A person approves on the page of a request. */
const approveOnPage = async ({ id }: Task) => {
  await lifecycle.decide(platform.messages.find(({ key }) => key === id)?.page)
}
const stepsOf = ({ operations }: CompletedTask) => operations.map((operation) => operation.split(' ')[0]).join(' ')

/** The end of a run, and its effects. */
async function resultOf({ task, status, outcome, early, late, asked }: Run) {
  const [request] = asked
  const { decision } = request ? await readApprovalState(request.id, untilOf(request)) : {}
  const messages = platform.messages.filter(({ key }) => key === request?.id)
  return {
    status,
    result: outcome?.result,
    sent: lifecycle.sentFor(task),
    jobs: platform.runs.filter(({ key }) => key === task.id).length,
    early,
    late,
    asked: asked.length,
    messages: messages.length,
    openMessages: messages.filter(({ texts }) => texts.length === 1).length,
    decision: decision?.decision,
  }
}
const untilOf = ({ id }: CompletedTask) =>
  lifecycle.invocations.find(({ name }) => name === id)?.payload.approvalOf?.until ?? 0

/**
 * Runs tasks with interruptions, and returns their results by the name of the interruption. At the same time, they move each other's
 * clock, so that the change of a message may time out.
 */
function runAll(all: { name: string; interruption: Interruption }[], optionsOf: (one: Interruption) => RunOptions) {
  return Promise.all(
    all.map(async ({ name, interruption }): Promise<[string, Omit<Result, 'openMessages'>]> => {
      const ended = await run({ people: approveOnPage, ...optionsOf(interruption) })
      const { openMessages: _, ...result } = await resultOf(ended)
      return [name, result]
    }),
  )
}
type Result = Awaited<ReturnType<typeof resultOf>>

const sent = ['started', 'finished']
const passed = {
  status: 'SUCCEEDED',
  result: 'pass',
  sent,
  jobs: 1,
  early: 0,
  late: 0,
  asked: 1,
  messages: 1,
  decision: 'approve',
}

describe('A task that waits for a person', () => {
  let checkpoints: string[]
  let askingCheckpoints: string[]
  beforeAll(async () => {
    deploy([onPage])
    const first = await run({ people: approveOnPage })
    checkpoints = first.checkpoints
    askingCheckpoints = first.asked[0]?.checkpoints ?? []
    expect([stepsOf(first), ...first.asked.map(stepsOf)]).toEqual([
      'send-started require require-preview require-ask-1 require-wait-wake-0 require-wait require-wait-race-0 require-wait-woken-0 start poll send-finished',
      'accept-request decision-wake-0 save-approval start read-decision-0 close-approval report-end send-finished',
    ])
  })

  it('asks once and starts its job once, after the decision, whichever checkpoint its function crashes at', async () => {
    deploy([onPage])
    const ends = await runAll(interruptions(checkpoints, 'crash'), (interruption) => ({ interruption }))
    expect(ends).toEqual(ends.map(([name]) => [name, passed]))
  })

  it('has one end and leaves no open request, whichever checkpoint Lambda ends it at', async () => {
    deploy([onPage])
    const ends: [string, Result][] = []
    for (const { name, interruption } of interruptions(checkpoints, 'end'))
      ends.push([name, await resultOf(await run({ people: approveOnPage, interruption }))])
    expect(ends).toEqual(
      ends.map(([name, { jobs, decision, ...result }]) => {
        const isApproved = decision === 'approve'
        const request = result.asked === 0 ? undefined : expect.stringMatching(/^(approve|cancel)$/)
        const never = { sent, early: 0, late: 0, openMessages: 0, decision: request, jobs: isApproved ? jobs : 0 }
        return [name, { ...result, ...never }]
      }),
    )
    const decisions = ends.map(([, { decision }]) => decision)
    expect(decisions).toEqual(expect.arrayContaining([undefined, 'cancel', 'approve']))
  })

  it('ends as its request has ended, whichever checkpoint Lambda ends the task that asks at', async () => {
    deploy([onPage])
    const ends = await runAll(interruptions(askingCheckpoints, 'end'), (interruption) => ({ asking: { interruption } }))
    expect(ends).toEqual(
      ends.map(([name, { messages, decision }]) => {
        const [result, jobs] = decision === 'approve' ? ['pass', 1] : ['fail', 0]
        return [name, { ...passed, result, jobs, messages, decision }]
      }),
    )
    const decisions = ends.map(([, { decision }]) => decision)
    expect(decisions).toEqual(expect.arrayContaining([undefined, 'approve']))
  })
})

describe('A task that waits for two people', () => {
  it('asks once and starts its job once, whichever checkpoint the function that asks crashes at', async () => {
    deploy([twoPeople])
    const start = async (interruption?: Interruption) => {
      slack.empty()
      const people = async (_asking: Task, wait: string) => {
        expect(await press('approve', wait === 'decision-wake-0' ? 'U0BEN' : 'U0LIZ')).toBe(200)
      }
      const ended = await run({ people, asking: { interruption } })
      return { ...(await resultOf(ended)), messages: slack.posts.length, asking: ended.asked[0] }
    }
    const first = await start()
    expect(first.asking && stepsOf(first.asking)).toBe(
      'accept-request decision-wake-0 save-approval start read-decision-0 decision-wake-1 save-wake-up-1 show-votes-0 read-decision-1 close-approval report-end send-finished',
    )
    for (const { name, interruption } of interruptions(first.asking?.checkpoints ?? [], 'crash')) {
      const { asking: _, ...ended } = await start(interruption)
      expect([name, ended]).toEqual([name, { ...passed, openMessages: 0 }])
    }
  })
})
