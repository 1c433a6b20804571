import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/**
 * Returns what the documentation says that an engine prints when it runs a release. `...` stands for complete tasks.
 *
 * @throws Error without a transcript
 */
export function transcriptOf(engine: string): string[] {
  const command = `npx webhooks sequence release --orchestrator ${engine} --approve`
  for (const page of globSync('docs/{,callers/}*.md', { cwd: root })) {
    const [, after = ''] = readFileSync(join(root, page), 'utf8').split(`\`\`\`console\n$ ${command}\n`)
    const [lines = ''] = after.split('\n```\n')
    if (lines !== '') return lines.split('\n')
  }
  throw new Error(`No page in docs/ has the transcript of: ${command}`)
}

/** Returns the lines of a run without the tasks that a transcript omits. */
export function shownIn(transcript: readonly string[], run: readonly string[]): string[] {
  const taskOf = (line: string) => line.split('  ')[1]
  const shown = new Set(transcript.map(taskOf))
  return run.filter((line) => shown.has(taskOf(line)))
}

/** Replaces what differs between two runs: times, ids, numbers of runs and the port. Omits when the approval is clicked. */
export function comparable(lines: readonly string[]): string[] {
  const ordered = lines.filter((line) => !line.includes(' clicks Approve '))
  return ordered.map((line) =>
    line
      .replace(/^[\d:.]+Z/, '<time>')
      .replace(/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b|\b[\da-f]{12,}\b/g, '<id>')
      .replace(/#\d+/g, '#<number>')
      .replace(/(http:\/\/127\.0\.0\.1):\d+/g, '$1:<port>'),
  )
}
