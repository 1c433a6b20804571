import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import { finisher, webhookBundle } from '../../infra/build/files.ts'
import { keptnEvent, openIssue, proxyEvent } from './event.ts'
import { freshProcesses } from './fresh-process.ts'
import { type Bench, kb, type Section, within } from './measure.ts'
import { startPlatform } from './platform.ts'
import { required, splitOf } from './source-bytes.ts'

/** Budgets of a webhook without and with the AWS SDK, in bytes. */
const MAX_BYTES_WITHOUT_SDK = 200 * 1_024
const MAX_BYTES = 600 * 1_024

const calls = {
  'a silent call without an event id': proxyEvent('open-issue', {}, keptnEvent(openIssue)),
  'a silent call with one': proxyEvent('open-issue', {}, keptnEvent(openIssue, 'event-1')),
  'an interactive call': proxyEvent('open-issue', { mode: 'interactive' }, keptnEvent(openIssue, 'event-2')),
}

/** Measures the sizes of the files that a process loads. */
export async function sizes({ bundles, scratch, progress }: Bench): Promise<Section> {
  const start = await freshProcesses(scratch)
  const platform = await startPlatform()
  const rows: string[][] = []
  /** Adds a row. Only webhooks have a budget. */
  const add = (what: string, files: string[], isBudgeted = false) => {
    const splits = files.map(splitOf)
    const sdk = splits.reduce((sum, split) => sum + split.sdk, 0)
    const rest = splits.reduce((sum, split) => sum + split.rest, 0)
    const budget = `${within(rest, MAX_BYTES_WITHOUT_SDK, kb)}; ${within(sdk + rest, MAX_BYTES, kb)}`
    rows.push([what, String(files.length), kb(rest), kb(sdk), kb(rest + sdk), isBudgeted ? budget : ''])
  }
  try {
    for (const { name } of categories) {
      const webhook = join(bundles, name, `${webhookBundle}.js`)
      const task = join(bundles, name, 'task.js')
      progress(name)
      add(`${name} webhook: at init`, (await start(webhook)).loaded, true)
      // The fake platform is for this category; the others differ only in their providers.
      if (name === 'issue-ticketing') {
        for (const [what, event] of Object.entries(calls)) {
          const { loaded } = await start(webhook, platform.variables, event)
          add(`${name} webhook: after ${what}`, loaded, true)
        }
      }
      add(`${name} webhook: all loadable files`, reachable(webhook))
      add(`${name} task: at init`, (await start(task)).loaded)
      add(`${name} folder: all files of webhook and task`, [...new Set([...reachable(webhook), ...reachable(task)])])
    }
    const file = join(bundles, finisher, `${finisher}.js`)
    add(`${finisher}: at init`, (await start(file)).loaded)
    add(`${finisher} folder: all files`, reachable(file))
  } finally {
    await platform.close()
  }
  return {
    title: 'Bundle sizes',
    columns: ['part', 'files', 'without the SDK', 'the SDK', 'total', 'budget without; with'],
    rows,
    notes: [
      'Minified, not compressed, without source maps; split by source map. The SDK is `@aws-sdk/*`, `@smithy/*` and packages that only they use.',
      '"At init" and "after" count the files that a new process has loaded. Keptn always sends an event id, and only calls with an event id use DynamoDB. "All loadable files" includes all providers, and the credential providers of the SDK that Lambda never uses.',
    ],
  }
}

/** Returns a file and all files that it can load. */
function reachable(file: string): string[] {
  const found = new Set([file])
  // The iteration of a set includes values that are added during it.
  for (const next of found) for (const name of required(next)) found.add(name)
  return [...found]
}
