import { describe, expect, it } from '@jest/globals'
import type { Task } from '../../shared/core/call.ts'
import { changeStops } from '../../shared/core/stops.ts'
import { passTime } from './runner.ts'
import { onPage, useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run, press } = useApprovals()

const inSlack = { name: 'in Slack', approve: { connection: 'ops' } }
const MINUTE = 60
const isInSlack = ({ connection }: Task) => connection === 'ops'
const decideOnPage = async ({ id }: Task, decision: 'approve' | 'reject') =>
  lifecycle.decide(platform.messages.find(({ key }) => key === id)?.page, { decision })
const decide = (asking: Task, decision: 'approve' | 'reject') =>
  isInSlack(asking) ? press(decision) : decideOnPage(asking, decision)
const approve = (asking: Task) => decide(asking, 'approve')
const shown = () => JSON.stringify(slack.posts[0]?.blocks)
/** Waits until another request has been posted. The tasks that ask run at the same time. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

/** Returns a freeze that ends in some minutes. */
function freeze(minutes: number, more: object = { otherwise: 'wait' }) {
  return { name: 'freeze', freeze: [{ from: at(-60), to: at(minutes), reason: 'Migration' }], ...more }
}
const at = (minutes: number) => new Date(Date.now() + minutes * MINUTE * 1_000).toISOString().slice(0, 16)
const breakGlass = (minutes: number) => freeze(minutes, { otherwise: 'approve', approve: { connection: 'ops' } })

/** Runs a task, and returns after how many minutes its job was started. */
async function timed(options: Parameters<typeof run>[0]) {
  const acceptedAt = Date.now()
  let minutes: number | undefined
  const ended = await run({
    ...options,
    async onCheckpoint(name) {
      await options?.onCheckpoint?.(name)
      if (/(^| )start START/.test(name)) minutes ??= Math.round((Date.now() - acceptedAt) / MINUTE / 1_000)
    },
  })
  return { ...ended, minutes }
}

describe('Two rules with approvals', () => {
  it('both ask, and the action starts when both are met', async () => {
    deploy([onPage, inSlack])
    const { outcome, early, asked } = await run({ people: approve })
    expect([outcome?.result, early, asked.length, platform.runs.length]).toEqual(['pass', 0, 2, 1])
  })

  it('end with one rejection, which closes the other message', async () => {
    deploy([onPage, inSlack])
    const { outcome, asked } = await run({
      async people(asking) {
        if (isInSlack(asking)) return 'open'
        await until(() => slack.posts.length > 0)
        return decide(asking, 'reject')
      },
    })
    const reason = 'Rejected by link: Jane Doe'
    expect(outcome).toMatchObject({ result: 'fail', message: `Nothing was started: ${reason}.` })
    expect(asked.map((request) => request.outcome?.message)).toEqual([reason, `Canceled by its task: ${reason}`])
    expect(shown()).toContain(`Canceled by its task: ${reason}`)
    expect(platform.runs).toEqual([])
  })

  it('start nothing if one is not decided', async () => {
    deploy([onPage, inSlack])
    const { outcome } = await run({ people: async (asking) => (isInSlack(asking) ? 'open' : approve(asking)) })
    const message =
      'Nothing was started: the call has waited for 2 h. Waits for an approval, asked by the connection ops: in Slack'
    expect([outcome?.result, outcome?.message, platform.runs]).toEqual(['fail', expect.stringContaining(message), []])
    expect(shown()).toContain('Expired: no one decided in time')
  })
})

describe('An approval together with a window', () => {
  it('waits for people first, and then until the window opens', async () => {
    deploy([freeze(90), onPage])
    const { task, outcome, minutes } = await timed({ people: approve })
    expect(task.requirements?.map(({ type }) => type)).toEqual(['approval', 'window'])
    expect([outcome?.result, minutes]).toEqual(['pass', expect.closeTo(90, -1)])
  })

  it('starts nothing if the window does not open in time, although people have approved', async () => {
    deploy([freeze(180), onPage])
    const { outcome } = await run({ people: approve })
    expect(outcome).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(/^Nothing was started: the call has waited for 2 h\. Waits until .+: freeze/),
    })
    expect(platform.runs).toEqual([])
  })
})

describe('Breaking the glass of a freeze', () => {
  it('starts the action while the window is closed', async () => {
    deploy([breakGlass(90)])
    const { outcome, early, minutes } = await timed({ people: approve })
    expect([outcome?.result, early, minutes]).toEqual(['pass', 0, expect.closeTo(1, 0)])
  })

  it('is no longer needed when the window opens, and the message says so', async () => {
    deploy([breakGlass(90)])
    const { outcome, minutes } = await timed({ people: async () => 'open' })
    expect([outcome?.result, minutes]).toEqual(['pass', expect.closeTo(90, -1)])
    expect(shown()).toContain('Canceled by its task: the action may start without it')
    expect(shown()).not.toContain('"type":"button"')
  })

  it('ends with a rejection, although the window would open in time', async () => {
    deploy([breakGlass(90)])
    const { outcome } = await run({ people: (asking) => decide(asking, 'reject') })
    expect([outcome?.result, platform.runs]).toEqual(['fail', []])
  })

  it('closes the request for the second of two windows if Lambda ends the task', async () => {
    deploy([freeze(90), { ...breakGlass(80), name: 'glass' }])
    const { asked } = await run({
      interruption: { checkpoint: 'require-wait RETRY', isRecorded: true, effect: 'end' },
      people: async () => 'open',
    })
    expect(asked.map(({ outcome }) => outcome?.message)).toEqual(['Canceled by its task: An operator stopped the task'])
    expect(shown()).not.toContain('"type":"button"')
  })

  it('asks no one while the window is open', async () => {
    deploy([breakGlass(-1)])
    const { outcome, asked } = await run()
    expect([outcome?.result, asked, slack.posts]).toEqual(['pass', [], []])
  })
})

