import { Command, Option } from 'commander'
import { finisher } from '../../build/files.ts'
import { categories } from '../../project/categories.ts'
import { UsageError } from '../../project/usage-error.ts'
import { CHECK_COMMAND, IN_APPLICATION, requireApplication } from '../extend/application.ts'
import { addCategory, nextForCategory } from '../extend/category.ts'
import { Changes } from '../extend/changes.ts'
import { type FinishOptions, finish } from '../extend/finish.ts'
import { type TemplateKind, templateKinds } from '../extend/kinds.ts'
import { newName } from '../extend/names.ts'
import { addProvider, nextForProvider } from '../extend/provider.ts'
import { requireUnusedName } from './new-provider.ts'

interface Options extends FinishOptions {
  kind: TemplateKind
  provider?: string
}

/** `webhooks new-category`: creates a category from a template. */
export function newCategoryCommand(): Command {
  return new Command('new-category')
    .argument('<name>', 'name in URLs, such as access-requests')
    .addOption(new Option('--kind <kind>', 'kind of its providers').choices(templateKinds).makeOptionMandatory())
    .option('--provider <name>', 'also create a provider, as new-provider does')
    .option('--dry-run', 'list the files that would be written')
    .option('--json', 'print the files and the next commands as JSON')
    .addHelpText(
      'after',
      `
The category gets the actions of its kind and the http provider. After npm start, it works with the generic API of the sandbox.

Exit code: 0 written, 1 write failed, 2 invalid arguments, or the name exists.

Examples:
  $ npx webhooks new-category access-requests --kind ticket --dry-run
  $ npx webhooks new-category reports --kind job --provider acme --dry-run`,
    )
    .action(run)
}

async function run(text: string, { kind, provider, ...options }: Options): Promise<void> {
  requireApplication()
  const name = newName(text)
  if (categories.some((category) => category.name === text))
    throw new UsageError(
      `The category ${text} already exists. Choose another name, or add a provider with new-provider.`,
    )
  // These names collide with a bundle folder or with a constant.
  if ([finisher, 'categories', 'acme', 'sample'].includes(text))
    throw new UsageError(`The name ${text} is reserved. Choose another name.`)
  const changes = new Changes()
  const category = await addCategory(changes, name, kind)
  const adapted = IN_APPLICATION ? '' : ' and README.md'
  const then = [`Then adapt functions/${text}/actions.ts${adapted}, and run ${CHECK_COMMAND}.`]
  if (provider === undefined) return finish(changes, nextForCategory(category, kind), then, options)
  const named = newName(provider)
  requireUnusedName(provider)
  addProvider(changes, text, named, kind)
  finish(changes, nextForProvider(category, named, kind), then, options)
}
