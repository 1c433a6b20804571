import { Command, Option } from 'commander'
import { categories } from '../../../functions/index.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { Changes } from '../extend/changes.ts'
import { type FinishOptions, finish } from '../extend/finish.ts'
import { newName } from '../extend/names.ts'
import { addProvider, nextForProvider, shapeOf } from '../extend/provider.ts'
import { type TemplateShape, templateShapes } from '../extend/shapes.ts'
import { categoryNamed } from '../names.ts'
import { UsageError } from '../receiver.ts'

interface Options extends FinishOptions {
  shape?: TemplateShape
  title?: string
}

/** `webhooks new-provider`: a provider that works, to be changed into one for a platform of yours. */
export function newProviderCommand(): Command {
  return new Command('new-provider')
    .description('write a provider of a category, with its test, from a template that works')
    .argument('<category>', 'such as issue-ticketing')
    .argument('<name>', 'as connections name it: acme, acme-desk')
    .option('--title <title>', 'as people write it, where not like the name: ServiceNow')
    .addOption(new Option('--shape <shape>', 'of a category with several').choices(templateShapes))
    .option('--dry-run', 'say which files would be written')
    .option('--json', 'print the files and the next commands as JSON')
    .addHelpText(
      'after',
      `
What is written speaks the API of the sandbox's tool, and passes its tests: docs/extend.md goes on from there.

Exit code: 0 written, 1 it could not be written, 2 arguments, or what is there already.

Examples:
  $ npm run webhooks -- new-provider issue-ticketing acme --dry-run
  $ npm run webhooks -- new-provider incident-management acme-runs --shape job --title 'ACME Runs' --dry-run`,
    )
    .action(run)
}

function run(where: string, text: string, { shape: asked, title, ...options }: Options): void {
  const category = categoryNamed(where)
  const name = newName(text, title)
  const shape = shapeOf(category, asked)
  unused(name.kebab)
  const changes = new Changes()
  addProvider(changes, category.name, name, shape)
  const guard =
    category.name === 'chaos-testing'
      ? ['Before it breaks anything: give it the blast radius, as functions/chaos-testing/providers/http.ts has it.']
      : []
  const [provider, server] = changes.list().created
  const then = `Then change ${provider} and ${server} into what ${name.title} is and answers; npm run check says whether all is well.`
  finish(changes, nextForProvider(category, name, shape), [...guard, then], options)
}

/** Its server and its contract are known by the name alone; and some categories have the providers of others. */
export function unused(name: string): void {
  const all: readonly Category[] = categories
  const known = all.find(({ providers }) => Object.hasOwn(providers, name))
  if (known) throw new UsageError(`${known.name} has a provider ${name} already: choose another name.`)
}
