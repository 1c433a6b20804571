import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import { finisher, webhookBundle } from '../../infra/build/files.ts'
import { freshProcesses } from './fresh-process.ts'
import { type Bench, interleave, median, ms, ratio, type Section } from './measure.ts'

const rounds = 20

/** Measures how long each bundle loads in a new process: Lambda's init without the start of Node.js. */
export async function init({ bundles, scratch, progress }: Bench): Promise<Section> {
  const start = await freshProcesses(scratch)
  const empty = await emptyHandler(scratch)
  const files: Record<string, string> = {
    'an empty handler': empty,
    ...Object.fromEntries(
      categories.flatMap(({ name }) => [
        [`${name} webhook`, join(bundles, name, `${webhookBundle}.js`)],
        [`${name} task`, join(bundles, name, 'task.js')],
      ]),
    ),
    [finisher]: join(bundles, finisher, `${finisher}.js`),
  }
  // The first start reads files from the disk.
  for (const file of Object.values(files)) await start(file)
  progress(`${rounds} new processes for each of ${Object.keys(files).length} handlers`)
  const runs = await interleave(
    rounds,
    Object.fromEntries(Object.entries(files).map(([name, file]) => [name, () => start(file)])),
  )
  const startTimeOf = (name: string) => median((runs[name] ?? []).map(({ wallMs }) => wallMs))
  const baseline = startTimeOf('an empty handler')
  return {
    title: 'Init, in a new process',
    columns: ['handler', 'loading, median', 'fastest', 'CPU, median', 'start to loaded', 'ratio'],
    rows: Object.entries(runs).map(([name, fresh]) => {
      const loading = median(fresh.map(({ requireMs }) => requireMs))
      return [
        name,
        ms(loading),
        ms(Math.min(...fresh.map(({ requireMs }) => requireMs))),
        ms(median(fresh.map(({ cpuMs }) => cpuMs))),
        ms(startTimeOf(name)),
        ratio(startTimeOf(name), baseline),
      ]
    }),
    notes: [
      `${rounds} runs of each, in turns. "Loading" is the time of \`require\`; the ratio compares complete process starts. CPU time may exceed the elapsed time, because Node.js collects garbage in other threads.`,
    ],
  }
}

/** Returns the file of a handler that does nothing. */
export async function emptyHandler(scratch: string): Promise<string> {
  const file = join(scratch, 'empty.cjs')
  await writeFile(file, "exports.handler = async () => ({ statusCode: 204, body: '' })\n")
  return file
}
