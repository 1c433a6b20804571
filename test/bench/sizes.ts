import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import { finisher } from '../../infra/build/main.ts'
import { keptnEvent, openIssue, proxyEvent } from './event.ts'
import { freshProcesses } from './fresh-process.ts'
import { type Bench, kb, type Section, within } from './measure.ts'
import { startPlatform } from './platform.ts'
import { required, splitOf } from './source-bytes.ts'

/** In bytes: what a webhook may be without the AWS SDK, and with it. */
const mostWithout = 200 * 1_024
const mostWith = 600 * 1_024

const calls = {
  'a silent call without an event id': proxyEvent('open-issue', {}, keptnEvent(openIssue)),
  'a silent call with one': proxyEvent('open-issue', {}, keptnEvent(openIssue, 'event-1')),
  'an interactive call': proxyEvent('open-issue', { mode: 'interactive' }, keptnEvent(openIssue, 'event-2')),
}

/** How large the bundles are, in what a process really loads of them. */
export async function sizes({ bundles, scratch, progress }: Bench): Promise<Section> {
  const start = await freshProcesses(scratch)
  const platform = await startPlatform()
  const rows: string[][] = []
  /** A row for some files; the budget is for the webhook alone. */
  const add = (what: string, files: string[], isBudgeted = false) => {
    const splits = files.map(splitOf)
    const sdk = splits.reduce((sum, split) => sum + split.sdk, 0)
    const rest = splits.reduce((sum, split) => sum + split.rest, 0)
    const budget = `${within(rest, mostWithout, kb)}; ${within(sdk + rest, mostWith, kb)}`
    rows.push([what, String(files.length), kb(rest), kb(sdk), kb(rest + sdk), isBudgeted ? budget : ''])
  }
  try {
    for (const { name } of categories) {
      const webhook = join(bundles, name, 'webhook.js')
      const task = join(bundles, name, 'task.js')
      progress(name)
      add(`${name} webhook: at init`, (await start(webhook)).loaded, true)
      // The one category whose platform is played here; the others differ by their providers alone.
      if (name === 'issue-ticketing') {
        for (const [what, event] of Object.entries(calls)) {
          const { loaded } = await start(webhook, platform.variables, event)
          add(`${name} webhook: after ${what}`, loaded, true)
        }
      }
      add(`${name} webhook: all that it could ever load`, reachable(webhook))
      add(`${name} task: at init`, (await start(task)).loaded)
      add(`${name} folder: all files, webhook and task`, [...new Set([...reachable(webhook), ...reachable(task)])])
    }
    const file = join(bundles, finisher, `${finisher}.js`)
    add(`${finisher}: at init`, (await start(file)).loaded)
    add(`${finisher} folder: all files`, reachable(file))
  } finally {
    await platform.close()
  }
  return {
    title: 'Bundle sizes',
    columns: ['what', 'files', 'without the SDK', 'the SDK', 'together', 'budget without; with'],
    rows,
    notes: [
      'Minified, not compressed, without source maps; split by source map. The SDK is `@aws-sdk/*`, `@smithy/*` and what only they bring along.',
      '"At init" and "after" count the files that a fresh process has loaded by then. A call with an event id is the usual one: Keptn always sends it, and it alone needs DynamoDB. "All that it could ever load" has all providers, and the credential providers of the SDK that Lambda never needs.',
    ],
  }
}

/** A file and all that it loads, at once or later. */
function reachable(file: string): string[] {
  const found = new Set([file])
  // A set is iterated with what is added meanwhile.
  for (const next of found) for (const name of required(next)) found.add(name)
  return [...found]
}
