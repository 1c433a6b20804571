// Finds words and constructions that the project does not use: `npm run words`.
import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { helpIfAsked } from '../../project/help.ts'
import { checkFiles } from './check.ts'
import { countWords, MAX_WORDS, sumWords } from './count.ts'
import { listFiles } from './files.ts'
import type { Finding } from './find.ts'

helpIfAsked(`npm run words: finds banned words in comments, strings, Markdown, names and file names, and says what to write instead.
Also fails if the documentation becomes too long.
docs/glossary.md lists the words; infra/tools/words/allowed.ts lists the exceptions.

Usage
  npm run words -- [options] [files and folders]   checks everything by default

Options
  --list-files  print the files with the number of words, but not the words
  --count       print the length of each page in words of prose: without code, generated parts and link targets
  --help        print this text

Exit code: 0 nothing found, 1 banned words, or too many words.

Example
  npm run words -- shared docs/cli.md`)

const root = join(import.meta.dirname, '../../..')
const { values, positionals } = parseArgs({
  options: { 'list-files': { type: 'boolean' }, count: { type: 'boolean' } },
  allowPositionals: true,
})
const files = listFiles(
  root,
  positionals.map((path) => relative(root, resolve(path)) || '.'),
)
const texts = new Map(files.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
if (values.count) count()
else check()

function count(): void {
  const pages = countWords(texts)
  print(new Map([...pages, [`total, of at most ${MAX_WORDS}`, sumWords(pages)]]))
}

function check(): void {
  const findings = checkFiles(root, texts)

  if (values['list-files']) print(countBy(findings, ({ path }) => path))
  else for (const { path, line, found, write } of findings) console.log(`${path}:${line}: "${found}" -> use "${write}"`)
  if (findings.length > 0) {
    console.log('\nTotals')
    print(countBy(findings, ({ path }) => path.split('/').slice(0, -1).slice(0, 2).join('/') || '.'))
    console.log(
      `${findings.length} banned words in ${new Set(findings.map(({ path }) => path)).size} of ${files.length} files`,
    )
    process.exitCode = 1
  }
  const total = sumWords(countWords(texts))
  if (total > MAX_WORDS) {
    console.log(
      `The documentation has ${total} words of prose, and may have ${MAX_WORDS}. Shorten a page: npm run words -- --count`,
    )
    process.exitCode = 1
  }
}

function countBy(all: readonly Finding[], key: (finding: Finding) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const finding of all) counts.set(key(finding), (counts.get(key(finding)) ?? 0) + 1)
  return counts
}

function print(counts: Map<string, number>): void {
  for (const [name, count] of counts) console.log(`${String(count).padStart(6)}  ${name}`)
}
