import { messageOf } from '../../../shared/errors.ts'
import type { Outcome } from '../../sandbox/keptn/counting.ts'
import { keptnEventLog } from '../../sandbox/keptn/event-log.ts'
import { playSequence } from '../../sandbox/keptn/player.ts'
import { loadSequence, sequenceNames } from '../../sandbox/keptn/sequence-files.ts'
import type { PlayedTask } from '../../sandbox/keptn/shipyard-controller.ts'
import { demo } from '../../sandbox/platforms/sandbox/demo.ts'
import type { CallStore } from './call-store.ts'
import type { CallSummary, CallVerdict } from './call-summary.ts'

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
  /** The keptnContext of its calls. Undefined until its first task starts. */
  context?: string
  /** The tasks that have started. */
  tasks: TaskRun[]
  /** Output, the latest 300 lines. */
  lines: string[]
}

interface TaskRun {
  stage: string
  sequence: string
  name: string
  verdict: CallVerdict
  startedAt: number
  endedAt?: number
  /** The call of its task, once it was accepted. A silent call has none. */
  call?: Pick<CallSummary, 'id' | 'platform' | 'provider'>
}

/** A run with what only the server needs. */
interface StartedRun extends SequenceRun {
  abort: AbortController
  tasks: (TaskRun & Pick<PlayedTask, 'accepted'>)[]
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

/**
 * @param store with the calls of the tasks
 * @param notify receives a sequence that has changed, and its new line if there is one
 */
export function createSequences(
  url: string,
  token: () => string,
  store: Pick<CallStore, 'load'>,
  notify: (view: SequenceView, line?: string) => void,
): Sequences {
  const runs = new Map<string, StartedRun>()
  let isClosed = false

  function view(name: string): SequenceView {
    const stages = stagesOf(name)
    const started = runs.get(name)
    if (!started) return { name, stages }
    const { abort: _abort, ...run } = started
    return { name, stages, run: { ...run, tasks: run.tasks.map((task) => withCall(task, store)) } }
  }

  /** A run ends after the console is closed, and with it the store. */
  function changed(name: string, line?: string): void {
    if (!isClosed) notify(view(name), line)
  }

  return {
    list: () => sequenceNames().map(view),
    run(name) {
      if (!sequenceNames().includes(name)) return 'unknown'
      if (runs.get(name)?.state === 'running') return 'running'
      const abort = new AbortController()
      const run = { state: 'running' as const, startedAt: Date.now(), tasks: [], lines: [], abort }
      runs.set(name, run)
      void play(name, run, { url, token, onChange: (line) => changed(name, line) })
      changed(name)
      return 'started'
    },
    stop(name) {
      const run = runs.get(name)
      run?.abort.abort()
      return run?.state === 'running'
    },
    close() {
      isClosed = true
      for (const { abort } of runs.values()) abort.abort()
    },
  }
}

interface PlayOptions {
  url: string
  token: () => string
  /** Called after each change of the run, with its new line if there is one. */
  onChange: (line?: string) => void
}

/** Runs a sequence with the control plane of the sandbox. */
async function play(name: string, run: StartedRun, { url, token, onChange }: PlayOptions): Promise<void> {
  const print = (line: string) => {
    run.lines.push(line)
    if (run.lines.length > MAX_LINES) run.lines.shift()
    onChange(line)
  }
  try {
    const { passed, interrupted } = await playSequence({
      name,
      url,
      token: token(),
      log: keptnEventLog(`${url}/sandbox/keptn`, demo.keptnToken),
      signal: run.abort.signal,
      print,
      onTask: (task, context) => {
        trackTask(run, task, context)
        onChange()
      },
    })
    run.state = interrupted ? 'stopped' : passed ? 'passed' : 'failed'
  } catch (error) {
    run.state = 'failed'
    print(messageOf(error))
  }
  run.endedAt = Date.now()
  for (const task of run.tasks) {
    if (task.verdict === 'running') Object.assign(task, { verdict: 'aborted', endedAt: run.endedAt })
  }
  onChange()
}

function stagesOf(sequenceName: string): SequenceView['stages'] {
  return loadSequence(sequenceName).sequences.map(({ stage, name, tasks }) => ({
    stage,
    name,
    tasks: tasks.map((task) => task.name),
  }))
}

/** Adds the call of a task. Only the call knows whether its running task waits. */
function withCall({ accepted, ...task }: StartedRun['tasks'][number], store: Pick<CallStore, 'load'>): TaskRun {
  const [id] = accepted.map(({ taskId }) => taskId)
  const summary = id === undefined ? undefined : store.load(id)?.summary
  if (!summary) return task
  const { platform, provider, verdict } = summary
  const isWaiting = task.verdict === 'running' && (verdict === 'waiting' || verdict === 'retrying')
  return { ...task, call: { id: summary.id, platform, provider }, verdict: isWaiting ? verdict : task.verdict }
}

function trackTask(run: StartedRun, { stage, sequence, name, outcome, accepted }: PlayedTask, context: string): void {
  run.context = context
  // Keptn runs the tasks of a sequence one after the other.
  if (outcome) Object.assign(run.tasks.at(-1) ?? {}, { verdict: verdictOf(outcome), endedAt: Date.now() })
  else run.tasks.push({ stage, sequence, name, verdict: 'running', startedAt: Date.now(), accepted })
}

function verdictOf({ status, result }: Outcome): CallVerdict {
  if (status === 'aborted' || status === 'errored') return status
  return result === 'fail' || result === 'warning' ? result : 'pass'
}
