import { readCredentials } from '../../local/credentials.ts'
import { keptnEventLog } from '../../sandbox/keptn/event-log.ts'
import { playSequence } from '../../sandbox/keptn/player.ts'
import type { SequenceFiles } from '../../sandbox/keptn/sequence-files.ts'
import type { PlayedTask } from '../../sandbox/keptn/shipyard-controller.ts'
import type { RecordedEvent } from '../../sandbox/platforms/keptn/recorded-event.ts'
import { demo } from '../../sandbox/platforms/sandbox/demo.ts'
import type { DemoRuntime } from './demo-runtime.ts'

/** The runtime of a demonstration that runs a sequence. */
export const WITH_KEPTN = { settings: {}, setting: 'with the platforms of the sandbox and a simulated Keptn' }

/** A task of a sequence, as `<stage> <task>`. */
type TaskKey = string

interface SequenceSteps {
  files: SequenceFiles
  /** An explanation of each task. */
  explanations: Readonly<Record<TaskKey, string>>
  /** Further steps after the runtime has accepted a task. */
  onAccepted?: Readonly<Record<TaskKey, () => Promise<void>>>
}

/** How a sequence ended. */
export type SequenceEffects = { passed: boolean; results: number }

/**
 * Runs a sequence of Keptn with a runtime, and explains its tasks.
 *
 * @returns whether it passed, and how many results Keptn got
 */
export async function playInRuntime(
  runtime: DemoRuntime,
  { files, explanations, onAccepted = {} }: SequenceSteps,
  print: (line: string) => void,
): Promise<SequenceEffects> {
  let current: TaskKey = ''
  const others: Promise<void>[] = []
  const { passed } = await playSequence({
    files,
    url: runtime.url,
    token: readCredentials(runtime.state).callerToken,
    log: keptnEventLog(`${runtime.url}/sandbox/keptn`, demo.keptnToken),
    onTask(task) {
      current = `${task.stage} ${task.name}`
      print(
        task.outcome
          ? `result   ${task.name}: ${verdictOf(task)}`
          : `keptn    ${task.stage} ${task.name}: ${explanations[current] ?? ''}`,
      )
    },
    onAccepted() {
      const other = onAccepted[current]?.() ?? Promise.resolve()
      others.push(other)
      return other
    },
  })
  await Promise.all(others)
  const events = await runtime.list<RecordedEvent[]>('sandbox/events')
  const results = events.filter(({ via, event }) => via === 'api' && event.type.endsWith('.finished'))
  return { passed, results: results.length }
}

function verdictOf({ outcome }: PlayedTask): string {
  return outcome?.message ? `${outcome.result}. ${outcome.message}` : `${outcome?.result}`
}
