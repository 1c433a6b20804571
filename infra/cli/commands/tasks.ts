import { Command, InvalidArgumentError, Option } from 'commander'
import type { TaskStatus } from '../../../shared/core/task/task-status.ts'
import { sleep } from '../../../shared/sleep.ts'
import { examplesOf } from '../../local/console/cli-commands.ts'
import { type ListedTask, matches, type TaskFilter } from '../../local/tasks/listed-task.ts'
import { UsageError } from '../../project/usage-error.ts'
import { callReceiver, waitForTask } from '../receiver/call-receiver.ts'
import { type Receiver, receiverOf, receiverOptions } from '../receiver/receiver.ts'
import { changeTask } from '../tasks/change-task.ts'
import { completeTask, explainListing, loadDeployedTasks, readLocalTasks } from '../tasks/find-tasks.ts'
import { parseTaskName, pathOf, type TaskName } from '../tasks/task-name.ts'
import { ageOf, note, tableThatFits } from '../terminal/output.ts'

interface Options extends TaskFilter {
  url?: string
  token?: string
  limit: number
  json?: boolean
  follow?: boolean
  cancel?: boolean
  rerun?: boolean
  stack?: string
}

const STATES: TaskStatus['state'][] = ['running', 'finished', 'failed']
const VERDICTS: TaskStatus['verdict'][] = ['running', 'pass', 'warning', 'fail', 'errored', 'aborted']
const FOLLOW_INTERVAL_MS = 2_000
const DEFAULT_LIMIT = 50
/** Characters of an id in the table. */
const SHORT_ID_LENGTH = 8

/** `webhooks tasks`: lists the tasks of the local runtime or of a stack, or shows, cancels or runs again one task. */
export function tasksCommand(): Command {
  return receiverOptions(
    new Command('tasks')
      .argument('[category/taskId]', 'task of the local runtime, of a deployed API, or of the stack')
      .option('--stack <name>', 'use this deployed stack, with your AWS credentials instead of a token')
      .option('--category <name>', 'list only the tasks of this category')
      .option('--action <name>', 'list only the tasks of this action')
      .option('--connection <name>', 'list only the tasks of this connection')
      .option('--context <id>', 'list only the tasks whose context starts with this id')
      .addOption(new Option('--state <state>', 'list only the tasks in this state').choices(STATES))
      .addOption(new Option('--verdict <verdict>', 'list only the tasks with this verdict').choices(VERDICTS))
      .addOption(new Option('--cancel', 'stop the job of the task and end the task as aborted').conflicts(['rerun']))
      .option('--rerun', 'run a task that did not pass again, as a new task with the same input')
      .option('--limit <number>', 'list at most this many tasks', parseLimit, DEFAULT_LIMIT)
      .option('--follow', 'print changes until the task ends; of a list, until Ctrl-C')
      .option('--json', 'print the list as JSON, with --follow one task per line; one task is always JSON'),
  )
    .addHelpText(
      'after',
      `
A deployed API cannot list tasks: pass the id of one task, or --stack. With a token, you can read the tasks of its caller, or all tasks
if it was created with webhooks token create --reads all; only the caller of a task can cancel it or run it again. Without --token and
WEBHOOKS_TOKEN, you are the operator of the local runtime, as in its console: you can change the tasks of all callers.

With --stack, you can do this for all tasks. It reads the newest 100 tasks of each category. docs/operate.md lists the permissions for each
operation under Operators. The audit trail has the ARN of your AWS identity, and messages have its name.

The result of a task that is run again is not sent to its orchestrator. Show the new task to read it.

Exit code: 0 done, 1 rejected (for example, unknown task), 2 invalid arguments, or no response from the API.

${examplesOf('tasks')}`,
    )
    .action(run)
}

async function run(text: string | undefined, options: Options): Promise<void> {
  if (text === undefined && (options.cancel || options.rerun))
    throw new UsageError(`Pass the task to ${options.cancel ? 'cancel' : 'run again'} as category/taskId.`)
  const { stack, limit } = options
  const name = text === undefined ? undefined : parseTaskName(text)
  if (stack !== undefined) {
    if (!name) return list(stackTasks(stack, limit), options)
    return showOfStack(stack, await completeTask(name, stack), options)
  }
  const receiver = receiverOf(options)
  if (!name) return list(localTasks(receiver, limit), options)
  return showOne(receiver, await completeTask(name, receiver), options)
}

type Source = (filter: TaskFilter) => Promise<ListedTask[]>

