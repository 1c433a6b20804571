import { LambdaClient } from '@aws-sdk/client-lambda'
import { Command } from 'commander'
import { turns } from '../../../shared/core/task/leave-turns.ts'
import { Failure, messageOf } from '../../../shared/errors.ts'
import { leave } from '../../../shared/policy/turns.ts'
import { explainAws } from '../../aws/aws-errors.ts'
import { awsVariables } from '../../local/cloud/index.ts'
import { STACK } from '../../local/functions.ts'
import { actAsWebhook } from '../../local/operator/act-as-webhook.ts'
import { operatorOf } from '../../local/operator/identity.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { type ListedTarget, readTargets } from '../../local/turn-list.ts'
import { UsageError } from '../../project/usage-error.ts'
import { stateFolder } from '../receiver/receiver.ts'
import { stackOption } from '../stack-option.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'
import { isInteractive, promptForConfirmation } from '../terminal/prompts.ts'

interface Options extends JsonOption {
  local?: boolean
  stack: string
  release?: string
  rule?: string
  yes?: boolean
}

/** `webhooks turns`: shows which tasks run one at a time, and takes a turn from a task. */
export function turnsCommand(): Command {
  return stackOption(new Command('turns'))
    .option('--local', 'use the local runtime instead of a stack')
    .option('--release <target>', 'take the turn for a target from its task, after a confirmation')
    .option('--rule <name>', 'the rule of the target, if several rules have it')
    .option('--yes', 'release without a confirmation')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Lists the targets of rules with oneAtATime, the task that has the turn, until when at the latest, and how many tasks wait.

--release lets the next task start. It does not stop the task that had the turn: cancel that one first. The outcome of the next task says that
another job may be running.

Needs lambda:ListFunctions, lambda:ListTags and dynamodb:Scan, and --release also dynamodb:GetItem, dynamodb:PutItem, dynamodb:UpdateItem and
lambda:SendDurableExecutionCallbackSuccess.

Exit code: 0 listed or released, 1 failed, 2 invalid arguments, or no task has the turn.

Examples:
  $ npx webhooks turns
  $ npx webhooks turns --local --json
  $ npx webhooks turns --release ci-cd/prod/checkout`,
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const operator = await useTable(options)
  const targets = await readTargets({}, process.env['WEBHOOKS_STATE_TABLE'] ?? '').catch((error: unknown) => {
    throw explainAws(error, 'Reading the state table')
  })
  if (options.release !== undefined) return release(targets, options.release, operator, options)
  const rows = targets.filter(({ holder, waiting }) => holder || waiting.length > 0)
  if (rows.length === 0) note('No task has a turn or waits for one.')
  show(rows, listTable(rows), options)
}

/** Lets this process use the table and the functions of the deployment. Returns who the user is, for the audit line. */
async function useTable({ local, stack }: Options): Promise<string> {
  if (local) {
    const runtime = readRuntimeFile(stateFolder())
    if (!runtime) throw new UsageError('The local runtime does not run. Start it with npm start.')
    const { endpoint: lambda, dynamodb, ...credentials } = runtime.aws
    Object.assign(process.env, awsVariables({ lambda, dynamodb }, credentials))
  }
  try {
    const client = new LambdaClient({ maxAttempts: 2 })
    await actAsWebhook(client, local ? STACK : stack)
    return local ? 'an operator' : await operatorOf(client)
  } catch (error) {
    throw error instanceof Failure ? error : explainAws(error, 'Reading the functions of the stack')
  }
}

async function release(
  targets: readonly ListedTarget[],
  target: string,
  by: string,
  { rule, yes, json }: Options,
): Promise<void> {
  const found = targets.filter((known) => known.target === target && (rule === undefined || known.rule === rule))
  const [{ key, holder } = {}, ...others] = found
  if (others.length > 0)
    throw new UsageError(
      `Several rules have the target ${target}. Pass --rule: ${found.map((one) => one.rule).join(', ')}`,
    )
  if (key === undefined || !holder)
    throw new UsageError(`No task has the turn for ${target}. List them with webhooks turns.`)
  const { task, caller, link = task } = holder
  if (!yes && !isInteractive()) throw new UsageError('There is no terminal for the confirmation. Pass --yes.')
  const question = `The task ${task} of ${caller} has the turn for ${target}. Its job may still be running. Release the turn?`
  if (!yes && !(await promptForConfirmation(question))) return note('Nothing was changed.')
  const isReleased = await leave(turns, { key, task }, { leftRunning: link, by }, () => Date.now()).catch((error) => {
    throw new Error(`The turn may not be released: ${messageOf(error)}`, { cause: error })
  })
  if (!isReleased) throw new UsageError(`The task ${task} no longer has the turn for ${target}.`)
  show({ target, released: task }, `Released the turn of ${task} for ${target}.`, { json: json ?? false })
}

function listTable(rows: readonly ListedTarget[]): string {
  return table(
    ['target', 'rule', 'task', 'caller', 'until', 'waiting'],
    rows.map(({ target, rule, holder, waiting }) => [
      target,
      rule,
      holder?.task ?? '-',
      holder?.caller ?? '-',
      holder ? new Date(holder.until).toISOString().replace(/\.\d+Z$/, 'Z') : '-',
      String(waiting.length),
    ]),
  )
}
