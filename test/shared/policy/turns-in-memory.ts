import {
  type End,
  GONE,
  SKIPPED,
  type Turn,
  type TurnPlace,
  type TurnQueue,
  type TurnTable,
} from '../../../shared/policy/turns.ts'

/** Runs the effect of one operation on an item. The operation may take its time, or never return. */
export type Operate = <T>(effect: () => T) => Promise<T>

/** The items of the turns, in memory. */
export class TurnItems {
  readonly turns = new Map<string, Turn>()
  readonly places = new Map<string, TurnPlace>()

  /** Returns the table as one process sees it. */
  tableOf(operate: Operate, wake: (task: string) => void): TurnTable {
    const { turns, places } = this
    const change = (key: string, change: (turn: Turn) => Turn | undefined) =>
      operate(() => {
        const turn = turns.get(key)
        const changed = turn && change(structuredClone(turn))
        if (changed) turns.set(key, changed)
        return structuredClone(changed)
      })
    return {
      takeNumber: ({ key }: TurnQueue) =>
        operate(() => {
          const turn = turns.get(key) ?? { next: 0, serving: 1 }
          turns.set(key, { ...turn, next: turn.next + 1 })
          return turn.next + 1
        }),
      putPlace: (key, number, task, place) =>
        operate(() => {
          const stored = places.get(`${key}#${number}`)
          if (stored && stored.task !== task) return false
          places.set(`${key}#${number}`, place === GONE ? { task: GONE, caller: '', deadline: 0 } : place)
          return true
        }),
      skip: (key, number) =>
        operate(() => {
          if (places.has(`${key}#${number}`)) return false
          places.set(`${key}#${number}`, { task: SKIPPED, caller: '', deadline: 0 })
          return true
        }),
      readTurn: (key) => operate(() => structuredClone(turns.get(key))),
      readPlace: (key, number) => operate(() => structuredClone(places.get(`${key}#${number}`))),
      grant: (key, serving, holder) =>
        change(key, (turn) => (turn.holder || turn.serving !== serving ? undefined : { ...turn, holder })),
      renew: (key, task, until) =>
        change(key, (turn) =>
          turn.holder?.task === task ? { ...turn, holder: { ...turn.holder, until, isConfirmed: true } } : undefined,
        ),
      pass: (key, serving) =>
        change(key, (turn) => (turn.holder || turn.serving !== serving ? undefined : moveOn(turn, turn.leftRunning))),
      expire: (key, { task, until, isConfirmed, link = task }) =>
        change(key, (turn) =>
          turn.holder?.task === task && turn.holder.until === until
            ? moveOn(turn, isConfirmed ? link : turn.leftRunning)
            : undefined,
        ),
      release: (key, task, end: End) =>
        change(key, (turn) => {
          if (turn.holder?.task !== task) return undefined
          if (end === 'waited') return moveOn(turn, turn.leftRunning)
          const { leftRunning, by } = end === 'ended' ? {} : end
          return { ...moveOn({ ...turn, released: undefined }, leftRunning), ...(by ? { released: { task, by } } : {}) }
        }),
      wake: (task) => operate(() => wake(task)),
    }
  }
}

function moveOn({ next, serving, released }: Turn, leftRunning: string | undefined): Turn {
  return {
    next,
    serving: serving + 1,
    ...(leftRunning === undefined ? {} : { leftRunning }),
    ...(released === undefined ? {} : { released }),
  }
}
