import { LambdaClient } from '@aws-sdk/client-lambda'
import { Command } from 'commander'
import { explainAws } from '../../aws/aws-errors.ts'
import { deleteVersion, type FunctionVersion, listVersions } from '../../aws/versions.ts'
import { UsageError } from '../../project/usage-error.ts'
import { DEFAULT_STACK, stackOption } from '../stack-option.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'

interface Options extends JsonOption {
  stack: string
  dryRun?: boolean
}

/** `webhooks versions`: the published versions of the functions of a stack. */
export function versionsCommand(): Command {
  return new Command('versions').addCommand(prune())
}

function prune(): Command {
  return stackOption(new Command('prune'))
    .description('delete the versions of functions that nothing uses')
    .option('--dry-run', 'list the versions, and delete nothing')
    .option('--json', 'print the versions as JSON')
    .addHelpText(
      'after',
      `
Each deployment that changes a function publishes a version. Never deletes the version of an alias, the previous version of a webhook, a
version with a running task, or a version on which a task failed within two days: the finisher may clean up on it. It needs lambda:ListFunctions, lambda:ListTags,
lambda:ListVersionsByFunction, lambda:ListAliases, lambda:ListDurableExecutionsByFunction and lambda:DeleteFunction.

Exit code: 0 deleted, or nothing to delete, 1 AWS rejected a request, 2 invalid arguments, or no such stack.

Examples:
  $ npx webhooks versions prune --dry-run
  $ npx webhooks versions prune --stack ${DEFAULT_STACK} --json`,
    )
    .action(run)
}

async function run({ stack, dryRun = false, json }: Options): Promise<void> {
  const lambda = new LambdaClient()
  const explain = (subject: string) => (error: unknown) => {
    throw explainAws(error, subject)
  }
  note(`Reading the versions of ${stack} ...`)
  const versions = await listVersions(lambda, stack).catch(explain('Listing the versions'))
  if (versions.length === 0)
    throw new UsageError(`The stack ${stack} has no functions. Check the name, the region and the account.`)
  const unused = versions.filter(({ usedBy }) => usedBy === undefined)
  if (!dryRun)
    for (const [index, version] of unused.entries()) {
      await deleteVersion(lambda, version).catch(explain(`Deleting version ${version.version} of ${version.function}`))
      if (index % 10 === 9) note(`${index + 1} of ${unused.length} deleted`)
    }
  const result = versions.map(({ functionArn: _, ...version }) => ({
    ...version,
    deleted: !dryRun && version.usedBy === undefined,
  }))
  show({ dryRun, versions: result }, textOf(versions, unused, dryRun), { json: json ?? false })
}

function textOf(versions: FunctionVersion[], unused: FunctionVersion[], dryRun: boolean): string {
  const used = versions.length - unused.length
  if (unused.length === 0) return `Nothing to delete: all ${used} versions are used.`
  const rows = unused.map(({ function: name, version, publishedAt }) => [name, version, publishedAt])
  const result = dryRun ? 'can be deleted' : 'deleted'
  return `${table(['function', 'version', 'published'], rows)}\n\n${unused.length} ${result}, ${used} used`
}
