import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Category } from '../../../shared/providers/category.ts'
import { APPLICATION, EXTENSION, PACKAGE } from '../../project/roots.ts'
import { UsageError } from '../../project/usage-error.ts'
import type { Changes } from './changes.ts'
import type { TemplateKind } from './kinds.ts'
import type { Name } from './names.ts'
import { filesOfProvider, instantiate, type Move, templateFile } from './template.ts'

/** Whether the commands extend an application instead of a checkout. */
export const IN_APPLICATION = EXTENSION === '.js'

/** The command that checks a change. */
export const CHECK_COMMAND = IN_APPLICATION ? 'npm test' : 'npm run check'

const CATEGORIES = 'functions/index.ts'
const ORCHESTRATORS = 'functions/orchestrators.ts'
const LIST = 'export const categories = [\n'

/** @throws UsageError if the folder contains no application */
export function requireApplication(): void {
  if (APPLICATION !== PACKAGE || !IN_APPLICATION) return
  throw new UsageError(
    'This folder contains no application. Create one: npm create cloud-automation-webhooks my-webhooks',
  )
}

/** Adds a provider, its test and the fake that it is tested against, and registers them. */
export function addOwnProvider(changes: Changes, category: string, name: Name, kind: TemplateKind): void {
  const { kebab, camel } = name
  write(changes, name, filesOfProvider(kind, category, name))
  const index = `functions/${category}/index.ts`
  if (!changes.has(index)) extendShipped(changes, category)
  changes.insert(
    index,
    '  providers: {\n',
    `    ${keyOf(name)}: async () => (await import('./${kebab}/${kebab}.ts')).${camel},\n`,
  )
}

/** Adds a category whose providers have one kind, with a working provider `http`, and registers it. */
export async function addOwnCategory(changes: Changes, name: Name, kind: TemplateKind): Promise<Category> {
  const { kebab, camel } = name
  write(changes, name, [
    [templateFile(kind, 'index.ts'), `functions/${kebab}/index.ts`],
    [templateFile(kind, 'actions.ts'), `functions/${kebab}/actions.ts`],
    [templateFile(kind, 'http.ts'), `functions/${kebab}/http/http.ts`],
  ])
  changes.insert(
    CATEGORIES,
    "from 'cloud-automation-webhooks/categories'\n",
    `import { ${camel} } from './${kebab}/index.ts'\n`,
  )
  changes.insert(CATEGORIES, LIST, `  ${camel},\n`)
  const template = join(PACKAGE, templateFile(kind, `index${EXTENSION}`))
  const { sample }: { sample: Category } = await import(pathToFileURL(template).href)
  return { ...sample, name: kebab }
}

/** Adds a type of orchestrator and its test, and registers it. */
export function addOwnOrchestrator(changes: Changes, name: Name): void {
  const { kebab, camel } = name
  write(changes, name, [
    [templateFile('orchestrator', 'orchestrator.ts'), `functions/orchestrators/${kebab}.ts`],
    [templateFile('orchestrator', 'orchestrator.test.ts'), testOf(name)],
  ])
  const anchor = 'export const orchestrators: OrchestratorTypes = {\n'
  if (!changes.has(ORCHESTRATORS))
    changes.create(
      ORCHESTRATORS,
      `import type { OrchestratorTypes } from 'cloud-automation-webhooks'\n\n/** The orchestrators of this application, by type. */\n${anchor}}\n`,
    )
  changes.insert(
    ORCHESTRATORS,
    anchor,
    `  ${keyOf(name)}: async () => (await import('./orchestrators/${kebab}.ts')).${camel}Type,\n`,
  )
}

/** Returns the test file of an orchestrator. */
export function testOf({ kebab }: Name): string {
  return `test/${kebab}.test.ts`
}

function write(changes: Changes, name: Name, moves: Move[]): void {
  for (const [path, text] of instantiate(moves, name, 'application')) changes.create(path, text)
}

/** Replaces a shipped category in the list with one that the application can extend. */
function extendShipped(changes: Changes, category: string): void {
  const camel = category.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  changes.create(
    `functions/${category}/index.ts`,
    `import { extendCategory } from 'cloud-automation-webhooks'
import { ${camel} as shipped } from 'cloud-automation-webhooks/categories'

/** The shipped category with the providers of this application. */
export const ${camel} = extendCategory(shipped, {
  providers: {
  },
})
`,
  )
  const imported = new RegExp(
    `(import \\{[^}]*?)\\s*\\b${camel}\\b,?([^}]*\\} from 'cloud-automation-webhooks/categories'\n)`,
  )
  if (!imported.test(changes.read(CATEGORIES)))
    throw new UsageError(`${CATEGORIES} imports no ${camel} from cloud-automation-webhooks/categories. Add the import.`)
  changes.replace(CATEGORIES, imported, `$1$2import { ${camel} } from './${category}/index.ts'\n`)
}

function keyOf({ kebab }: Name): string {
  return kebab.includes('-') ? `'${kebab}'` : kebab
}
