import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import { finisher } from '../../infra/build/main.ts'
import { freshProcesses } from './fresh-process.ts'
import { type Bench, interleave, median, ms, ratio, type Section, within } from './measure.ts'

const rounds = 20
/** Of a webhook, in milliseconds. */
const most = 20

/** How long each bundle takes to load in a fresh process: what Lambda calls init, less the start of Node itself. */
export async function init({ bundles, scratch, progress }: Bench): Promise<Section> {
  const start = await freshProcesses(scratch)
  const empty = await emptyHandler(scratch)
  const files: Record<string, string> = {
    'an empty handler': empty,
    ...Object.fromEntries(
      categories.flatMap(({ name }) =>
        ['webhook', 'task'].map((entry) => [`${name} ${entry}`, join(bundles, name, `${entry}.js`)]),
      ),
    ),
    [finisher]: join(bundles, finisher, `${finisher}.js`),
  }
  // The first start of each reads its files from the disk.
  for (const file of Object.values(files)) await start(file)
  progress(`${rounds} fresh processes for each of ${Object.keys(files).length} handlers`)
  const runs = await interleave(
    rounds,
    Object.fromEntries(Object.entries(files).map(([name, file]) => [name, () => start(file)])),
  )
  const wholeOf = (name: string) => median((runs[name] ?? []).map(({ wallMs }) => wallMs))
  const reference = wholeOf('an empty handler')
  return {
    title: 'Init, in a fresh process',
    columns: ['handler', 'loading it, median', 'fastest', 'CPU, median', 'process start to loaded', 'ratio', 'budget'],
    rows: Object.entries(runs).map(([name, fresh]) => {
      const loading = median(fresh.map(({ requireMs }) => requireMs))
      return [
        name,
        ms(loading),
        ms(Math.min(...fresh.map(({ requireMs }) => requireMs))),
        ms(median(fresh.map(({ cpuMs }) => cpuMs))),
        ms(wholeOf(name)),
        ratio(wholeOf(name), reference),
        name.endsWith(' webhook') ? within(loading, most, (value) => `${value} ms`) : '',
      ]
    }),
    notes: [
      `${rounds} runs of each in turns. "Loading it" is the time of \`require\` in the process; the ratio is of whole process starts. CPU time may be longer than the time on the clock: Node collects garbage in other threads.`,
    ],
  }
}

/** @returns the file of a handler that does nothing */
export async function emptyHandler(scratch: string): Promise<string> {
  const file = join(scratch, 'empty.cjs')
  await writeFile(file, "exports.handler = async () => ({ statusCode: 204, body: '' })\n")
  return file
}
