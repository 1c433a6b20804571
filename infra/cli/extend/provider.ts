import type { Category } from '../../../shared/providers/category.ts'
import { quoteForShell } from '../../project/shell-words.ts'
import { UsageError } from '../../project/usage-error.ts'
import { demo } from '../../sandbox/platforms/sandbox/demo.ts'
import { localUrl } from '../receiver/receiver.ts'
import { addOwnProvider, IN_APPLICATION } from './application.ts'
import type { Changes } from './changes.ts'
import { exampleArguments, kinds, type TemplateKind, templateKinds } from './kinds.ts'
import type { Name } from './names.ts'
import { filesOfProvider, instantiate, type Move, templateFile } from './template.ts'

/**
 * Returns the requested kind of a provider. Defaults to the kind of the category's actions, if they all have the same.
 *
 * @throws UsageError
 */
export function resolveKind({ name, actions }: Category, requested: TemplateKind | undefined): TemplateKind {
  const used = new Set(Object.values(actions).map(({ kind }) => kind))
  const supported = templateKinds.filter((kind) => used.has(kind))
  const [only, ...others] = supported
  if (requested !== undefined && supported.includes(requested)) return requested
  if (requested === undefined && only !== undefined && others.length === 0) return only
  const known = supported.join(' or ')
  throw new UsageError(
    requested === undefined
      ? `${name} supports several kinds of providers. Add --kind ${known}.`
      : `${name} does not support providers of the kind ${requested}. Add --kind ${known}.`,
  )
}

/** Adds a provider, its test and the fake that it is tested against, and registers them. */
export function addProvider(changes: Changes, category: string, name: Name, kind: TemplateKind): void {
  if (IN_APPLICATION) return void addOwnProvider(changes, category, name, kind)
  const { kebab, camel } = name
  const moves: Move[] = [
    ...filesOfProvider(kind, category, name),
    ['test/templates/contract.ts', `test/functions/${category}/${kebab}/contract.ts`],
  ]
  for (const [path, text] of instantiate(moves, name)) changes.create(path, text)
  const key = kebab.includes('-') ? `'${kebab}'` : kebab
  changes.insert(
    ...providerList(changes, category),
    `    ${key}: async () => (await import('./${kebab}/${kebab}.ts')).${camel},\n`,
  )
  const [[, section = '']] = instantiate([[templateFile(kind, 'section.md'), 'README.md']], name) as [[string, string]]
  changes.append(`functions/${category}/README.md`, section.replaceAll('<category>', category))
}

/** Returns where a category lists its providers: in index.ts, or in message-providers.ts, which several categories share. */
function providerList(changes: Changes, category: string): [path: string, anchor: string] {
  const shared = `functions/${category}/message-providers.ts`
  return changes.has(shared)
    ? [shared, 'export const messageProviders = {\n']
    : [`functions/${category}/index.ts`, '  providers: {\n']
}

/** Returns the commands that lead to a working call. */
export function nextForProvider(category: Category, name: Name, kind: TemplateKind): string[] {
  const { kebab } = name
  const [action] = Object.entries(category.actions).find(([, action]) => action.kind === kind) ?? []
  const connection = { provider: kebab, baseUrl: `${localUrl()}/sandbox/tool`, token: demo.toolToken }
  return [
    `${IN_APPLICATION ? 'node --test' : 'npm test --'} test/functions/${category.name}/${kebab}/${kebab}.test.ts`,
    'WEBHOOKS_DEMO=off npm start',
    `echo ${quoteForShell(JSON.stringify(connection))} | npx webhooks connect ${category.name}/${kebab} --local --from-file -`,
    `npx webhooks send ${category.name}/${action} --connection ${kebab} ${[exampleArguments(kind), kinds[kind].more].filter(Boolean).join(' ')}`,
  ]
}
