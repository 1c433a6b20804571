import { setImmediate } from 'node:timers/promises'
import { heldAtOf, leaseOf } from '../../../shared/core/task/check-turn.ts'
import { maxStopMs } from '../../../shared/core/task/stop.ts'
import type { TurnRequirement } from '../../../shared/policy/kinds/turn.ts'
import { checkTurn, isFull, leave, type TurnTable } from '../../../shared/policy/turns.ts'
import { TurnItems } from './turns-in-memory.ts'

/** Parts of the protocol that a test leaves out, to see that the model notices. */
export interface Defects {
  /** Lease shorter than the longest stop. */
  shortLease?: boolean
  /** A second attempt to start does not look for the job of the first one. */
  noLookUp?: boolean
  /** Tasks check only when they are woken. */
  noChecks?: boolean
  /** Turns are not taken in the order of their keys. */
  noOrder?: boolean
}

/** The result of a random run. */
export interface ModelRun {
  violations: string[]
  started: number
  /** How many tasks gave up, because their time had passed or the queue was full. */
  late: number
  full: number
  canceled: number
  /** How many tasks started while the job of a lost one was running. */
  together: number
}

const SECOND = 1_000
const STOP_MS = maxStopMs({})
const CHECK_MS = 120 * SECOND
const KEYS = ['a', 'b', 'c']
const QUEUE = 6

interface Job {
  task: Task
  keys: string[]
  endsAt: number
  isRunning: boolean
}

interface Task {
  id: string
  /** In the order in which the turns are taken. */
  keys: string[]
  skew: number
  /** The results of its durable operations. */
  memo: unknown[]
  invocation: number
  isEnded: boolean
  /** Its code crashes from this operation on. */
  poisonedFrom: number
  isLost: boolean
  isCanceled: boolean
  hasWaiter: boolean
  isWoken: boolean
  /** Continues a task that waits. */
  resume: (() => void) | undefined
  waitUntil: number
  /** In seconds. */
  deadline: number
  numbers: Map<string, number>
  /** The jobs of lost tasks that it knows of, by key. */
  reported: Map<string, string>
  hasTriedToStart: boolean
  needsCleanup: boolean
  leavesJob: boolean
  endsBy: number
}

/** A random run of 12 tasks for up to three targets. Runs the code of the product on items in memory. */
export class Model {
  readonly #random: () => number
  readonly #defects: Defects
  readonly #items = new TurnItems()
  readonly #events: { at: number; order: number; run: () => void }[] = []
  readonly #tasks = new Map<string, Task>()
  readonly #jobs: Job[] = []
  readonly #newestJob = new Map<string, Job>()
  readonly #lastNumber = new Map<string, number>()
  readonly #waiting = new Map<string, Set<string>>()
  readonly #result: ModelRun = { violations: [], started: 0, late: 0, full: 0, canceled: 0, together: 0 }
  #now = 1_000_000 * SECOND
  #order = 0

