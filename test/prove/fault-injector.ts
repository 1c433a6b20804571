import { setTimeout as sleep } from 'node:timers/promises'
import type { Stop } from '../../shared/policy/kinds/stop.ts'
import type { RuntimeProcess, Span } from './child.ts'
import type { Credentials } from './credentials.ts'
import type { Incident } from './plan.ts'
import type { TlsProxy } from './proxy.ts'

/** An injected fault and its true time. */
export interface InjectedFault {
  at: number
  what: string
}

/** Actions with these connections were stopped. */
export interface StopSpan extends Span {
  connections: readonly string[]
}

/** The parts of the environment that faults affect. */
export interface FaultTargets {
  runtime: RuntimeProcess
  credentials: Credentials
  proxy: TlsProxy
  /** Writes the current secrets. */
  publish(): void
}

/** The offsets of the clocks in milliseconds. That of the process only increases. */
export interface Offsets {
  machine: number
  functions: number
}

/** Maximum offset of the functions: the signature of a button press is valid for minutes. */
const MAX_OFFSET_MS = 20_000
/** On a busy machine, the runtime needs so long to start that it would do nothing between two kills. */
const MIN_UPTIME_MS = 6_000
/** The time between the steps of a rotation of the caller's token. */
const CALLER_ROTATION_MS = 2_000

/** Carries out a plan and records it. */
export class FaultInjector {
  readonly #on: FaultTargets
  #workers = Promise.resolve()
  readonly offsets: Offsets = { machine: 0, functions: 0 }
  readonly diary: InjectedFault[] = []
  readonly counts: Record<string, number> = {}
  /** Steps of the process clock, with the new offset. */
  readonly steps: { at: number; offset: number }[] = [{ at: 0, offset: 0 }]
  /** The offsets since each step of a clock. */
  readonly #clocks: ({ at: number } & Offsets)[] = [{ at: 0, machine: 0, functions: 0 }]
  /** The times in which workers died. */
  readonly deadWorkers: Span[] = []
  /** From the response to the stop until the request to lift it. */
  readonly stops: StopSpan[] = []
  readonly #stopsInForce = new Set<Stop>()
  #changingStops = Promise.resolve()
  /** Backward steps of a clock. */
  readonly backSteps: { at: number; by: number }[] = []

  constructor(on: FaultTargets) {
    this.#on = on
  }

  /** Injects each fault at its time, or later on a busy machine. Ends when the last one is over. */
  async carryOut(plan: Incident[]): Promise<void> {
    const start = Date.now()
    const running: Promise<void>[] = []
    for (const incident of plan) {
      await sleep(Math.max(0, start + incident.at - Date.now()))
      // Waits for the restart, so that later faults affect the new process.
      if (incident.kind === 'kill') await this.#kill()
      else running.push(this.#do(incident))
    }
    await Promise.all(running)
  }

  /** Sets the clock of the process ahead of the true time. */
  setAhead(ms: number): void {
    this.#step('machine', ms - this.offsets.machine)
  }

  /** Converts a time of the process to the true time. */
  unstepped(at: number): number {
    const step = this.steps.findLast((one) => at >= one.at + one.offset)
    return at - (step?.offset ?? 0)
  }

  /** Returns all times that the clock of the functions may have shown in a span of the true time. */
  functionTimes(span: Span): Span {
    const offsets = this.#clocksIn(span).map(({ machine, functions }) => machine + functions)
    return { start: span.start + Math.min(...offsets), end: span.end + Math.max(...offsets) }
  }

  /** Returns by how many milliseconds, at most, the clock of the functions was behind that of the process in a span of the true time. */
  functionLag(span: Span): number {
    return Math.max(0, ...this.#clocksIn(span).map(({ functions }) => -functions))
  }

  #clocksIn({ start, end }: Span): Offsets[] {
    const isActive = (at: number, until = Number.POSITIVE_INFINITY) => at <= end && until >= start
    return this.#clocks.filter(({ at }, index) => isActive(at, this.#clocks[index + 1]?.at))
  }

  async #kill(): Promise<void> {
    const { downs } = this.#on.runtime
    if (Date.now() - (downs.at(-1)?.end ?? 0) < MIN_UPTIME_MS)
      return this.#note('', 'no kill: the runtime has just started')
    this.#note('kills', 'kill -9 of the runtime')
    await this.#on.runtime.kill()
    await this.#on.runtime.start()
    this.#note('', 'the runtime listens again')
  }

