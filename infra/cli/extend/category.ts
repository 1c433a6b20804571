import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Category } from '../../../shared/providers/category.ts'
import { type Changes, root } from './changes.ts'
import type { Name } from './names.ts'
import { readmeOf } from './readme.ts'
import { exampleArguments, type TemplateShape } from './shapes.ts'
import { instantiate, type Move, templateFile } from './template.ts'

/** A category of one shape, whose provider `http` works at once, and the lines that make it known. */
export async function addCategory(changes: Changes, name: Name, shape: TemplateShape): Promise<Category> {
  const { kebab, camel } = name
  const moves: Move[] = [
    [templateFile(shape, 'index.ts'), `functions/${kebab}/index.ts`],
    [templateFile(shape, 'actions.ts'), `functions/${kebab}/actions.ts`],
    [templateFile(shape, 'http.ts'), `functions/${kebab}/providers/http.ts`],
  ]
  for (const [path, text] of instantiate(moves, name)) changes.create(path, text)
  changes.create(`functions/${kebab}/webhook.ts`, entryPoint('webhookHandler', 'http', camel))
  changes.create(`functions/${kebab}/task.ts`, entryPoint('taskHandler', 'task', camel))
  const { sample }: { sample: Category } = await import(pathToFileURL(join(root, templateFile(shape, 'index.ts'))).href)
  const category = { ...sample, name: kebab }
  changes.create(`functions/${kebab}/README.md`, readmeOf(category, shape))
  changes.insert('functions/index.ts', "/index.ts'\n", `import { ${camel} } from './${kebab}/index.ts'\n`)
  changes.insert('functions/index.ts', 'export const categories = [\n', `  ${camel},\n`)
  return category
}

function entryPoint(handler: string, folder: string, category: string): string {
  return `import { ${handler} } from '../../shared/core/${folder}/handler.ts'
import { ${category} } from './index.ts'

export const handler = ${handler}(${category})
`
}

/** The commands from here to a call that works, each as it is typed. */
export function nextForCategory({ name, actions }: Category, shape: TemplateShape): string[] {
  const [action] = Object.keys(actions)
  return ['WEBHOOKS_DEMO=off npm start', `npm run webhooks -- send ${name}/${action} ${exampleArguments(shape)}`]
}
