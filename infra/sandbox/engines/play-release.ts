import { randomUUID } from 'node:crypto'
import { clockTime } from '../clock-time.ts'
import { type ClientOptions, runStep } from './client.ts'
import { type Engine, EngineError } from './engine.ts'
import { releaseSteps } from './release.ts'
import type { Ending } from './runs.ts'
import type { Step } from './step.ts'

interface ReleaseOptions extends Omit<ClientOptions, 'onAccepted'> {
  /** For tests: replaces the steps. */
  steps?: readonly Step[]
  /**
   * Called for each task that the webhooks accept.
   *
   * @param signal aborted when the step ends
   */
  onAccepted?: ((taskId: string, say: (text: string) => void, signal: AbortSignal) => void) | undefined
}

export interface PlayedRelease {
  passed: boolean
  steps: { name: string; run: string; ending: Ending }[]
}

/** Runs the steps of a release with an engine, until one does not pass. */
export async function playRelease(engine: Engine, options: ReleaseOptions): Promise<PlayedRelease> {
  const { print = () => {}, steps: planned = releaseSteps } = options
  const steps: PlayedRelease['steps'] = []
  for (const step of planned) {
    const say = (text: string) => print(`${clockTime(Date.now())}  ${step.name}  ${text}`)
    const reason = engine.refuses?.(step)
    if (reason !== undefined) {
      say(`skipped: ${reason}`)
      continue
    }
    const run = randomUUID()
    const ending = await endOf(engine, run, step, { ...options, print: say })
    say(`${ending.verdict}: ${ending.message}`)
    steps.push({ name: step.name, run, ending })
    if (ending.verdict !== 'pass' && ending.verdict !== 'warning') return { passed: false, steps }
  }
  return { passed: true, steps }
}

async function endOf(
  engine: Engine,
  run: string,
  step: Step,
  { onAccepted, print = () => {}, ...options }: ReleaseOptions,
): Promise<Ending> {
  const end = new AbortController()
  try {
    return await runStep(engine, run, step, {
      ...options,
      print,
      onAccepted: (taskId) => onAccepted?.(taskId, print, AbortSignal.any([end.signal, options.signal])),
    })
  } catch (error) {
    if (error instanceof EngineError) return { verdict: 'errored', message: error.message }
    throw error
  } finally {
    end.abort()
  }
}
