import type { Category } from '../../../shared/providers/category.ts'
import { demo } from '../../platforms/sandbox/demo.ts'
import { UsageError } from '../usage-error.ts'
import type { Changes } from './changes.ts'
import type { Name } from './names.ts'
import { exampleArguments, shapes, type TemplateShape, templateShapes } from './shapes.ts'
import { instantiate, type Move, templateFile } from './template.ts'

/**
 * The shape of a new provider: as asked for, else that of the category's actions, where that is but one.
 *
 * @throws UsageError
 */
export function shapeOf({ name, actions }: Category, asked: TemplateShape | undefined): TemplateShape {
  const used = new Set(Object.values(actions).map(({ kind: shape }) => shape))
  const able = templateShapes.filter((shape) => used.has(shape))
  const [only, ...others] = able
  if (asked !== undefined && able.includes(asked)) return asked
  if (asked === undefined && only !== undefined && others.length === 0) return only
  const known = able.join(' or ')
  throw new UsageError(
    asked === undefined
      ? `The actions of ${name} ask different things of a provider: give --shape ${known}.`
      : `No action of ${name} asks for a provider of the shape ${asked}: give --shape ${known}.`,
  )
}

/** A provider, its test, the server that it is tested against, and the lines that make them known. */
export function addProvider(changes: Changes, category: string, name: Name, shape: TemplateShape): void {
  const { kebab, camel, title } = name
  const moves: Move[] = [
    [templateFile(shape, 'provider.ts'), `functions/${category}/providers/${kebab}.ts`],
    [templateFile(shape, 'server.ts'), `infra/platforms/${kebab}.ts`],
    [templateFile(shape, 'provider.test.ts'), `test/functions/${category}/${kebab}.test.ts`],
  ]
  for (const [path, text] of instantiate(moves, name)) changes.create(path, text)
  const key = kebab.includes('-') ? `'${kebab}'` : kebab
  changes.insert(
    ...placeOfProviders(changes, category),
    `    ${key}: async () => (await import('./providers/${kebab}.ts')).${camel},\n`,
  )
  changes.insert(
    'test/contract/subjects/index.ts',
    'export const withoutContract: Record<string, string> = {\n',
    `  ${key}: 'There is none yet; its tests answer as ${title} does, from what infra/platforms/${kebab}.ts names',\n`,
  )
  if (shape === 'job')
    changes.insert(
      'test/contract/states.test.ts',
      'const unlisted: Record<string, string> = {\n',
      `  ${key}: 'there is no contract yet',\n`,
    )
  const [[, section = '']] = instantiate([[templateFile(shape, 'section.md'), 'README.md']], name) as [[string, string]]
  changes.append(`functions/${category}/README.md`, section)
}

/** Where a category lists its providers, which another may have apart from its actions. */
function placeOfProviders(changes: Changes, category: string): [path: string, behind: string] {
  const [index, behind] = [`functions/${category}/index.ts`, '  providers: {\n']
  return changes.read(index).includes(behind)
    ? [index, behind]
    : [`functions/${category}/platforms.ts`, 'export const platforms = {\n']
}

/** The commands from here to a call that works, each as it is typed. */
export function nextForProvider(category: Category, { kebab }: Name, shape: TemplateShape): string[] {
  const [action] = Object.entries(category.actions).find(([, one]) => one.kind === shape) ?? []
  const connection = { provider: kebab, baseUrl: 'http://127.0.0.1:8787/sandbox/tool', token: demo.toolToken }
  return [
    `npm test -- test/functions/${category.name}/${kebab}.test.ts`,
    'WEBHOOKS_DEMO=off npm start',
    `echo '${JSON.stringify(connection)}' | npm run webhooks -- connect ${category.name}/${kebab} --local --from-file -`,
    `npm run webhooks -- send ${category.name}/${action} --connection ${kebab} ${[exampleArguments(shape), shapes[shape].more].filter(Boolean).join(' ')}`,
  ]
}
