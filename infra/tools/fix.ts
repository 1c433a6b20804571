// `npm run fix`: formats the sources, applies safe lint fixes and updates the generated documents.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { helpIfAsked } from '../project/help.ts'

const ROOT = join(import.meta.dirname, '../..')
const COMMANDS = [
  ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '--error-on-warnings', '.'],
  ['infra/tools/docs/main.ts'],
]

helpIfAsked(`npm run fix: formats the sources, applies safe lint fixes, updates the generated documents, and lists the files that it changed.

Exit code: 0 nothing is left to fix, 1 some problems need a manual fix; the output lists them.

  --help   print this text`)

const before = readSources()
for (const command of COMMANDS) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}`)
    process.exitCode = 1
  }
}
const changed = [...readSources()].filter(([path, text]) => before.get(path) !== text).map(([path]) => path)
for (const path of changed) console.log(`changed ${path}`)
console.log(`${changed.length} file${changed.length === 1 ? '' : 's'} changed.`)

/** Returns the content of every file that Git tracks or would add, by path. */
function readSources(): Map<string, string> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { status, stdout, stderr, error } = spawnSync('git', list, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(`git ls-files failed: ${stderr}`)
  const paths = stdout.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)))
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]))
}
