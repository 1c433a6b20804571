import { randomBytes, randomUUID } from 'node:crypto'
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

interface StoredRun extends EngineRun {
  /** The identity of the message with the result. */
  identity?: string | undefined
}

export function createEngineRuns(store: Store): EngineRuns {
  const runs = store.collection<StoredRun>('engines.runs')
  const messages = store.collection<EngineMessage>('engines.messages')
  const runOf = ({ identity: _, ...run }: StoredRun): EngineRun => run

  return {
    start(engine, id, step) {
      const secret = randomBytes(24).toString('base64url')
      const startedAt = new Date().toISOString()
      const run = { id, engine, step, secret, startedAt, isGone: false, contradictions: 0 }
      return runOf(runs.get(id) ?? runs.put(id, run, secret))
    },
    get(id) {
      const run = runs.get(id)
      return run && runOf(run)
    },
    bySecret(engine, secret) {
      const [run] = runs.list(secret)
      return run?.engine === engine ? runOf(run) : undefined
    },
    list: (engine) =>
      runs
        .list()
        .filter((run) => engine === undefined || run.engine === engine)
        .map(runOf)
        .reverse(),
    record: (run, message) => void messages.put(randomUUID(), { at: new Date().toISOString(), ...message }, run),
    messages: (run) => messages.list(run),
    end(id, { verdict, message }, identity) {
      const run = runs.get(id)
      if (!run || (run.isGone && !run.ending)) return 'gone'
      if (!run.ending) {
        runs.change(id, { ending: { verdict, message }, identity })
        return 'decides'
      }
      const isSame = run.ending.verdict === verdict && run.ending.message === message
      if (isSame && (identity ?? run.identity) === run.identity) return 'repeated'
      runs.change(id, { contradictions: run.contradictions + 1 })
      return 'contradicts'
    },
    giveUp(id) {
      if (!runs.get(id)?.ending) runs.change(id, { isGone: true })
    },
  }
}
