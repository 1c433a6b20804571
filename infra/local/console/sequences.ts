import { messageOf } from '../../../shared/errors.ts'
import { keptnEventLog } from '../../keptn/event-log.ts'
import { playSequence } from '../../keptn/player.ts'
import { loadSequence, sequenceNames } from '../../keptn/sequence-files.ts'
import { demo } from '../../platforms/sandbox/demo.ts'

/** An included sequence and its last run. */
export interface SequenceView {
  name: string
  /** The sequences of its stages, with their tasks. */
  stages: { stage: string; name: string; tasks: string[] }[]
  run?: SequenceRun
}

/** Times are milliseconds since 1970. */
interface SequenceRun {
  state: 'running' | 'passed' | 'failed' | 'stopped'
  startedAt: number
  endedAt?: number
  /** Output, the latest 300 lines. */
  lines: string[]
}

export interface Sequences {
  list(): SequenceView[]
  /** Starts a run, unless the sequence is already running. */
  run(name: string): 'started' | 'unknown' | 'running'
  /** Stops the run. Tasks at the receiver continue. */
  stop(name: string): boolean
  close(): void
}

const MAX_LINES = 300

/** @param notify receives a sequence that has changed, and its new line if there is one */
export function createSequences(
  url: string,
  token: () => string,
  notify: (view: SequenceView, line?: string) => void,
): Sequences {
  const runs = new Map<string, SequenceRun & { abort: AbortController }>()

  function view(name: string): SequenceView {
    const stages = loadSequence(name).sequences.map((sequence) => ({
      stage: sequence.stage,
      name: sequence.name,
      tasks: sequence.tasks.map((task) => task.name),
    }))
    const { abort: _abort, ...run } = runs.get(name) ?? { abort: undefined }
    return { name, stages, ...('state' in run ? { run } : {}) }
  }

  async function start(name: string, run: SequenceRun & { abort: AbortController }): Promise<void> {
    const print = (line: string) => {
      run.lines.push(line)
      if (run.lines.length > MAX_LINES) run.lines.shift()
      notify(view(name), line)
    }
    try {
      const { passed, interrupted } = await playSequence({
        name,
        url,
        token: token(),
        log: keptnEventLog(`${url}/sandbox/keptn`, demo.keptnToken),
        signal: run.abort.signal,
        print,
      })
      run.state = interrupted ? 'stopped' : passed ? 'passed' : 'failed'
    } catch (error) {
      run.state = 'failed'
      print(messageOf(error))
    }
    run.endedAt = Date.now()
    notify(view(name))
  }

  return {
    list: () => sequenceNames().map(view),
    run(name) {
      if (!sequenceNames().includes(name)) return 'unknown'
      if (runs.get(name)?.state === 'running') return 'running'
      const run = { state: 'running' as const, startedAt: Date.now(), lines: [], abort: new AbortController() }
      runs.set(name, run)
      void start(name, run)
      notify(view(name))
      return 'started'
    },
    stop(name) {
      const run = runs.get(name)
      run?.abort.abort()
      return run?.state === 'running'
    },
    close() {
      for (const { abort } of runs.values()) abort.abort()
    },
  }
}
