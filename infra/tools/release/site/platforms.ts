import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { actionsOf, type Category } from '../../../../shared/providers/category.ts'
import type { Provider } from '../../../../shared/providers/provider.ts'
import { loadSourceType, sourceTypeNames } from '../../../../shared/sources/load-source-type.ts'
import { notifiesOf } from '../../../../shared/sources/source-of.ts'
import { categories } from '../../../project/categories.ts'
import { markdownTable } from '../../../project/markdown-table.ts'
import { fieldsOf } from '../../../project/schema-fields.ts'
import { onceTable } from '../../docs/once.ts'
import { fieldTable, sampleOf, statesOf } from '../../docs/reference.ts'
import { githubSlug } from './links.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const FOLDER = 'docs/platforms'
/** docs/http.md describes the generic providers. */
const GENERIC = /^http(?:-|$)/

/** A provider as one category has it. */
interface Use {
  category: Category
  provider: Provider
}

/** A call of a test and its effects. test/golden/platforms.test.ts records them. */
interface Example {
  action: string
  input: object
  requests: string[]
  outcome: object
}

/** Returns a page for each platform, and one that lists them, by path. Only the site has them. */
export async function platformPages(): Promise<Record<string, string>> {
  const uses = await usesByName()
  const examples: Record<string, Example> = JSON.parse(readFileSync(join(ROOT, 'test/golden/platforms.json'), 'utf8'))
  const pages: Record<string, string> = { [`${FOLDER}/README.md`]: indexPage(uses) }
  for (const [name, used] of uses) pages[`${FOLDER}/${name}.md`] = await platformPage(name, used, examples)
  return pages
}

async function usesByName(): Promise<[name: string, used: Use[]][]> {
  const all: readonly Category[] = categories
  const loaded = all.flatMap((category) =>
    Object.entries(category.providers).map(async ([name, load]) => ({ name, category, provider: await load() })),
  )
  const specific = (await Promise.all(loaded)).filter(({ name }) => !GENERIC.test(name))
  return [...Map.groupBy(specific, ({ name }) => name)].sort(([a], [b]) => (a < b ? -1 : 1))
}

function indexPage(uses: readonly [string, Use[]][]): string {
  const rows = uses.map(([name, used]) => [
    `[${titleOf(name, used)}](${name}.md)`,
    used.map(({ category }) => category.name).join(', '),
  ])
  return `# Platforms

What each platform can do, its settings and states, and an example. Connect any other HTTP API with [the generic provider](../http.md).

${markdownTable(['Platform', 'Categories'], rows)}`
}

async function platformPage(name: string, used: Use[], examples: Record<string, Example>): Promise<string> {
  const rows = used.flatMap(({ category, provider }) =>
    supportedActions(category, provider).map((action) => [
      `\`${category.name}/${action}\``,
      category.actions[action]?.summary ?? '',
      `[${category.name}](${sectionOf(name, { category, provider })})`,
    ]),
  )
  return [
    `# ${titleOf(name, used)}\n`,
    `The provider \`${name}\` of ${used.map(({ category }) => category.name).join(' and ')}.\n`,
    markdownTable(['Action', 'Description', 'README'], rows),
    ...(await notifications(used)),
    ...afterLostResponses(used),
    ...connections(name, used),
    ...used.flatMap(({ category }) => exampleOf(`${category.name}/${name}`, examples)),
  ].join('\n')
}

function supportedActions(category: Category, provider: Provider): string[] {
  // A change request is only for approvals, and other approvals end with their decision.
  const refused = 'process' in provider ? 'push-update' : 'close-approval'
  return actionsOf(category, provider).filter((action) => action !== refused)
}

/** Several providers have the title of one platform. */
function titleOf(name: string, [first]: readonly Use[]): string {
  return `${first?.provider.title} (\`${name}\`)`
}

/** Returns the link to the section of a category's README that describes the provider, or all providers. */
function sectionOf(name: string, { category, provider }: Use): string {
  const path = `functions/${category.name}/README.md`
  const headings = [...readFileSync(join(ROOT, path), 'utf8').matchAll(/^##+ (.*)$/gm)].map(
    ([, heading = '']) => heading,
  )
  const found =
    headings.find((heading) => heading.includes(`\`${name}\``)) ??
    headings.find((heading) => heading === name || heading === provider.title) ??
    headings.findLast((heading) => /^(?:Connections$|Platforms)/.test(heading))
  return `../../${path}${found === undefined ? '' : `#${githubSlug(found)}`}`
}

/** Says how tasks learn of the end of what they wait for. */
async function notifications(used: readonly Use[]): Promise<string[]> {
  const polled = used.find(
    ({ provider: { kind, notifiedBy, runsInTask } }) => (kind === 'job' || notifiedBy) && !runsInTask,
  )
  if (!polled) return []
  const types = sourceTypeNames.filter((type) => notifiesOf(type, polled.provider))
  const links = await Promise.all(
    types
      .filter((type) => type !== 'http' || types.length === 1)
      .map(async (type) => {
        const { title } = await loadSourceType(type)
        return `[\`${type}\`](../sources.md#${githubSlug(`${title}: \`${type}\``)})`
      }),
  )
  return [
    `Tasks poll the platform. A source of the type ${links.join(' or ')} wakes them as soon as it reports the end.\n`,
  ]
}

function connections(name: string, used: readonly Use[]): string[] {
  const texts = Map.groupBy(used, ({ provider }) => {
    const fields = fieldsOf(provider.connection)
    return `\`${sampleOf(name, fields)}\`\n\n${fieldTable(fields)}${statesOf(provider)}`
  })
  return [...texts].map(([text, sharing]) => {
    const names = sharing.map(({ category }) => `\`connections/${category.name}/<name>\``)
    const heading = texts.size === 1 ? 'Connection' : `Connection of ${sharing[0]?.category.name}`
    return `## ${heading}\n\nIn the secret ${names.join(' or ')}: ${text}`
  })
}

function afterLostResponses(used: readonly Use[]): string[] {
  const tables = new Set(used.map(({ category, provider }) => onceTable(category, provider)))
  return [`## After a lost response\n\n[Is it once?](../reference/once.md)\n\n${[...tables].join('\n')}`]
}

function exampleOf(path: string, examples: Record<string, Example>): string[] {
  const example = examples[path]
  if (!example) return []
  const { action, input, requests, outcome } = example
  const json = (value: object) => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\`\n`
  return [
    `## Example of \`${path.split('/')[0]}/${action}\`\n`,
    'A test recorded this call with the [fake](../evidence.md#contracts) of the platform, and replaced addresses, times and random ids. The call is about checkout in shop/production, with this `input`:\n',
    json(input),
    `It sends these requests:\n\n\`\`\`text\n${requests.join('\n')}\n\`\`\`\n`,
    'Its outcome:\n',
    json(outcome),
  ]
}
