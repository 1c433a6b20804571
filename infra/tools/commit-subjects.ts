// `npm run commits -- <range>`: checks the subjects of commits.
import { spawnSync } from 'node:child_process'
import { helpIfAsked } from '../project/help.ts'

const TYPES = ['feat', 'fix', 'perf', 'refactor', 'test', 'docs', 'build', 'ci', 'chore', 'revert']
const SUBJECT = new RegExp(`^(?:${TYPES.join('|')})\\([a-z0-9-]+\\)!?: (\\S+).*$`)
const MAX_LENGTH = 72
/** "added", "adding" and "adds", but not "need", "ping" and "pass". */
const NOT_IMPERATIVE = /^(?!(?:embed|shed|bring|ping|string|alias|bias)$)\w*(?:(?<!e)ed|ing|[^su]s)$/

/** Returns what is wrong with a commit subject. */
export function findSubjectProblems(subject: string): string[] {
  const [, firstWord = ''] = SUBJECT.exec(subject) ?? []
  return [
    firstWord === '' ? `write it as type(scope): imperative; types: ${TYPES.join(', ')}` : '',
    subject.length > MAX_LENGTH ? `has ${subject.length} characters; ${MAX_LENGTH} are allowed` : '',
    NOT_IMPERATIVE.test(firstWord) ? `start with an imperative verb, such as "add" instead of "${firstWord}"` : '',
    /^[A-Z][a-z]/.test(firstWord) ? `start with a lowercase verb instead of "${firstWord}"` : '',
    subject.endsWith('.') ? 'remove the period at the end' : '',
  ].filter(Boolean)
}

if (import.meta.filename === process.argv[1]) {
  helpIfAsked(`npm run commits -- <range>: checks the subjects of the commits in a range of Git: type(scope): imperative, at most ${MAX_LENGTH} characters.
Types: ${TYPES.join(', ')}. Merge commits are skipped.

  <range>  defaults to main..HEAD
  --help   print this text

Exit code: 0 all subjects are valid, 1 at least one is invalid.`)
  const [range = 'main..HEAD'] = process.argv.slice(2)
  const { status, stdout, stderr, error } = spawnSync('git', ['log', '--no-merges', '--format=%h %s', range, '--'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw error ?? new Error(`git log failed: ${stderr}`)
  const commits = stdout.split('\n').filter(Boolean)
  for (const commit of commits) {
    const subject = commit.slice(commit.indexOf(' ') + 1)
    const problems = findSubjectProblems(subject)
    if (problems.length === 0) continue
    process.exitCode = 1
    console.log([commit, ...problems.map((problem) => `  ${problem}`)].join('\n'))
  }
  if (!process.exitCode) console.log(`${commits.length} commit subjects are valid.`)
}
