import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { categories as shipped } from '../../functions/index.ts'
import type { Category } from '../../shared/providers/category.ts'
import { OWN_ORCHESTRATORS } from '../project/categories.ts'
import { APPLICATION, EXTENSION, PACKAGE } from '../project/roots.ts'
import { finisher } from './files.ts'

/** An entry point of a bundle: a file, or the text of a module that an application does not need as a file. */
export type Module = { path: string } | { text: string }

/**
 * Returns whether the package contains the bundle of a category, because the application does not change it.
 *
 * @param category undefined for a function without a category
 */
export function isPrebuilt(category?: Category): boolean {
  return EXTENSION === '.js' && !existsSync(OWN_ORCHESTRATORS) && (!category || shipped.includes(category))
}

/** Returns the entry points of a category, and its modules that both load at start. */
export async function categoryModules(category: Category): Promise<{ webhook: Module; task: Module; core: string[] }> {
  const folder = join(PACKAGE, 'functions', category.name)
  if (APPLICATION === PACKAGE)
    return {
      webhook: { path: join(folder, 'webhook.ts') },
      task: { path: join(folder, 'task.ts') },
      core: [join(folder, 'index.ts')],
    }
  const { index, name } = await exportOf(category)
  const own = existsSync(OWN_ORCHESTRATORS) ? [OWN_ORCHESTRATORS] : []
  const handler = (folder: string, create: string) => ({
    text: [
      ...registration(),
      `import { ${create} } from ${JSON.stringify(join(PACKAGE, `shared/core/${folder}/handler${EXTENSION}`))}`,
      `import { ${name} } from ${JSON.stringify(index)}`,
      `export const handler = ${create}(${name})`,
    ].join('\n'),
  })
  return { webhook: handler('webhook', 'webhookHandler'), task: handler('task', 'taskHandler'), core: [index, ...own] }
}

/** Returns the entry point of a function without a category. */
export function sharedModule(name: string): Module {
  const path = join(PACKAGE, `functions/${name}${EXTENSION}`)
  // Only the finisher sends answers to orchestrators.
  return APPLICATION === PACKAGE || name !== finisher
    ? { path }
    : { text: [...registration(), `export { handler } from ${JSON.stringify(path)}`].join('\n') }
}

/** Finds the module and the name of the export of a category, so that its bundle contains no other one. */
async function exportOf(category: Category): Promise<{ index: string; name: string }> {
  const own = join(APPLICATION, `functions/${category.name}/index.ts`)
  for (const index of [own, join(PACKAGE, `functions/${category.name}/index${EXTENSION}`)]) {
    if (!existsSync(index)) continue
    const exports: Record<string, unknown> = await import(pathToFileURL(index).href)
    const name = Object.keys(exports).find((key) => exports[key] === category)
    if (name !== undefined) return { index, name }
  }
  throw new Error(
    `${own} does not export the category ${category.name} that functions/index.ts lists. Export it there.`,
  )
}

/** Adds the orchestrators of the application to those of the package. */
function registration(): string[] {
  if (!existsSync(OWN_ORCHESTRATORS)) return []
  return [
    `import { addOrchestrators } from ${JSON.stringify(join(PACKAGE, `shared/orchestrators/index${EXTENSION}`))}`,
    `import { orchestrators } from ${JSON.stringify(OWN_ORCHESTRATORS)}`,
    'addOrchestrators(orchestrators)',
  ]
}