  constructor(seed: number, defects: Defects = {}) {
    let state = seed >>> 0
    this.#random = () => {
      state = (state * 1_664_525 + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    this.#defects = defects
  }

  async run(): Promise<ModelRun> {
    for (let index = 0; index < 12; index++) this.#add(`t${index}`)
    for (let events = 0; this.#events.length > 0; events++) {
      if (events > 100_000) return this.#violated('does not end')
      const event = this.#events.pop()
      this.#now = Math.max(this.#now, event?.at ?? 0)
      event?.run()
      await setImmediate()
    }
    for (const { id, isEnded } of this.#tasks.values()) if (!isEnded) this.#violated(`${id} does not end`)
    return this.#result
  }

  #violated(text: string): ModelRun {
    this.#result.violations.push(`${Math.round(this.#now / SECOND)}: ${text}`)
    return this.#result
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #between(from: number, to: number): number {
    return from + this.#random() * (to - from)
  }

  #at(at: number, run: () => void): void {
    const event = { at, order: this.#order++, run }
    const isLater = (other: typeof event) => other.at < at || (other.at === at && other.order < event.order)
    let [low, high] = [0, this.#events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#events[middle]
      if (other && isLater(other)) high = middle
      else low = middle + 1
    }
    this.#events.splice(low, 0, event)
  }

  #add(id: string): void {
    const startAt = this.#now + this.#between(0, 60 * SECOND)
    const count = this.#chance(0.25) ? 2 : 1
    const shuffled = KEYS.slice(this.#chance(0.6) ? 0 : 1).sort(() => this.#random() - 0.5)
    const keys = shuffled.slice(0, count)
    const waitUntil = startAt + this.#between(1_000, 40_000) * SECOND
    const deadline = this.#between(60, 3_000)
    const task: Task = {
      id,
      keys: this.#defects.noOrder ? keys : keys.sort(),
      skew: this.#between(-1, 1) * SECOND,
      memo: [],
      invocation: 0,
      isEnded: false,
      poisonedFrom: this.#chance(0.1) ? Math.floor(this.#between(0, 12)) : Number.POSITIVE_INFINITY,
      isLost: false,
      isCanceled: false,
      hasWaiter: false,
      isWoken: false,
      resume: undefined,
      waitUntil,
      deadline,
      numbers: new Map(),
      reported: new Map(),
      hasTriedToStart: false,
      needsCleanup: this.#chance(0.5),
      leavesJob: this.#chance(0.1),
      endsBy: waitUntil + deadline * SECOND + STOP_MS + 120 * SECOND,
    }
    this.#tasks.set(id, task)
    this.#at(startAt, () => this.#invoke(task))
    if (this.#chance(0.15)) this.#at(this.#between(startAt, startAt + 6_000 * SECOND), () => this.#cancel(task))
    if (this.#chance(0.05)) this.#at(this.#between(startAt, startAt + 6_000 * SECOND), () => this.#endByLambda(task))
  }

  #cancel(task: Task): void {
    task.isCanceled = true
    task.isWoken = true
    task.resume?.()
  }

  /** Runs an effect of a process that may be killed before or after it. */
  #operate<T>(task: Task, invocation: number, effect: () => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>()
    const delay = () => (this.#chance(0.02) ? this.#between(0, 8 * SECOND) : this.#between(1, 30))
    const isCurrent = () => task.invocation === invocation && !task.isEnded
    this.#at(this.#now + delay(), () => {
      if (!isCurrent()) return
      if (this.#chance(0.03)) return this.#crash(task)
      // Lambda ends a process that it has frozen, after its last request.
      const result = effect()
      if (this.#chance(0.03)) return this.#crash(task)
      this.#at(this.#now + delay(), () => isCurrent() && resolve(result))
    })
    return promise
  }

  #crash(task: Task): void {
    task.invocation++
    task.resume = undefined
    this.#at(this.#now + this.#between(0, 3 * SECOND), () => this.#invoke(task))
  }

  #invoke(task: Task): void {
    if (task.isEnded) return
    const invocation = ++task.invocation
    if (task.memo.length >= task.poisonedFrom) {
      task.isLost = true
      if (this.#now > task.endsBy) this.#endByLambda(task)
      else this.#at(this.#now + 300 * SECOND, () => this.#invoke(task))
      return
    }
    let position = 0
    const step = async <T>(run: () => Promise<T>): Promise<T> => {
      const index = position++
      if (index < task.memo.length) return task.memo[index] as T
      const result = await run()
      await this.#operate(task, invocation, () => task.memo.push(result))
      if (task.memo.length >= task.poisonedFrom) {
        this.#crash(task)
        return new Promise<never>(() => {})
      }
      return result
    }
    const wait = (until: number, isWakeable = true): Promise<void> => {
      if (position++ < task.memo.length) return Promise.resolve()
      const { promise } = Promise.withResolvers<void>()
      let isOver = false
      const resume = () => {
        if (task.isEnded || task.invocation !== invocation || isOver) return
        isOver = true
        task.resume = undefined
        task.memo.push(null)
        this.#at(this.#now + this.#between(1, 200), () => this.#invoke(task))
      }
      if (isWakeable) task.resume = resume
      if (isWakeable && task.isWoken) resume()
      else this.#at(until, resume)
      task.isWoken = false
      return promise
    }
    const table = this.#items.tableOf(
      (effect) => this.#operate(task, invocation, effect),
      (id) => this.#wake(id),
    )
    void this.#body(task, table, step, wait).then(() => {
      if (task.invocation !== invocation || task.isEnded) return
      task.isEnded = true
      if (this.#now > task.endsBy) this.#violated(`${task.id} ends late`)
    })
  }

  #wake(id: string): void {
    const task = this.#tasks.get(id)
    // A tenth of the wake-ups are lost.
    if (!task?.hasWaiter || this.#chance(0.1)) return
    task.isWoken = true
    task.resume?.()
  }

  async #body(
    task: Task,
    table: TurnTable,
    step: <T>(run: () => Promise<T>) => Promise<T>,
    wait: (until: number, isWakeable?: boolean) => Promise<void>,
  ): Promise<void> {
    const clock = () => this.#now + task.skew
    const until = await this.#takeTurns(task, table, step, wait, clock)
    if (until !== undefined) {
      const job = await step(async () => this.#start(task, until, clock()))
      if (typeof job === 'number') await wait(job, false)
    }
    const job = this.#jobs.find(({ task: owner, isRunning }) => owner === task && isRunning)
    const end = job ? { leftRunning: task.id } : task.hasTriedToStart ? 'ended' : 'waited'
    await step(async () => {
      if (job) task.isLost = true
      for (const key of task.keys) await leave(table, { key, number: task.numbers.get(key), task: task.id }, end, clock)
    })
    for (const key of KEYS) this.#waiting.get(key)?.delete(task.id)
  }

  /** @returns until when the action may start, or undefined if it does not */
  async #takeTurns(
    task: Task,
    table: TurnTable,
    step: <T>(run: () => Promise<T>) => Promise<T>,
    wait: (until: number) => Promise<void>,
    clock: () => number,
  ): Promise<number | undefined> {
    let startBefore = clock() + task.deadline * SECOND
    const requirements = task.keys.map(
      (key): TurnRequirement => ({ type: 'turn', key, target: key, rule: 'rule', queue: QUEUE }),
    )
    for (const turn of requirements) {
      const { key } = turn
      for (let isNew = true, number = 0; ; ) {
        if (isNew) {
          number = await step(() => table.takeNumber(turn))
          task.numbers.set(key, number)
        }
        const ticket = { key, number, task: task.id }
        const target = { task: { deadline: task.deadline }, requirements, turn, until: task.waitUntil }
        const leaseMs = leaseOf(target, clock()) - (this.#defects.shortLease ? STOP_MS : 0)
        const isFirst = isNew
        const seen = await step(async () => {
          if (isFirst) {
            const place = { task: task.id, caller: '', deadline: task.waitUntil }
            if (!(await table.putPlace(key, number, task.id, place))) return { state: 'passed' as const }
          } else task.hasWaiter = true
          if (task.isCanceled) return { state: 'canceled' as const }
          if (clock() >= task.waitUntil) return { state: 'late' as const }
          const seen = await checkTurn(table, ticket, leaseMs, clock)
          if (
            isFirst &&
            seen.state === 'waits' &&
            (await isFull(table, ticket, seen.turn, { queue: QUEUE }, '', clock())) === 'full'
          )
            return { state: 'full' as const }
          if (seen.state === 'waits') this.#joins(task, key)
          return seen.state === 'held' ? { ...seen, leaseMs } : seen
        })
        if (seen.state !== 'waits') this.#waiting.get(key)?.delete(task.id)
        if (seen.state === 'held') {
          if (seen.leftRunning !== undefined) task.reported.set(key, seen.leftRunning)
          startBefore = heldAtOf(seen.until, seen.leaseMs) + task.deadline * SECOND
          break
        }
        if (seen.state === 'canceled' || seen.state === 'late' || seen.state === 'full') {
          this.#result[seen.state] += 1
          return undefined
        }
        isNew = seen.state === 'passed'
        if (seen.state !== 'waits') continue
        const next = this.#defects.noChecks ? Number.POSITIVE_INFINITY : clock() + CHECK_MS
        const leaseEnd = this.#defects.noChecks ? next : (seen.turn.holder?.until ?? 0) + 6 * SECOND
        await wait(Math.min(Math.max(clock() + SECOND, leaseEnd), next, task.waitUntil) - task.skew)
      }
    }
    return startBefore
  }

  #joins(task: Task, key: string): void {
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting.add(task.id))
    // The number that is served may wait for the grant.
    if (waiting.size > QUEUE + 1) this.#violated(`${waiting.size} tasks wait for ${key}`)
  }

  /** @returns when the job ends, or why there is none */
  #start(task: Task, startBefore: number, clock: number): number | 'canceled' | 'too late' {
    const earlier = this.#jobs.find((job) => job.task === task)
    if (earlier && !this.#defects.noLookUp) return earlier.endsAt
    if (!earlier && task.isCanceled) return 'canceled'
    if (clock >= startBefore) return 'too late'
    if (earlier) earlier.isRunning = true
    const now = this.#now
    const willBeLost = this.#chance(0.1)
    const naturalEnd = now + this.#between(1, willBeLost ? 20_000 : 4_000) * SECOND
    const stopped = startBefore - task.skew + this.#between(0, STOP_MS - 30 * SECOND)
    const job: Job = { task, keys: task.keys, endsAt: Math.min(naturalEnd, stopped), isRunning: true }
    for (const key of task.keys) {
      for (const other of this.#jobs)
        if (other.isRunning && other.keys.includes(key)) this.#checkOther(task, key, other)
      const [last = 0, number = 0] = [this.#lastNumber.get(key), task.numbers.get(key)]
      if (number < last) this.#violated(`${task.id} starts with ${number} after ${last} for ${key}`)
      this.#lastNumber.set(key, number)
      this.#newestJob.set(key, job)
    }
    this.#jobs.push(job)
    this.#result.started++
    task.hasTriedToStart = true
    const isLeft = task.leavesJob && naturalEnd > startBefore
    if (isLeft) job.endsAt = startBefore - task.skew
    const end = () => {
      job.isRunning = false
    }
    this.#at(isLeft ? naturalEnd : job.endsAt, () => {
      // No one stops the job of a lost task.
      if (task.isLost && naturalEnd > this.#now) this.#at(naturalEnd, end)
      else end()
    })
    return job.endsAt
  }

  /** Checks a start while the job of another task runs: that task must be lost, and be known. */
  #checkOther(task: Task, key: string, other: Job): void {
    if (!other.task.isLost) this.#violated(`${task.id} starts with ${other.task.id} for ${key}`)
    else if (this.#newestJob.get(key) === other) {
      this.#result.together++
      if (task.reported.get(key) !== other.task.id)
        this.#violated(`${task.id} does not know of ${other.task.id} for ${key}`)
    }
  }

  /** Lambda ends a task. The finisher comes once, twice, late or never. */
  #endByLambda(task: Task): void {
    if (task.isEnded) return
    task.isEnded = true
    task.isLost = true
    for (const key of KEYS) this.#waiting.get(key)?.delete(task.id)
    const job = this.#jobs.find(({ task: owner, isRunning }) => owner === task && isRunning)
    const finishers = this.#chance(0.3) ? 0 : this.#chance(0.3) ? 2 : 1
    for (let index = 0; index < finishers; index++)
      this.#at(this.#now + this.#between(0, 60 * SECOND), () => {
        if (job && task.needsCleanup) job.isRunning = false
        const hasLeftJob = task.hasTriedToStart && !task.needsCleanup
        void this.#release(task, hasLeftJob ? { leftRunning: task.id } : task.hasTriedToStart ? 'ended' : 'waited')
      })
  }

  async #release(task: Task, end: Parameters<typeof leave>[2]): Promise<void> {
    const operate = <T>(effect: () => T) => {
      const { promise, resolve } = Promise.withResolvers<T>()
      this.#at(this.#now + this.#between(1, 200), () => resolve(effect()))
      return promise
    }
    const table = this.#items.tableOf(operate, (id) => this.#wake(id))
    for (const key of task.keys)
      await leave(table, { key, number: task.numbers.get(key), task: task.id }, end, () => this.#now)
  }
}
