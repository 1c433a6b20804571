import { Command } from 'commander'
import { isOrchestratorType } from '../../../shared/orchestrators/index.ts'
import { UsageError } from '../../project/usage-error.ts'
import { IN_APPLICATION, requireApplication, testOf } from '../extend/application.ts'
import { Changes } from '../extend/changes.ts'
import { type FinishOptions, finish } from '../extend/finish.ts'
import { newName } from '../extend/names.ts'
import { addOrchestrator } from '../extend/orchestrator.ts'

interface Options extends FinishOptions {
  title?: string
}

/** `webhooks new-orchestrator`: creates a type of orchestrator from a template. */
export function newOrchestratorCommand(): Command {
  return new Command('new-orchestrator')
    .argument('<name>', 'type in secrets, such as acme or acme-flows')
    .option('--title <title>', 'display name, such as GoCD (default: derived from the name)')
    .option('--dry-run', 'list the files that would be written')
    .option('--json', 'print the files and the next commands as JSON')
    .addHelpText(
      'after',
      `
The new orchestrator sends results to the API of an example engine, and passes its tests. docs/extend.md describes the next steps.

Exit code: 0 written, 1 write failed, 2 invalid arguments, or the name exists.

Examples:
  $ npx webhooks new-orchestrator acme --dry-run
  $ npx webhooks new-orchestrator acme-flows --title 'ACME Flows' --dry-run`,
    )
    .action(run)
}

function run(text: string, { title, ...options }: Options): void {
  requireApplication()
  const name = newName(text, title)
  if (isOrchestratorType(name.kebab))
    throw new UsageError(`The orchestrator ${name.kebab} already exists. Choose another name.`)
  const changes = new Changes()
  addOrchestrator(changes, name)
  const { kebab } = name
  const next = [
    IN_APPLICATION ? `node --test ${testOf(name)}` : `npm test -- test/shared/orchestrators/${kebab}.test.ts`,
    `npx webhooks orchestrator add ${kebab}`,
    `npx webhooks token create ${kebab} --orchestrator ${kebab}`,
  ]
  const then = [
    IN_APPLICATION
      ? `Then adapt functions/orchestrators/${kebab}.ts and its test to ${name.title}, and run npm test.`
      : `Then adapt shared/orchestrators/${kebab}.ts, its test and docs/${kebab}.md to ${name.title}, link the page from README.md, and run npm run check.`,
  ]
  finish(changes, next, then, options, [])
}
