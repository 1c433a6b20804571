import { Command, Option } from 'commander'
import type { Category } from '../../../shared/providers/category.ts'
import { categories } from '../../project/categories.ts'
import { findCategory } from '../../project/find-by-name.ts'
import { UsageError } from '../../project/usage-error.ts'
import { CHECK_COMMAND, requireApplication } from '../extend/application.ts'
import { Changes } from '../extend/changes.ts'
import { type FinishOptions, finish } from '../extend/finish.ts'
import { type TemplateKind, templateKinds } from '../extend/kinds.ts'
import { newName } from '../extend/names.ts'
import { addProvider, nextForProvider, resolveKind } from '../extend/provider.ts'

interface Options extends FinishOptions {
  kind?: TemplateKind
  title?: string
}

/** `webhooks new-provider`: creates a provider from a template. */
export function newProviderCommand(): Command {
  return new Command('new-provider')
    .argument('<category>', 'for example issue-ticketing')
    .argument('<name>', 'name in connections, such as acme or acme-desk')
    .option('--title <title>', 'display name, such as ServiceNow (default: derived from the name)')
    .addOption(
      new Option('--kind <kind>', 'kind of the provider, if the category supports several').choices(templateKinds),
    )
    .option('--dry-run', 'list the files that would be written')
    .option('--json', 'print the files and the next commands as JSON')
    .addHelpText(
      'after',
      `
The new provider works with the generic API of the sandbox and passes its tests. docs/extend.md describes the next steps.

Exit code: 0 written, 1 write failed, 2 invalid arguments, or the name exists.

Examples:
  $ npx webhooks new-provider issue-ticketing acme --dry-run
  $ npx webhooks new-provider incident-management acme-runs --kind job --title 'ACME Runs' --dry-run`,
    )
    .action(run)
}

function run(where: string, text: string, { kind: requestedKind, title, ...options }: Options): void {
  requireApplication()
  const category = findCategory(where)
  const name = newName(text, title)
  const kind = resolveKind(category, requestedKind)
  requireUnusedName(name.kebab)
  const changes = new Changes()
  addProvider(changes, category.name, name, kind)
  const guard =
    category.name === 'chaos-testing'
      ? ['Limit its blast radius before you use it, as functions/chaos-testing/http/http.ts does.']
      : []
  const [provider, server] = changes.list().created
  const then = `Then adapt ${provider} and ${server} to the API of ${name.title}, and run ${CHECK_COMMAND}.`
  finish(changes, nextForProvider(category, name, kind), [...guard, then], options)
}

/** Requires a name that no category uses: the test server and the contract of a provider are found by its name. */
export function requireUnusedName(name: string): void {
  const all: readonly Category[] = categories
  const known = all.find(({ providers }) => Object.hasOwn(providers, name))
  if (known) throw new UsageError(`${known.name} already has a provider ${name}. Choose another name.`)
}
