import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Task } from '../../shared/core/call.ts'
import { changeStops } from '../../shared/core/stops.ts'
import type { LimitRequirement } from '../../shared/policy/kinds/at-most.ts'
import { countStart } from '../../shared/state/start-counts.ts'
import { type Interruption, interruptions } from './execution.ts'
import { triggered } from './lifecycle.ts'
import { moveClock, passTime } from './runner.ts'
import { onPage, useApprovals } from './waiting.ts'

const MINUTE_MS = 60_000
/** After it, everyone knows a stop. */
const STOP_SECONDS = 5
/** Checkpoints before which a task waits for the end of an event. */
const WAITS = /^(?:hold|start|require-wait|turn-wait) RETRY|^wait-for-retry/
const CLIENT_REQUESTS = 'http.client.request.start'

let onRequest = async () => {}
const { lifecycle, platform, deploy, run: runTask } = useApprovals(() => onRequest())

/** Called with the first write of an action. */
let onStart = () => {}
function seeRequest(message: unknown): void {
  const { method, path, host } = (message as { request: ClientRequest }).request
  if (method === 'POST' && /^\/(?:runs|tickets)$/.test(path) && new URL(platform.url).hostname === host) onStart()
}
beforeAll(() => subscribe(CLIENT_REQUESTS, seeRequest))
afterAll(() => void unsubscribe(CLIENT_REQUESTS, seeRequest))

/** The freezes of the policies close in the next minutes, and the second one opens again. */
let closesAt = 0
let opensAt = 0
const minute = (time: number) => new Date(time).toISOString().slice(0, 16)
const refusing = () => ({
  name: 'year end',
  freeze: [{ from: minute(closesAt), to: '2999-12-31', reason: 'Closing' }],
})
const waiting = () => ({
  name: 'maintenance',
  freeze: [{ from: minute(closesAt), to: minute(opensAt), reason: 'Upgrade' }],
  otherwise: 'wait',
})
const LIMIT = { count: 1, per: 'PT1H', for: '{input.target}' }
const turn = { name: 'one at a time', oneAtATime: { per: '{connection}' } }

interface Scenario {
  target: string
  rules(): object[]
  /** Lets the first attempt fail. */
  fail?(): void
}

const scenarios: Record<string, Scenario> = {
  'an action that completes at once': { target: 'open-ticket?connection=ticket', rules: () => [] },
  'a job with a limit': {
    target: 'start-run?connection=job',
    rules: () => [{ name: 'no loops', atMost: LIMIT }],
  },
  'a job that waits for its turn and a limit': {
    target: 'start-run?connection=job',
    rules: () => [turn, { name: 'no loops', atMost: LIMIT, otherwise: 'wait' }],
  },
  'a job that people approve': {
    target: 'start-run?connection=job',
    rules: () => [onPage, turn, { name: 'no loops', atMost: LIMIT }],
  },
  'a job whose start gets no response': {
    target: 'start-run?connection=job',
    rules: () => [turn],
    fail: () => platform.loseNext('POST'),
  },
  'a job whose start may have reached the platform': {
    target: 'start-run?connection=job',
    rules: () => [],
    fail: () => platform.failNext(504, {}, { on: 'POST' }),
  },
  'a job whose credentials are not accepted at first': {
    target: 'start-run?connection=job',
    rules: () => [{ name: 'no loops', atMost: LIMIT }],
    fail: () => platform.failNext(401, {}, { on: 'POST' }),
  },
}

/** The limits of a call. */
type Limited = Pick<Task, 'requirements' | 'startLimits'>

/** Something that forbids a start from a moment on. */
interface Event {
  /** The rule that it needs. */
  rule?(): object
  happen(call: Limited): Promise<void>
  /** Called when the task waits for the end of the event. */
  end?(): Promise<void>
  /** Whether an action may start now, after the event has happened. */
  mayStart(): boolean
  /** The task starts its action when the event has ended. */
  passes?: true
}

const stop = { id: 'incident', reason: 'bad release', by: 'jane@example.com', at: 0 }
let isStopped = false
async function stopAll(more: object = {}): Promise<void> {
  await changeStops(() => [{ ...stop, ...more }])
  isStopped = true
  passTime(STOP_SECONDS)
}
const stopEvent = { happen: () => stopAll(), mayStart: () => !isStopped }
const isClosed = () => Date.now() >= closesAt && Date.now() < opensAt
/** When the limit lets the next action start, if another one has reached it. */
let startsAgainAt = 0

