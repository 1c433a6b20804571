import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Category } from '../../../shared/providers/category.ts'
import { PACKAGE } from '../../project/roots.ts'
import { addOwnCategory, IN_APPLICATION } from './application.ts'
import type { Changes } from './changes.ts'
import { exampleArguments, type TemplateKind } from './kinds.ts'
import type { Name } from './names.ts'
import { readmeOf } from './readme.ts'
import { instantiate, type Move, templateFile } from './template.ts'

/** Adds a category whose providers have one kind, with a working provider `http`, and registers it. */
export async function addCategory(changes: Changes, name: Name, kind: TemplateKind): Promise<Category> {
  if (IN_APPLICATION) return addOwnCategory(changes, name, kind)
  const { kebab, camel } = name
  const moves: Move[] = [
    [templateFile(kind, 'index.ts'), `functions/${kebab}/index.ts`],
    [templateFile(kind, 'actions.ts'), `functions/${kebab}/actions.ts`],
    [templateFile(kind, 'http.ts'), `functions/${kebab}/http/http.ts`],
  ]
  for (const [path, text] of instantiate(moves, name)) changes.create(path, text)
  changes.create(`functions/${kebab}/webhook.ts`, entryPoint('webhookHandler', 'webhook', camel))
  changes.create(`functions/${kebab}/task.ts`, entryPoint('taskHandler', 'task', camel))
  const { sample }: { sample: Category } = await import(
    pathToFileURL(join(PACKAGE, templateFile(kind, 'index.ts'))).href
  )
  const category = { ...sample, name: kebab }
  changes.create(`functions/${kebab}/README.md`, readmeOf(category, kind))
  changes.insert('functions/index.ts', "/index.ts'\n", `import { ${camel} } from './${kebab}/index.ts'\n`)
  changes.insert('functions/index.ts', "/index.ts'\n", `export { ${camel} } from './${kebab}/index.ts'\n`)
  changes.insert('functions/index.ts', 'export const categories = [\n', `  ${camel},\n`)
  return category
}

function entryPoint(handler: string, folder: string, category: string): string {
  return `import { ${handler} } from '../../shared/core/${folder}/handler.ts'
import { ${category} } from './index.ts'

export const handler = ${handler}(${category})
`
}

/** Returns the commands that lead to a working call. */
export function nextForCategory({ name, actions }: Category, kind: TemplateKind): string[] {
  const [action] = Object.keys(actions)
  return ['WEBHOOKS_DEMO=off npm start', `npx webhooks send ${name}/${action} ${exampleArguments(kind)}`]
}
