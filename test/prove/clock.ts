/**
 * Shifts `Date` by two offsets in milliseconds: that of the process, and that of the functions relative to it. Timers and
 * `performance` do not jump, as with a real step. It must not use outside names, because a thread starts with its source.
 */
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