const events: Record<string, Event> = {
  'a stop that is lifted': {
    ...stopEvent,
    async end() {
      await changeStops(() => [])
      isStopped = false
    },
    passes: true,
  },
  'a stop': stopEvent,
  'a stop that ends tasks': { ...stopEvent, happen: () => stopAll({ end: true }) },
  'a window that closes': {
    rule: refusing,
    happen: async () => moveClock(closesAt),
    mayStart: () => Date.now() < closesAt,
  },
  'a window that closes a millisecond later': {
    rule: refusing,
    happen: async () => moveClock(closesAt - 1),
    // It closes at any moment.
    mayStart: () => true,
  },
  'a window that closes for some minutes': {
    rule: waiting,
    happen: async () => moveClock(closesAt),
    mayStart: () => !isClosed(),
    passes: true,
  },
  'another start, which reaches the limit': {
    async happen({ requirements = [], startLimits = [] }) {
      const limits = [...startLimits, ...requirements.filter((one): one is LimitRequirement => one.type === 'limit')]
      const now = Date.now()
      for (const limit of limits)
        if ((await countStart(limit, 'another task', now)) === undefined) startsAgainAt = now + limit.per * 1_000
    },
    mayStart: () => Date.now() >= startsAgainAt,
  },
}

let runs = 0
beforeEach(() => {
  onRequest = async () => {}
  onStart = () => {}
})
afterEach(async () => {
  await changeStops(() => [])
})

interface Options {
  /** The event happens before the request with this number is answered. */
  request?: number
  interruption?: Interruption
}

/** Ends the event of the run before, and deploys a policy. */
async function reset(rules: object[]): Promise<void> {
  await changeStops(() => [])
  isStopped = false
  startsAgainAt = 0
  platform.reset()
  deploy(rules)
}

/** Places the freezes into the near future. */
function placeFreezes(): void {
  closesAt = Math.ceil(Date.now() / MINUTE_MS + 30) * MINUTE_MS
  opensAt = closesAt + 10 * MINUTE_MS
}

/** Lets an event happen, and watches the starts after it. */
function watch(event: Event | undefined, request: number | undefined, call: Limited) {
  const observed = { wrong: [] as string[], requests: 0, hasHappened: false, happen }
  let isHappening = false
  async function happen(): Promise<void> {
    isHappening = true
    await event?.happen(call)
    isHappening = false
    observed.hasHappened = true
  }
  onStart = () => {
    if (observed.hasHappened && !event?.mayStart()) observed.wrong.push('the action starts')
  }
  onRequest = async () => {
    // The event has its own requests.
    if (!isHappening && observed.requests++ === request) await happen()
  }
  return observed
}

/** Runs a task, lets an event happen, and returns what is wrong. */
async function observe(scenario: Scenario, event: Event | undefined, { request, interruption }: Options) {
  placeFreezes()
  await reset([...scenario.rules(), ...(event?.rule ? [event.rule()] : [])])
  const task = await lifecycle.accept(`${scenario.target}&deadline=PT4H`, {
    ...triggered(),
    input: scenario.target.startsWith('open-') ? { title: 'Checkout is slow' } : { target: `deploy-${++runs}` },
  })
  scenario.fail?.()
  const observed = watch(event, request, task)
  const { wrong, happen } = observed
  let hasEnded = false
  const run = await runTask({
    task,
    people: async ({ id }) => lifecycle.decide(platform.messages.find(({ key }) => key === id)?.page),
    interruption: interruption && { ...interruption, meanwhile: happen },
    async onCheckpoint(name) {
      if (!observed.hasHappened || hasEnded || !WAITS.test(name)) return
      hasEnded = true
      await event?.end?.()
    },
  })
  const { requests } = observed
  onRequest = async () => {}
  const { status, outcome, early, late } = run
  const sent = lifecycle.sentFor(task)
  const writes = [platform.runs, platform.tickets].flat().filter(({ key }) => key === task.id).length
  if (status !== 'SUCCEEDED' || sent.join() !== 'started,finished') wrong.push(`${status}, and ${sent} sent`)
  if (early > 0 || late > 0) wrong.push(`${early} starts before the decision, and ${late} questions after the end`)
  if (event?.passes && outcome?.result !== 'pass') wrong.push(`not passed: ${outcome?.message}`)
  const isUnknown = outcome?.status === 'errored' && /may have reached/.test(outcome.message)
  const expected = outcome?.result === 'pass' ? [1] : isUnknown ? [0, 1] : [0]
  if (!expected.includes(writes)) wrong.push(`${writes} writes, and ${outcome?.result}: ${outcome?.message}`)
  return { wrong, requests, checkpoints: run.checkpoints, ended: outcome?.result }
}

