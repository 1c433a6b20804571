import { setTimeout as sleep } from 'node:timers/promises'
import type { RuntimeProcess } from './child.ts'
import type { Credentials } from './credentials.ts'
import type { Incident } from './plan.ts'
import type { Front } from './proxy.ts'

/** What was done, and when by a clock that nobody steps. */
export interface Disturbance {
  at: number
  what: string
}

/** What is disturbed. */
export interface Disturbed {
  runtime: RuntimeProcess
  credentials: Credentials
  front: Front
  /** Puts what is told now where the functions find it. */
  publish(): void
}

/** How far the clocks are off, in milliseconds. The one of the whole process only goes forward. */
export interface Offsets {
  machine: number
  functions: number
}

/** Most that the clock of the functions may be off from that of the process: the signature of a click is good for minutes. */
const furthest = 20_000
/** When a token of the caller is used after it was added, and the old one taken away, in milliseconds. */
const callerTurns = 2_000

/** Carries out a plan, and keeps a diary of it. */
export class Disturber {
  readonly #on: Disturbed
  #workers = Promise.resolve()
  readonly offsets: Offsets = { machine: 0, functions: 0 }
  readonly diary: Disturbance[] = []
  readonly counts: Record<string, number> = {}
  /** When the clock of the process was stepped, and by how much it was off from then on. */
  readonly steps: { at: number; offset: number }[] = [{ at: 0, offset: 0 }]
  /** By how much the clock of the functions went back, in all, with the time. */
  readonly backSteps: { at: number; by: number }[] = []

  constructor(on: Disturbed) {
    this.#on = on
  }

  /** Each at its time, or later where a busy machine is behind; ends when the last one is over. */
  async carryOut(plan: Incident[]): Promise<void> {
    const began = Date.now()
    const running: Promise<void>[] = []
    for (const incident of plan) {
      await sleep(Math.max(0, began + incident.at - Date.now()))
      // A kill is waited for: what comes next meets the new process.
      if (incident.kind === 'kill') await this.#kill()
      else running.push(this.#do(incident))
    }
    await Promise.all(running)
  }

  /** Sets the clock of the process ahead of the true time. */
  setAhead(ms: number): void {
    this.#step('machine', ms - this.offsets.machine)
  }

  /** The time by a clock that nobody steps, of one that the process has told. */
  unstepped(at: number): number {
    const step = this.steps.findLast((one) => at >= one.at + one.offset)
    return at - (step?.offset ?? 0)
  }

  async #kill(): Promise<void> {
    this.#note('kills', 'kill -9 of the runtime')
    await this.#on.runtime.kill()
    await this.#on.runtime.start()
    this.#note('', 'the runtime listens again')
  }

  async #do(incident: Exclude<Incident, { kind: 'kill' }>): Promise<void> {
    const { runtime, front } = this.#on
    await runtime.up()
    switch (incident.kind) {
      case 'worker':
        // One after the other: each is told which it was.
        this.#workers = this.#workers.then(() => this.#killWorker(incident.of, incident.choice))
        return this.#workers
      case 'clock':
        return this.#step(incident.of, incident.by)
      case 'rotation':
        return incident.of === 'caller' ? this.#rotateCaller() : this.#rotate(incident.of, incident.ahead)
      case 'tls': {
        this.#note('TLS', `TLS is ${incident.how} for ${incident.for} ms`)
        front.state = incident.how
        await sleep(incident.for)
        front.state = 'fine'
        return
      }
      case 'fault': {
        const { target, kind, after, count, seconds } = incident.fault
        const answer = await fetch(`${runtime.url}/sandbox/faults`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(incident.fault),
        }).catch(() => undefined)
        if (!answer) return this.#note('', `a fault of ${target} met a runtime that was down`)
        if (!answer.ok) throw new Error(`The sandbox did not take a fault: ${await answer.text()}`)
        const length = count === undefined ? `for ${seconds} s` : `${count} x`
        return this.#note('faults', `${target} ${kind}${after ? ' after the work' : ''} ${length}`)
      }
    }
  }

  async #killWorker(of: 'task' | 'webhook', choice: number): Promise<void> {
    // It may be killed itself before it answers.
    const killed = await this.#on.runtime.ask({ kind: 'kill-worker', of, choice }).catch(() => undefined)
    if (killed?.functionName === undefined) return this.#note('', `no worker of a ${of} was at work`)
    this.#note(`${of} workers`, `a worker of ${killed.functionName} died`)
  }

  #step(of: 'machine' | 'functions', by: number): void {
    const { offsets } = this
    const to = of === 'machine' ? offsets.machine + by : Math.max(-furthest, Math.min(furthest, offsets.functions + by))
    const at = Date.now()
    if (to < offsets[of]) this.backSteps.push({ at, by: offsets[of] - to })
    offsets[of] = to
    if (of === 'machine') this.steps.push({ at, offset: to })
    this.#on.runtime.tell({ kind: 'clock', ...offsets })
    this.#note('clock steps', `the clock of the ${of === 'machine' ? 'process' : 'functions'} is stepped by ${by} ms`)
  }

  async #rotate(of: Parameters<Credentials['next']>[0], ahead: number): Promise<void> {
    const { credentials, publish } = this.#on
    const next = credentials.next(of)
    const tell = () => {
      next.tell()
      publish()
    }
    const take = () => {
      next.take()
      this.#on.runtime.tell({ kind: 'accept', accepted: { [of]: credentials.accepted[of] } })
    }
    this.#note(
      'rotations',
      `the credentials of ${of} change; they are told ${Math.abs(ahead)} ms ${ahead < 0 ? 'after' : 'before'}`,
    )
    const [first, second] = ahead < 0 ? [take, tell] : [tell, take]
    first()
    await sleep(Math.abs(ahead))
    second()
  }

  async #rotateCaller(): Promise<void> {
    const { credentials, publish } = this.#on
    const { add, use, forget } = credentials.nextCaller()
    this.#note('rotations', 'the token of the caller changes')
    add()
    publish()
    await sleep(callerTurns)
    use()
    await sleep(callerTurns)
    forget()
    publish()
  }

  #note(counted: string, what: string): void {
    this.diary.push({ at: Date.now(), what })
    if (counted) this.counts[counted] = (this.counts[counted] ?? 0) + 1
  }
}
