import { checkFirst } from '../../../shared/errors.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { capitalize } from '../../../shared/providers/job-outcome.ts'
import { type Once, type Write, writesOf } from '../../../shared/providers/once.ts'
import type { Provider } from '../../../shared/providers/provider.ts'
import { categories } from '../../project/categories.ts'
import { markdownTable } from '../../project/markdown-table.ts'

const head = `# Is it once for my tool?

\`npm run docs\` generates this page from the providers. The conformance suites prove it: they lose the response to a write and retry
it, also behind as many other objects as the search covers, or behind 100 if it covers all.

If a response is lost, only the platform knows whether it has carried out the request. The tables say what a retry does then, how far its
search reaches, and what is left to you: \`nothing\` if it is once.

- A start that cannot be recognized is not repeated, and its outcome is unknown. A message or a report is written again.
- A search covers the time that a task can run, up to 31 days. A repeated call is recognized for 25 hours.
- Some platforms list a new object late, so a retry searches for some seconds.
- A stop reads the state first, and changes nothing if the run has ended.

The README of each category says where a platform stores the key.
`

/** The writes as people name them. */
const NAMES: Record<Write, string> = {
  start: 'start',
  rollback: 'rollback',
  open: 'open',
  comment: 'comment',
  update: 'update',
  close: 'close',
  flag: 'flag change',
  'pending change': 'change that waits for an approval or a deployment',
  message: 'message',
  report: 'report',
  evaluation: 'evaluation',
}

/** Returns docs/reference/once.md: the statements of all providers. Those that an earlier category has are not repeated. */
export async function oncePage(): Promise<Record<string, string>> {
  const all: readonly Category[] = categories
  const listed = new Map<Provider, Set<Write>>()
  const sections: string[] = []
  for (const category of all) {
    const rows = (await loaded(category)).flatMap(([name, provider]) => {
      const known = listed.get(provider) ?? new Set()
      listed.set(provider, known)
      const writes = statementsOf(category, provider).filter(([write]) => !known.has(write))
      for (const [write] of writes) known.add(write)
      return rowsOf(provider, writes).map((row) => [linkTo(category, name), ...row])
    })
    sections.push(`## ${category.name}\n\n${markdownTable(['Provider', ...COLUMNS], rows)}`)
  }
  return { 'docs/reference/once.md': [head, ...sections].join('\n') }
}

/** Returns the statements of the providers of a category, for its page of the reference. */
export async function onceSection(category: Category): Promise<string> {
  const rows = (await loaded(category)).flatMap(([name, provider]) =>
    rowsOf(provider, statementsOf(category, provider)).map((row) => [`\`${name}\``, ...row]),
  )
  const text =
    'If the response to the first attempt was lost, a retry does this. [What the columns mean, and all platforms](once.md)'
  return `## After a lost response\n\n${text}\n\n${markdownTable(['Provider', ...COLUMNS], rows)}`
}

/** Returns the statements of a provider as one category has it, for the page of its platform. */
export function onceTable(category: Category, provider: Provider): string {
  return markdownTable(COLUMNS, rowsOf(provider, statementsOf(category, provider)))
}

const COLUMNS = ['Write', 'A retry', 'It covers', 'What you do']

async function loaded({ providers }: Category): Promise<[string, Provider][]> {
  return Promise.all(
    Object.entries(providers).map(async ([name, load]): Promise<[string, Provider]> => [name, await load()]),
  )
}

/** Returns the writes that a category has actions for. */
function statementsOf({ actions }: Category, provider: Provider): [Write, Once][] {
  const own = Object.values(actions).filter(({ kind }) => kind === provider.kind)
  const rollsBack = own.some((action) => 'isRollback' in action)
  return Object.entries(writesOf(provider)).filter(
    (entry): entry is [Write, Once] => entry[0] !== 'rollback' || rollsBack,
  )
}

/** Writes with the same statement share a row. */
function rowsOf({ title }: Provider, writes: readonly [Write, Once][]): string[][] {
  const rows = writes.map(([write, once]) => [NAMES[write], retryOf(once), coverageOf(once), adviceOf(title, once)])
  return [...Map.groupBy(rows, ([, ...statement]) => statement.join('|')).values()].map((same) => {
    const [, ...statement] = same[0] ?? []
    return [same.map(([write]) => write).join(', '), ...statement]
  })
}

function linkTo({ name: category }: Category, name: string): string {
  return `[\`${name}\`](${category}.md#connection-of-${category}-to-${name})`
}

function retryOf({ by, otherwise, newest }: Once): string {
  if (by === 'platform-key') return 'uses the same key, by which the platform recognizes the first write'
  if (by === 'look-up' && newest === 'none') return 'starts again only if the platform has run nothing'
  if (by === 'look-up') return 'searches for the key first'
  if (by === 'comparison') return 'reads the state first, and writes only what differs'
  if (by === 'same values') return 'sets the same values again'
  if (by === 'reads') return 'reads only'
  return otherwise === 'again' ? 'writes again' : 'writes nothing: the outcome is unknown'
}

function coverageOf({ newest, delaysMs = [], keyLasts, needs }: Once): string {
  const searches = delaysMs.reduce((total, delay) => total + delay, 0) / 1_000
  const parts = [
    [...reachOf(newest), ...(searches > 0 ? [`for ${searches} seconds`] : [])].join(', '),
    ...(keyLasts === undefined ? [] : [newest === undefined ? keyLasts : `the platform's own key: ${keyLasts}`]),
    ...(needs ? [`needs ${needs.text}`] : []),
  ]
  return parts.filter(Boolean).join('; ')
}

function reachOf(newest: Once['newest']): string[] {
  if (newest === undefined || newest === 'none') return []
  if (newest === 'all') return ['all']
  if (newest === 1) return ['only the newest']
  return [typeof newest === 'number' ? `the newest ${newest.toLocaleString('en-US')}` : `the first ${newest}`]
}

function adviceOf(title: string, { by, newest = 'all', delaysMs, needs, keyLasts, otherwise }: Once): string {
  const isLimited = needs !== undefined || newest !== 'all' || (by === 'platform-key' && keyLasts !== undefined)
  const [twice, unknown] = ['it may be there twice.', checkFirst(title)]
  if (by === 'nothing') return otherwise === 'again' ? capitalize(twice) : unknown
  const advice = [
    ...(isLimited ? [`Otherwise, ${otherwise === 'again' ? twice : `the outcome is unknown. ${unknown}`}`] : []),
    ...(delaysMs ? [`If it appears later, ${twice}`] : []),
  ]
  return advice.join(' ') || 'nothing'
}
