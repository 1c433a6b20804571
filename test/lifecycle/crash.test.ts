import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type ExecutionOptions, type Interruption, interruptions } from './execution.ts'
import { useLifecycle } from './platform.ts'

const { lifecycle, platform } = useLifecycle()
const busyOnce = () => void Object.assign(platform, { states: ['busy', 'done'] })
beforeAll(busyOnce)
beforeEach(busyOnce)

interface Scenario {
  /** The call that starts the task. */
  target: string
  input: object
  /** Defaults to a caller of Keptn, which receives the answers. */
  caller?: 'poll'
  /** The callback during which people approve. */
  approvedAt?: string
  /** The durable steps, which this test interrupts one after the other. */
  steps: string[]
}

const DAY = 'deadline=P1D'
const scenarios: Record<string, Scenario> = {
  'an action that completes at once': {
    target: `open-ticket?connection=ticket&${DAY}`,
    input: { title: 'Checkout is slow' },
    steps: ['send-started', 'start', 'send-finished'],
  },
  'a job': {
    target: `start-run?connection=job&${DAY}`,
    input: { target: 'deploy' },
    steps: ['send-started', 'start', 'poll', 'send-finished'],
  },
  'a job, whose caller polls': {
    target: `start-run?connection=job&${DAY}`,
    input: { target: 'deploy' },
    caller: 'poll',
    steps: ['send-started', 'start', 'poll', 'send-finished'],
  },
  'an approval': {
    target: `ask-approval?connection=chat&${DAY}`,
    input: {},
    steps: [
      'send-started',
      'decision-wake-0',
      'save-approval',
      'start',
      'read-decision-0',
      'close-approval',
      'send-finished',
    ],
  },
  'an approval that is granted after the reminder': {
    target: `ask-approval?connection=chat&${DAY}`,
    input: {},
    approvedAt: 'decision-wake-1',
    steps: [
      'send-started',
      'decision-wake-0',
      'save-approval',
      'start',
      'read-decision-0',
      'decision-wake-1',
      'save-wake-up-1',
      'remind',
      'read-decision-1',
      'close-approval',
      'send-finished',
    ],
  },
}

/** Approves the request of a task on its page. */
async function approve(key: string): Promise<void> {
  await lifecycle.decide(platform.messages.find((message) => message.key === key)?.page)
}

async function run({ target, input, caller, approvedAt = 'decision-wake-0' }: Scenario, interruption?: Interruption) {
  const event = caller === 'poll' ? { id: randomUUID(), input } : { input }
  const task = await lifecycle.accept(target, event, caller)
  const options: ExecutionOptions = {
    interruption,
    onWait: async (name) => {
      if (name === approvedAt) await approve(task.id)
    },
  }
  const ended = await lifecycle.run(task, options)
  return { task, ...ended, writes: writesOf(task.id) }
}

/** Kinds of the answers that the orchestrator of a scenario receives. */
const answersTo = ({ caller }: Scenario) => (caller === 'poll' ? [] : ['started', 'finished'])

/** Number of objects that a task created at the platform. */
function writesOf(id: string): number {
  return [platform.tickets, platform.runs, platform.messages].flat().filter(({ key }) => key === id).length
}

describe.each(Object.entries(scenarios))('A task with %s', (_name, scenario) => {
  let checkpoints: string[]
  beforeAll(async () => {
    checkpoints = (await run(scenario)).checkpoints
  })

  it('records each of its steps', () => {
    // A checkpoint without updates reads the operations.
    const updates = checkpoints.flatMap((checkpoint) => checkpoint.split(', ')).filter((update) => update !== '')
    expect([...new Set(updates.map((update) => update.split(' ')[0]))]).toEqual(scenario.steps)
  })

  it('writes once and answers once, whichever checkpoint its function crashes at', async () => {
    const ends = await Promise.all(
      interruptions(checkpoints, 'crash').map(async ({ name, interruption }) => {
        const { status, outcome, sent, writes } = await run(scenario, interruption)
        return [name, { status, result: outcome?.result, sent, writes }]
      }),
    )
    const expected = { status: 'SUCCEEDED', result: 'pass', sent: answersTo(scenario), writes: 1 }
    expect(ends).toEqual(ends.map(([name]) => [name, expected]))
  })

  it('is answered once by the finisher, whichever checkpoint Lambda ends it at', async () => {
    const ends = await Promise.all(
      interruptions(checkpoints, 'end').map(async ({ name, interruption }) => {
        const { task, arn, writes } = await run(scenario, interruption)
        await lifecycle.finish(arn)
        return [name, { sent: lifecycle.sentFor(task), writesTwice: writes > 1 }]
      }),
    )
    const expected = { sent: answersTo(scenario), writesTwice: false }
    expect(ends).toEqual(ends.map(([name]) => [name, expected]))
  })
})

it('A task whose start crashed waits a minute, in which its request may still arrive, before it looks for the effect', async () => {
  const scenario = scenarios['an action that completes at once'] as Scenario
  const startedAt = Date.now()
  await run(scenario, { checkpoint: 'start SUCCEED', isRecorded: false, effect: 'crash' })
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(60_000)
})

describe('The finisher', () => {
  it('answers once, whichever checkpoint its own function crashes at', async () => {
    const job = { target: `start-run?connection=attended&${DAY}`, input: { target: 'deploy' }, steps: [] }
    const endedTask = () => run(job, { checkpoint: 'start SUCCEED', isRecorded: true, effect: 'end' })
    const finished = await lifecycle.finish((await endedTask()).arn)
    const ends = await Promise.all(
      interruptions(finished.checkpoints, 'crash').map(async ({ name, interruption }) => {
        const { task, arn } = await endedTask()
        await lifecycle.finish(arn, { interruption })
        const cleanups = lifecycle.invocations.filter((one) => one.name === `${task.id}-cleanup`).length
        return [name, { sent: lifecycle.sentFor(task), cleanups }]
      }),
    )
    const expected = { sent: ['started', 'finished'], cleanups: 1 }
    expect(ends).toEqual(ends.map(([name]) => [name, expected]))
  })
})