const EVENTS = Object.entries(events)
/** Each event at each position takes many minutes: see CONTRIBUTING.md. */
const ALL = process.env['TEST_ALL_EVENTS'] === 'true'
const MAX_POSITIONS = 16

/**
 * Lets events happen in runs of a scenario, and returns the runs in which something is wrong. Other positions, and other scenarios, have
 * other events.
 */
async function observeAll(scenario: Scenario, positions: readonly Options[]): Promise<unknown[]> {
  const step = ALL ? 1 : Math.ceil(positions.length / MAX_POSITIONS)
  const first = Object.values(scenarios).indexOf(scenario)
  const wrong: unknown[] = []
  for (let position = first % step; position < positions.length; position += step) {
    const options = positions[position] ?? {}
    const chosen = EVENTS.filter((_, number) => ALL || number === (first + position) % EVENTS.length)
    for (const [name, event] of chosen) {
      const observed = await observe(scenario, event, options)
      if (observed.wrong.length > 0) wrong.push({ name, ...options, ...observed })
    }
  }
  return wrong
}

describe.each(Object.entries(scenarios))('A task with %s', (_name, scenario) => {
  let checkpoints: string[]
  let requests: number
  beforeAll(async () => {
    const first = await observe(scenario, undefined, {})
    expect(first).toMatchObject({ wrong: [], ended: 'pass' })
    ;({ checkpoints, requests } = first)
  })

  it('starts only what may start with an event between two requests', async () => {
    const positions = Array.from({ length: requests }, (_, request) => ({ request }))
    expect(await observeAll(scenario, positions)).toEqual([])
  })

  it('starts only what may start with an event while its function is down', async () => {
    expect(await observeAll(scenario, interruptions(checkpoints, 'crash'))).toEqual([])
  })
})

/** A silent call cannot wait, and shows its limits to no one. */
const SILENT_EVENTS = EVENTS.filter(([name, { rule }]) => rule !== waiting && !name.includes('limit'))

describe('A silent call', () => {
  const open = 'open-ticket?connection=ticket'
  const failures = {
    'that succeeds at once': () => {},
    'whose first attempt is refused': () => platform.failNext(429, {}, { on: 'POST' }),
    'whose first attempt may have reached the platform': () => platform.failNext(503, {}, { on: 'POST' }),
    'whose first attempt gets no response': () => platform.loseNext('POST'),
    'whose credentials are not accepted at first': () => platform.failNext(401, {}, { on: 'POST' }),
  }

  it.each(Object.entries(failures))(
    '%s starts only what may start with an event between two requests',
    async (_name, fail) => {
      const observeSilent = async (event: Event | undefined, request: number) => {
        placeFreezes()
        await reset([
          { name: 'no loops', atMost: { ...LIMIT, for: `{input.title}` } },
          ...(event?.rule ? [event.rule()] : []),
        ])
        // A silent call knows an earlier stop for some seconds.
        passTime(STOP_SECONDS)
        fail()
        const observed = watch(event, request, {})
        const title = `Checkout ${++runs} is slow`
        const { status, body } = await lifecycle.post(open, { ...triggered(), input: { title } })
        const { wrong, requests } = observed
        onRequest = async () => {}
        // A failure of the platform does not say that nothing was started: a repeat looks for it.
        const mayHaveWritten = status === 502 || /may have reached/.test(body.detail)
        const expected = status === 200 ? [1] : mayHaveWritten ? [0, 1] : [0]
        if (!expected.includes(platform.tickets.length)) wrong.push(`${status} and ${platform.tickets.length} tickets`)
        if (![200, 422, 502, 503].includes(status)) wrong.push(`${status} ${body.detail}`)
        return { wrong, requests }
      }
      const { requests } = await observeSilent(undefined, -1)
      const wrong: unknown[] = []
      for (const [name, event] of SILENT_EVENTS)
        for (let request = 0; request < requests; request++) {
          const observed = await observeSilent(event, request)
          if (observed.wrong.length > 0) wrong.push({ name, request, ...observed })
        }
      expect(wrong).toEqual([])
    },
  )
})