describe('A stop after people have approved', () => {
  /** Stops the action before its first attempt, and lifts the stop after some minutes. */
  function stopFor(minutes: number) {
    let isStopped = false
    return async (name: string) => {
      if (!isStopped && /(^| )start START/.test(name)) {
        isStopped = true
        await changeStops(() => [{ id: 'incident', reason: 'bad release', by: 'jane@example.com', at: Date.now() }])
        passTime(6)
      } else if (/^hold RETRY/.test(name)) {
        passTime(minutes * MINUTE)
        await changeStops(() => [])
      }
    }
  }

  it.each([
    ['one approval', () => [onPage]],
    ['two approvals', () => [onPage, inSlack]],
    ['a freeze that people break', () => [breakGlass(90)]],
  ])('starts the action when it is lifted, without another question: %s', async (_what, rules) => {
    deploy(rules())
    const acceptedAt = Date.now()
    const { outcome, operations, asked } = await run({ people: approve, onCheckpoint: stopFor(30) })
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(operations).toEqual(expect.arrayContaining([expect.stringMatching(/^hold/)]))
    expect([asked.length, platform.runs.length]).toEqual([rules().length, 1])
    expect((Date.now() - acceptedAt) / MINUTE / 1_000).toBeLessThan(60)
  })

  it('waits again if the window has closed, although the question was withdrawn', async () => {
    const { freeze: windows, ...rule } = breakGlass(60)
    deploy([{ ...rule, freeze: [...windows, ...freeze(90).freeze.map((window) => ({ ...window, from: at(70) }))] }])
    const { outcome, minutes } = await timed({ people: async () => 'open', onCheckpoint: stopFor(15) })
    expect(outcome).toMatchObject({ result: 'pass' })
    expect(minutes).toEqual(expect.closeTo(60, -1))
    expect(platform.runs).toHaveLength(1)
  })
})

describe('Breaking the glass of a limit of starts', () => {
  let limits = 0
  const limit = () => ({
    name: `limit ${++limits}`,
    atMost: { count: 1, per: 'PT1H', for: '{service}' },
    otherwise: 'approve',
    approve: { connection: 'ops' },
  })

  it('asks no one below the limit, and above it people let the action start', async () => {
    deploy([limit()])
    const first = await run()
    expect([first.outcome?.result, first.asked, slack.posts]).toEqual(['pass', [], []])
    const second = await timed({ people: approve })
    expect([second.outcome?.result, second.asked.length, second.minutes]).toEqual(['pass', 1, expect.closeTo(1, 0)])
    expect(platform.runs).toHaveLength(2)
  })

  it('is no longer needed when the next action may start', async () => {
    deploy([limit()])
    await run()
    const { outcome, minutes } = await timed({ people: async () => 'open' })
    expect([outcome?.result, minutes]).toEqual(['pass', expect.closeTo(60, -1)])
    expect(shown()).toContain('Canceled by its task: the action may start without it')
  })

  it('ends with a rejection', async () => {
    deploy([limit()])
    await run()
    const { outcome } = await run({ people: (asking) => decide(asking, 'reject') })
    expect([outcome?.result, platform.runs.length]).toEqual(['fail', 1])
  })
})

describe('A request that has changed since people were asked', () => {
  const job = () => ({ provider: 'job', baseUrl: platform.url, token: 'token-of-the-platform' })
  /** Runs a task whose connection gets another URL before the decision. */
  async function runChanged(rules: object[]) {
    deploy(rules)
    const ended = await run({
      async people(asking) {
        lifecycle.replace('connections/notification/job', {
          ...job(),
          baseUrl: platform.url.replace('127.0.0.1', 'localhost'),
        })
        return approve(asking)
      },
    })
    lifecycle.replace('connections/notification/job', job())
    return ended
  }

  it('is not sent', async () => {
    const { outcome } = await runChanged([onPage])
    expect(outcome).toMatchObject({ result: 'fail', message: expect.stringContaining('so it was not sent') })
    expect(platform.runs).toEqual([])
  })

  it('is sent if the rule allows it', async () => {
    const { outcome } = await runChanged([{ ...onPage, approve: { ...onPage.approve, changed: 'run' } }])
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('is not sent if only one of two rules allows it', async () => {
    const { outcome } = await runChanged([{ ...onPage, approve: { ...onPage.approve, changed: 'run' } }, inSlack])
    expect([outcome?.result, platform.runs]).toEqual(['fail', []])
  })

  it('each time is not shown, and the message says why', async () => {
    deploy([inSlack])
    const { outcome } = await run({ target: 'start-run?connection=varied', people: approve })
    expect(shown()).toContain('Not known, because a dry run failed')
    expect(shown()).toContain('What would be sent differs with each attempt.')
    expect(outcome?.result).toBe('pass')
  })
})
