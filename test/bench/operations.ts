import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { compile } from './compile.ts'
import { type Bench, mb, median, ms, ratio, type Section, seconds } from './measure.ts'
import type { OperationsTask, Ran } from './operations-process.ts'
import { reportOf, startProcess } from './process.ts'

/** An execution may have 3,000 operations, including itself and the wait at its end. */
const counts = [1, 10, 100, 1_000, 2_998]
const rounds = 3
/** Shorter times are mostly the overhead of an invocation. */
const MIN_COMPARABLE_MS = 50

/** Measures the time per step for tasks with more and more steps. */
export async function operations({ scratch, progress }: Bench): Promise<Section> {
  const file = await compile('steps.ts', scratch, { keepNames: true })
  const runs: Ran[][] = []
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}: tasks of ${counts.join(', ')} steps`)
    const task: OperationsTask = { file, state: await mkdtemp(join(scratch, 'operations-')), counts }
    runs.push(await reportOf<Ran[]>(startProcess('./operations-process.ts', task)))
  }
  const of = (at: number, value: (ran: Ran) => number) =>
    median(runs.flatMap((run) => (run[at] ? [value(run[at])] : [])))
  const perStep = (at: number) => of(at, ({ steps, stepsMs }) => stepsMs / steps)
  const baseline = perStep(counts.indexOf(100))
  return {
    title: 'Operations of a task',
    columns: ['steps', 'total', 'per step', 'to 100 steps', 'replay', 'RSS afterwards'],
    rows: counts.map((steps, at) => {
      const took = of(at, ({ stepsMs }) => stepsMs)
      return [
        String(steps),
        took < 1_000 ? ms(took) : seconds(took),
        ms(perStep(at)),
        took < MIN_COMPARABLE_MS ? '' : ratio(perStep(at), baseline),
        ms(of(at, ({ replayMs }) => replayMs)),
        mb(of(at, ({ rss }) => rss)),
      ]
    }),
    notes: [
      `Medians of ${rounds} runs, each in a new process, of one durable function in the local runtime's Lambda. Each step has a checkpoint: one call to the Lambda API and one transaction. Then the task waits a second, and a new invocation replays all steps. AWS allows ${counts.at(-1)} steps per execution. RSS is that of the process with its thread, after garbage collection, including the tasks of the rows above.`,
    ],
  }
}