  async #do(incident: Exclude<Incident, { kind: 'kill' }>): Promise<void> {
    const { runtime, proxy } = this.#on
    await runtime.up()
    switch (incident.kind) {
      case 'worker':
        // One at a time, because the responses have no id.
        this.#workers = this.#workers.then(() => this.#killWorker(incident.of, incident.index))
        return this.#workers
      case 'clock':
        return this.#step(incident.of, incident.by)
      case 'rotation':
        return incident.of === 'caller' ? this.#rotateCaller() : this.#rotate(incident.of, incident.ahead)
      case 'tls': {
        this.#note('TLS', `TLS is ${incident.how} for ${incident.for} ms`)
        proxy.state = incident.how
        await sleep(incident.for)
        proxy.state = 'fine'
        return
      }
      case 'stall':
        this.#note('stalls', `the runtime is stopped again and again for ${incident.for} ms`)
        return runtime.stall(incident.for)
      case 'stop':
        return this.#stop(incident.connections, incident.for)
      case 'fault': {
        const { target, kind, after, count, seconds } = incident.fault
        const answer = await fetch(`${runtime.url}/sandbox/faults`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(incident.fault),
        }).catch(() => undefined)
        if (!answer) return this.#note('', `the runtime was down for a fault of ${target}`)
        if (!answer.ok) throw new Error(`The sandbox rejected a fault: ${await answer.text()}`)
        const length = count === undefined ? `for ${seconds} s` : `${count} x`
        return this.#note('faults', `${target} ${kind}${after ? ' after the work' : ''} ${length}`)
      }
    }
  }

  async #stop(connections: string[], ms: number): Promise<void> {
    const id = String(this.stops.length + this.#stopsInForce.size)
    const stop = { id, reason: 'prove', by: 'the prover', at: Date.now(), connections }
    this.#stopsInForce.add(stop)
    await this.#changeStops()
    const span = { start: Date.now(), end: Number.POSITIVE_INFINITY, connections }
    this.stops.push(span)
    this.#note('stops', `${connections.join(', ')} stopped for ${ms} ms`)
    await sleep(ms)
    span.end = Date.now()
    this.#stopsInForce.delete(stop)
    await this.#changeStops()
    this.#note('', `${connections.join(', ')} resumed`)
  }

  /**
   * Stores the stops in force, again if the table does not respond in time, or the runtime is killed in the meantime. One change at a
   * time, because the responses have no id.
   */
  #changeStops(): Promise<void> {
    const { runtime } = this.#on
    const change = async (): Promise<void> => {
      await runtime.up()
      const stored = await runtime.ask({ kind: 'stops', stops: [...this.#stopsInForce] }).catch(() => undefined)
      if (!stored?.isStored && !runtime.isOver) await change()
    }
    this.#changingStops = this.#changingStops.then(change)
    return this.#changingStops
  }

  async #killWorker(of: 'task' | 'webhook', index: number): Promise<void> {
    // The process may be killed before it responds.
    const killed = await this.#on.runtime.ask({ kind: 'kill-worker', of, index }).catch(() => undefined)
    if (killed?.functionName === undefined) return this.#note('', `no ${of} worker was active`)
    this.deadWorkers.push({ start: Date.now() - 1_000, end: Date.now() })
    this.#note(`${of} workers`, `a worker of ${killed.functionName} died`)
  }

  #step(of: 'machine' | 'functions', by: number): void {
    const { offsets } = this
    const to =
      of === 'machine'
        ? offsets.machine + by
        : Math.max(-MAX_OFFSET_MS, Math.min(MAX_OFFSET_MS, offsets.functions + by))
    const at = Date.now()
    if (to < offsets[of]) this.backSteps.push({ at, by: offsets[of] - to })
    offsets[of] = to
    if (of === 'machine') this.steps.push({ at, offset: to })
    this.#clocks.push({ at, ...offsets })
    this.#on.runtime.send({ kind: 'clock', ...offsets })
    this.#note('clock steps', `the clock of the ${of === 'machine' ? 'process' : 'functions'} is stepped by ${by} ms`)
  }

  async #rotate(of: Parameters<Credentials['next']>[0], ahead: number): Promise<void> {
    const { credentials, publish } = this.#on
    const next = credentials.next(of)
    const distribute = () => {
      next.distribute()
      publish()
    }
    const accept = () => {
      next.accept()
      this.#on.runtime.send({ kind: 'accept', accepted: { [of]: credentials.accepted[of] } })
    }
    this.#note(
      'rotations',
      `the credentials of ${of} change; the functions get them ${Math.abs(ahead)} ms ${ahead < 0 ? 'after' : 'before'} the platform`,
    )
    const [first, second] = ahead < 0 ? [accept, distribute] : [distribute, accept]
    first()
    await sleep(Math.abs(ahead))
    second()
  }

  async #rotateCaller(): Promise<void> {
    const { credentials, publish } = this.#on
    const { add, use, removeOld } = credentials.nextCaller()
    this.#note('rotations', 'the token of the caller changes')
    add()
    publish()
    await sleep(CALLER_ROTATION_MS)
    use()
    await sleep(CALLER_ROTATION_MS)
    removeOld()
    publish()
  }

  #note(counted: string, what: string): void {
    this.diary.push({ at: Date.now(), what })
    if (counted) this.counts[counted] = (this.counts[counted] ?? 0) + 1
  }
}
