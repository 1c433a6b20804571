import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdownTable } from '../../project/markdown-table.ts'

const PROOF = join(import.meta.dirname, '../../../docs/proof.md')

/** Returns the table of results in docs/evidence.md. `npm run prove` and `npm run bench` write the numbers to docs/proof.md. */
export function resultsTable(): string {
  const [chaos = '', soak = '', speed = ''] = readFileSync(PROOF, 'utf8').split(/^# (?:Soak|Speed)$/m)
  const violations = sum(rowsOf(chaos, 'Invariants').map(([, count]) => count))
  const targets = rowsOf(speed, 'Targets')
  const [held, missed] = [2, 3].map((column) => sum(targets.map((row) => row[column])))
  const chaosResult = `${valueIn(chaos, 'deliveries, including duplicates and repeats')} deliveries of ${valueIn(chaos, 'calls')} calls. Injected: ${valueIn(chaos, 'faults of platforms, Keptn and other engines')} faults of platforms and orchestrators, ${valueIn(chaos, 'task workers that died during an invocation')} functions that died in a task, ${valueIn(chaos, 'webhook workers that died during a call')} in a call, and ${valueIn(chaos, 'kill -9 of the runtime and restart with the same state')} \`kill -9\` of the runtime. ${violations} violations of ${rowsOf(chaos, 'Invariants').length} invariants`
  return markdownTable(
    ['Run', 'Date', 'Result'],
    [
      ['[Chaos](proof.md)', dateOf(chaos), chaosResult],
      [
        '[Soak](proof.md#soak)',
        dateOf(soak),
        `${valueIn(soak, 'accepted')} tasks accepted, ${valueIn(soak, 'finished, once')} finished once, ${valueIn(soak, 'finished twice')} twice, ${valueIn(soak, 'accepted, and never finished')} never`,
      ],
      [
        '[Speed](bench.md)',
        dateOf(speed),
        `${held} measured values within their targets, [${missed} not](proof.md#targets)`,
      ],
    ],
  )
}

/** Returns the cells of a table below a heading. */
function rowsOf(text: string, heading: string): string[][] {
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '))
  if (lines.length < 3) throw new Error(`docs/proof.md has no table below ${heading}. Run npm run prove -- --write.`)
  return lines.slice(2).map((line) => line.slice(2, -2).split(' | '))
}

function valueIn(text: string, name: string): string {
  const start = `| ${name} | `
  const line = text.split('\n').find((candidate) => candidate.startsWith(start))
  if (line === undefined) throw new Error(`docs/proof.md has no row "${name}". Run npm run prove -- --write.`)
  return line.slice(start.length, -2)
}

function dateOf(text: string): string {
  return /\b\d{4}-\d{2}-\d{2}\b/.exec(text)?.[0] ?? ''
}

function sum(counts: readonly (string | undefined)[]): number {
  return counts.reduce((total, count) => total + Number(count), 0)
}
