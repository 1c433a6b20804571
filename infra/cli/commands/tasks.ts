import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { explainAws } from '../aws-errors.ts'
import { callReceiver, waitForTask } from '../call-receiver.ts'
import { type ListedTask, listDeployedTasks, type TaskFilter } from '../deployed-tasks.ts'
import { note } from '../output.ts'
import { type Receiver, receiverOf, receiverOptions } from '../receiver.ts'
import { UsageError } from '../usage-error.ts'

interface Options {
  url?: string
  token?: string
  json?: boolean
  follow?: boolean
  category?: string
  status?: string
  cancel?: boolean
  stack?: string
}

const STATUSES = ['running', 'succeeded', 'failed', 'stopped', 'timed_out']

/** A task as the local runtime lists it. */
interface LocalTask extends Omit<ListedTask, 'category'> {
  functionName: string
}

/** `webhooks tasks`: lists the tasks of the local runtime or of a stack, or shows or cancels one task of any receiver. */
export function tasksCommand(): Command {
  return receiverOptions(
    new Command('tasks')
      .description('list the tasks of the local runtime or of a deployed stack, or show or cancel one task')
      .argument('[category/taskId]', 'task of the local runtime or of a deployed API')
      .option('--stack <name>', 'list the newest tasks of this deployed stack, with your AWS credentials')
      .option('--category <name>', 'list only the tasks of this category')
      .addOption(new Option('--status <status>', 'list only the tasks with this status').choices(STATUSES))
      .option('--cancel', 'stop the job of the task and end the task as aborted; only for its caller')
      .option('--follow', 'print changes until the task ends, or until Ctrl-C')
      .option('--json', 'print the list as JSON; one task is always JSON'),
  )
    .addHelpText(
      'after',
      `
A deployed API cannot list tasks: pass the id of one task, or --stack. A caller can read the tasks that it started, or all tasks if it was
created with webhooks token create --reads all. --stack needs lambda:ListFunctions, lambda:ListTags and
lambda:ListDurableExecutionsByFunction.

Exit code: 0 shown or canceled, 1 rejected (for example, unknown task), 2 invalid arguments, or no response from the API.

Examples:
  $ npm run webhooks -- tasks
  $ npm run webhooks -- tasks --category issue-ticketing --status running
  $ npm run webhooks -- tasks issue-ticketing/5f0c... --follow
  $ npm run webhooks -- tasks issue-ticketing/5f0c... --cancel`,
    )
    .action(run)
}

async function run(task: string | undefined, options: Options): Promise<void> {
  const receiver = receiverOf(options)
  if (task === undefined && options.cancel) throw new UsageError('Pass the task to cancel as category/taskId.')
  if (task === undefined && options.stack !== undefined) await listStack(options.stack, options)
  else if (task === undefined) await listAll(receiver, options)
  else await showOne(receiver, task, options)
}

async function listAll(receiver: Receiver, { json, follow, ...filter }: Options): Promise<void> {
  let shown = ''
  do {
    const { status, body } = await callReceiver(receiver, '/tasks')
    if (status !== 200)
      throw new UsageError(
        `${receiver.url} cannot list tasks; only the local runtime can. Pass one task as category/taskId.`,
      )
    const tasks = (body as { tasks: LocalTask[] }).tasks.filter((task) => matches(task, filter))
    const text = json ? JSON.stringify(tasks, null, 2) : tableOf(tasks.map(listedTask))
    if (text !== shown) console.log(text)
    shown = text
    if (follow) await sleep(1_000)
  } while (follow)
}

async function listStack(stack: string, { json, ...filter }: Options): Promise<void> {
  const { LambdaClient } = await import('@aws-sdk/client-lambda')
  const tasks = await listDeployedTasks(new LambdaClient(), stack, filter).catch((error: unknown) => {
    throw error instanceof UsageError ? error : explainAws(error, 'Listing tasks')
  })
  console.log(json ? JSON.stringify(tasks, null, 2) : tableOf(tasks))
}

function listedTask({ functionName, ...task }: LocalTask): ListedTask {
  return { ...task, category: functionName.replace(/-task$/, '') }
}

function matches({ functionName, status }: LocalTask, filter: TaskFilter): boolean {
  const isInCategory = filter.category === undefined || functionName === `${filter.category}-task`
  return isInCategory && (filter.status === undefined || status.toLowerCase() === filter.status)
}

function tableOf(tasks: readonly ListedTask[]): string {
  if (tasks.length === 0) return 'No tasks yet.'
  const rows = tasks.map(({ name, category, status, startedAt, endedAt, progress = '' }) =>
    [
      `${category}/${name}`,
      status.toLowerCase().padEnd(9),
      new Date(startedAt).toISOString(),
      endedAt === undefined ? progress : `${((endedAt - startedAt) / 1_000).toFixed(1)} s`,
    ]
      .join('  ')
      .trimEnd(),
  )
  return rows.join('\n')
}

async function showOne(receiver: Receiver, task: string, { follow, cancel }: Options): Promise<void> {
  const [category, taskId] = task.split('/')
  if (!category || !taskId) throw new UsageError(`Invalid task "${task}". Write it as category/taskId.`)
  const path = `/v1/${encodeURIComponent(category)}/tasks/${encodeURIComponent(taskId)}`
  const now = cancel
    ? await callReceiver(receiver, `${path}/cancel`, { method: 'POST' })
    : await callReceiver(receiver, path)
  const isRunning = (now.body as { state?: string }).state === 'running'
  const { status, body } = follow && isRunning ? await waitForTask(receiver, path, 1_000, note) : now
  console.log(JSON.stringify(body, null, 2))
  if (status >= 400) process.exitCode = 1
}
