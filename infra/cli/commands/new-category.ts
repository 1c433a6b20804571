import { Command, Option } from 'commander'
import { categories } from '../../../functions/index.ts'
import { finisher } from '../../build/main.ts'
import { addCategory, nextForCategory } from '../extend/category.ts'
import { Changes } from '../extend/changes.ts'
import { type FinishOptions, finish } from '../extend/finish.ts'
import { newName } from '../extend/names.ts'
import { addProvider, nextForProvider } from '../extend/provider.ts'
import { type TemplateShape, templateShapes } from '../extend/shapes.ts'
import { UsageError } from '../receiver.ts'
import { unused } from './new-provider.ts'

interface Options extends FinishOptions {
  shape: TemplateShape
  provider?: string
}

/** `webhooks new-category`: a category that works with any API, to be given providers. */
export function newCategoryCommand(): Command {
  return new Command('new-category')
    .description('write a task category, with its README, from a template that works')
    .argument('<name>', 'as in URLs: access-requests')
    .addOption(
      new Option('--shape <shape>', 'what its actions are about').choices(templateShapes).makeOptionMandatory(),
    )
    .option('--provider <name>', 'write a provider too, as new-provider does')
    .option('--dry-run', 'say which files would be written')
    .option('--json', 'print the files and the next commands as JSON')
    .addHelpText(
      'after',
      `
It has the actions of its shape and the provider http, which after npm start leads to the sandbox's tool.

Exit code: 0 written, 1 it could not be written, 2 arguments, or what is there already.

Examples:
  $ npm run webhooks -- new-category access-requests --shape ticket --dry-run
  $ npm run webhooks -- new-category reports --shape job --provider acme --dry-run`,
    )
    .action(run)
}

async function run(text: string, { shape, provider, ...options }: Options): Promise<void> {
  const name = newName(text)
  if (categories.some((category) => category.name === text))
    throw new UsageError(
      `There is a category ${text} already: choose another name, or give it a provider with new-provider.`,
    )
  // Its bundle has a folder of its own, and its constant stands beside the list.
  if ([finisher, 'categories', 'acme', 'sample'].includes(text))
    throw new UsageError(`${text} can not be the name of a category: choose another.`)
  const changes = new Changes()
  const category = await addCategory(changes, name, shape)
  const then = [
    `Then change functions/${text}/actions.ts and README.md into what is asked for and done; npm run check says whether all is well.`,
  ]
  if (provider === undefined) return finish(changes, nextForCategory(category, shape), then, options)
  const named = newName(provider)
  unused(provider)
  addProvider(changes, text, named, shape)
  finish(changes, nextForProvider(category, named, shape), then, options)
}