async function list(source: Source, { json, follow, limit, ...options }: Options): Promise<void> {
  const filter = filterOf(options)
  const tasks = await source(filter)
  if (json && !follow) console.log(JSON.stringify(tasks, null, 2))
  else if (!json) console.log(tasks.length === 0 && !follow ? noTasks(filter) : tableOf(tasks))
  if (!follow && tasks.length === limit) note(`These are the newest ${limit} tasks. Show more with --limit.`)
  if (follow) await followList(source, filter, json ? [] : tasks, json ?? false)
}

function noTasks(filter: TaskFilter): string {
  return Object.values(filter).some((value) => value !== undefined) ? 'No tasks match.' : 'No tasks yet.'
}

/** Prints each task that is new or has changed, as a row or as a line of JSON. */
async function followList(source: Source, filter: TaskFilter, shown: ListedTask[], json: boolean): Promise<never> {
  const known = new Map(shown.map((task) => [task.taskId, stateTextOf(task)]))
  for (;;) {
    const changed = (await source(filter)).filter((task) => known.get(task.taskId) !== stateTextOf(task)).reverse()
    for (const task of changed) known.set(task.taskId, stateTextOf(task))
    if (json) for (const task of changed) console.log(JSON.stringify(task))
    else if (changed.length > 0) console.log(rowsOf(changed))
    await sleep(FOLLOW_INTERVAL_MS)
  }
}

function stateTextOf({ verdict, progress, message }: ListedTask): string {
  return `${verdict} ${progress} ${message}`
}

function filterOf({ category, state, verdict, action, connection, context }: Partial<Options>): TaskFilter {
  return { category, state, verdict, action, connection, context }
}

function stackTasks(stack: string, limit: number): Source {
  return async (filter) => {
    const { lambda, listDeployedTasks } = await loadDeployedTasks()
    return listDeployedTasks(lambda, stack, filter, limit, note).catch(explainListing)
  }
}

function localTasks(receiver: Receiver, limit: number): Source {
  return async (filter) => {
    const tasks = await readLocalTasks(receiver)
    if (!tasks)
      throw new UsageError(
        `${receiver.url} cannot list tasks; only the local runtime can. Pass one task as category/taskId, or --stack.`,
      )
    return tasks.filter((task) => matches(task, filter)).slice(0, limit)
  }
}

const HEADINGS = ['TASK', 'VERDICT', 'ACTION', 'CONNECTION', 'AGE', 'MESSAGE']
function tableOf(tasks: readonly ListedTask[]): string {
  return tableThatFits(HEADINGS, cellsOf(tasks))
}

/** Formats rows that follow a table. */
function rowsOf(tasks: readonly ListedTask[]): string {
  return tableOf(tasks).split('\n').slice(1).join('\n')
}

function cellsOf(tasks: readonly ListedTask[]): string[][] {
  return tasks.map(({ taskId, category, verdict, action, connection, acceptedAt, message, progress }) => [
    `${category}/${taskId.slice(0, SHORT_ID_LENGTH)}`,
    verdict,
    action,
    connection,
    ageOf(Date.now() - Date.parse(acceptedAt)),
    message || progress,
  ])
}

async function showOne(receiver: Receiver, task: TaskName, { follow, cancel, rerun, token }: Options): Promise<void> {
  const operation = cancel ? 'cancel' : rerun ? 'rerun' : undefined
  const now = operation
    ? await changeTask(receiver, task, operation, token)
    : await callReceiver(receiver, pathOf(task))
  const { state, taskId = task.taskId } = now.body as { state?: string; taskId?: string }
  const isOpen = rerun ? now.status < 400 : state === 'running'
  const statusPath = isOpen ? pathOf({ ...task, taskId }) : undefined
  const { status, body } =
    follow && statusPath !== undefined ? await waitForTask(receiver, statusPath, 1_000, note) : now
  console.log(JSON.stringify(body, null, 2))
  if (status >= 400) process.exitCode = 1
}

async function showOfStack(stack: string, task: TaskName, { follow, cancel, rerun }: Options): Promise<void> {
  const { operateOnStack } = await import('../tasks/stack-task.ts')
  let body = await operateOnStack(stack, task, cancel ? 'cancel' : rerun ? 'rerun' : 'show')
  if (follow) {
    const { taskId = task.taskId } = body as { taskId?: string }
    const current = { ...task, taskId }
    let shown = ''
    for (;;) {
      body = await operateOnStack(stack, current, 'show')
      const { state, progress } = body as TaskStatus
      if (state !== 'running') break
      if (progress !== shown) note(progress)
      shown = progress
      await sleep(FOLLOW_INTERVAL_MS)
    }
  }
  console.log(JSON.stringify(body, null, 2))
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit > 0) return limit
  throw new InvalidArgumentError('It must be a positive number, such as 50.')
}
