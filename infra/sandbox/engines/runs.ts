import { randomBytes } from 'node:crypto'
import type { Store } from '../platforms/sandbox/store.ts'
import type { Step } from './step.ts'

/** How a run of a step ended for its engine. */
export interface Ending {
  verdict: 'pass' | 'warning' | 'fail' | 'errored' | 'aborted'
  message: string
}

/** One run of a step by an engine. */
export interface EngineRun {
  id: string
  engine: string
  step: Step
  /** A random part of the address for the answer, such as a task token. It belongs to this run only. */
  secret: string
  startedAt: string
  /** Whether the engine no longer waits, for example because a user stopped the run. */
  isGone: boolean
  /** The first result. Undefined while the engine waits. */
  ending?: Ending
  /** How many results differed from the first one. There must be none. */
  contradictions: number
}

/** A request of a run, or an answer to it. */
export interface EngineMessage {
  at: string
  direction: 'call' | 'answer'
  /** Such as `POST /v1/ci-cd/trigger-build`, or the kind of an answer. */
  what: string
  /** Status of the response; 0 without a response. */
  status: number
  body: string
}

/** A result, and how the engine takes it. */
export type Reception =
  /** It decides the run. */
  | 'decides'
  /** The run has this result already. Engines differ in how they respond to it. */
  | 'repeated'
  /** The run has another result already. This must not happen. */
  | 'contradicts'
  /** The engine no longer waits for the run. */
  | 'gone'

/** The state of all engines, in the database of the sandbox. It survives a restart. */
export interface EngineRuns {
  /** Registers a run. Returns the registered one if its id is known: an engine that restarted continues it. */
  start(engine: string, id: string, step: Step): EngineRun
  get(id: string): EngineRun | undefined
  /** Finds the run that an address belongs to. */
  bySecret(engine: string, secret: string): EngineRun | undefined
  /** Newest first. */
  list(engine?: string): EngineRun[]
  /** Records a message, including one that the engine refuses. */
  record(id: string, message: Omit<EngineMessage, 'at'>): void
  /** Oldest first. */
  messages(id: string): EngineMessage[]
  /**
   * Ends a run with a result. The first one counts.
   *
   * @param identity of the message, if the engine recognizes a repeated one by it
   */
  end(id: string, ending: Ending, identity?: string): Reception
  /** The engine stops waiting for a run. */
  giveUp(id: string): void
}

interface Row {
  id: string
  engine: string
  step: string
  secret: string
  started_at: string
  gone: number
  ending: string | null
  identity: string | null
  contradictions: number
}

export function createEngineRuns(store: Store): EngineRuns {
  const runOf = ({
    id,
    engine,
    step,
    secret,
    started_at: startedAt,
    gone,
    ending,
    contradictions,
  }: Row): EngineRun => ({
    id,
    engine,
    step: JSON.parse(step),
    secret,
    startedAt,
    isGone: gone === 1,
    contradictions,
    ...(ending === null ? {} : { ending: JSON.parse(ending) }),
  })
  const one = (row: Row | undefined) => row && runOf(row)
  const rowOf = (id: string) => store.get<Row>('SELECT * FROM engine_runs WHERE id = ?', id)
  const get = (id: string) => one(rowOf(id))

  return {
    start(engine, id, step) {
      store.run(
        'INSERT OR IGNORE INTO engine_runs (id, engine, step, secret, started_at) VALUES (?, ?, ?, ?, ?)',
        id,
        engine,
        JSON.stringify(step),
        randomBytes(24).toString('base64url'),
        new Date().toISOString(),
      )
      const run = get(id)
      if (!run) throw new Error(`The run ${id} vanished while it was started.`)
      return run
    },
    get,
    bySecret: (engine, secret) =>
      one(store.get<Row>('SELECT * FROM engine_runs WHERE engine = ? AND secret = ?', engine, secret)),
    list: (engine) =>
      store
        .all<Row>('SELECT * FROM engine_runs WHERE engine = coalesce(?, engine) ORDER BY rowid DESC', engine ?? null)
        .map(runOf),
    record: (run, { direction, what, status, body }) =>
      void store.run(
        'INSERT INTO engine_messages (run, at, direction, what, status, body) VALUES (?, ?, ?, ?, ?, ?)',
        run,
        new Date().toISOString(),
        direction,
        what,
        status,
        body,
      ),
    messages: (run) =>
      store.all<EngineMessage>(
        'SELECT at, direction, what, status, body FROM engine_messages WHERE run = ? ORDER BY seq',
        run,
      ),
    end(id, { verdict, message }, identity) {
      const row = rowOf(id)
      if (!row || (row.gone === 1 && row.ending === null)) return 'gone'
      const ending = JSON.stringify({ verdict, message })
      if (row.ending === null) {
        store.run('UPDATE engine_runs SET ending = ?, identity = ? WHERE id = ?', ending, identity ?? null, id)
        return 'decides'
      }
      if (row.ending === ending && (identity ?? row.identity) === row.identity) return 'repeated'
      store.run('UPDATE engine_runs SET contradictions = contradictions + 1 WHERE id = ?', id)
      return 'contradicts'
    },
    giveUp: (id) => void store.run('UPDATE engine_runs SET gone = 1 WHERE id = ? AND ending IS NULL', id),
  }
}
