/**
 * The clock of a process and its threads, which can be stepped as an administrator or a time server steps that of a machine:
 * what `Date` says jumps, what counts how long something takes (timers, `performance`) does not.
 */
export class SteppedClock {
  /** Two offsets in milliseconds: of the process, and of the functions relative to the process. */
  readonly shared = new SharedArrayBuffer(16)
  readonly #offsets = new Float64Array(this.shared)

  set machine(ms: number) {
    this.#offsets[0] = ms
  }

  set functions(ms: number) {
    this.#offsets[1] = ms
  }
}

/** Shifts `Date` by the offsets. It must not use outside names, because a thread starts with its source. */
export function shiftDate(offsets: Float64Array, isFunction: boolean): void {
  const Real = Date
  const now = () => Math.round(Real.now() + (offsets[0] ?? 0) + (isFunction ? (offsets[1] ?? 0) : 0))
  const Shifted = new Proxy(Real, {
    apply: () => new Real(now()).toString(),
    construct: (target, given, as) => Reflect.construct(target, given.length > 0 ? given : [now()], as),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  })
  Real.prototype.constructor = Shifted
  globalThis.Date = Shifted
}

/** For `--import` of a thread that has the offsets as `clock` in its data. */
export const shiftThread = `data:text/javascript,${encodeURIComponent(
  `import { workerData } from 'node:worker_threads'\n(${shiftDate})(new Float64Array(workerData.clock), true)`,
)}`
