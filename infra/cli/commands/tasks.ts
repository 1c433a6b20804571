import { setTimeout as sleep } from 'node:timers/promises'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { Command, Option } from 'commander'
import type { TaskStatus } from '../../../shared/core/task/status.ts'
import { explainAws } from '../aws-errors.ts'
import { callReceiver, waitForTask } from '../call-receiver.ts'
import { isTask, type ListedTask, listDeployedTasks, stateOf, type TaskFilter } from '../deployed-tasks.ts'
import { note } from '../output.ts'
import { type Receiver, receiverOf, receiverOptions } from '../receiver.ts'
import { operateOnTask } from '../stack-task.ts'
import { parseTaskName, pathOf, type TaskName } from '../task-name.ts'
import { UsageError } from '../usage-error.ts'

interface Options extends TaskFilter {
  url?: string
  token?: string
  json?: boolean
  follow?: boolean
  cancel?: boolean
  rerun?: boolean
  stack?: string
}

const STATES: TaskStatus['state'][] = ['running', 'finished', 'failed']
const VERDICTS: TaskStatus['verdict'][] = ['running', 'pass', 'warning', 'fail', 'errored', 'aborted']
const FOLLOW_INTERVAL_MS = 2_000

/** An execution as the local runtime lists it. */
interface LocalExecution {
  name: string
  functionName: string
  /** As Lambda reports it. */
  status: string
  startedAt: number
  endedAt?: number
  progress?: string
}

/** `webhooks tasks`: lists the tasks of the local runtime or of a stack, or shows, cancels or runs again one task. */
export function tasksCommand(): Command {
  return receiverOptions(
    new Command('tasks')
      .description('list the tasks of the local runtime or of a deployed stack, or show, cancel or run again one task')
      .argument('[category/taskId]', 'task of the local runtime, of a deployed API, or of the stack')
      .option('--stack <name>', 'use this deployed stack, with your AWS credentials instead of a token')
      .option('--category <name>', 'list only the tasks of this category')
      .addOption(new Option('--state <state>', 'list only the tasks in this state').choices(STATES))
      .addOption(new Option('--verdict <verdict>', 'list only the tasks with this verdict').choices(VERDICTS))
      .addOption(new Option('--cancel', 'stop the job of the task and end the task as aborted').conflicts(['rerun']))
      .option('--rerun', 'run a task that did not pass again, as a new task with the same input')
      .option('--follow', 'print changes until the task ends, or until Ctrl-C')
      .option('--json', 'print the list as JSON; one task is always JSON'),
  )
    .addHelpText(
      'after',
      `
A deployed API cannot list tasks: pass the id of one task, or --stack. With a token, you can read the tasks of its caller, or all tasks
if it was created with webhooks token create --reads all; only the caller of a task can cancel it or run it again.

With --stack, you can do this for all tasks. It needs lambda:ListFunctions, lambda:ListTags, lambda:ListDurableExecutionsByFunction and
lambda:GetDurableExecution. To show, cancel or run again a task, it also needs what its webhook may do: lambda:GetDurableExecutionHistory,
lambda:InvokeFunction, and dynamodb:GetItem and dynamodb:UpdateItem for the table. --verdict reads each ended task.

The result of a task that is run again is not sent to its orchestrator. Show the new task to read it.

Exit code: 0 done, 1 rejected (for example, unknown task), 2 invalid arguments, or no response from the API.

Examples:
  $ npm run webhooks -- tasks
  $ npm run webhooks -- tasks --category issue-ticketing --state running
  $ npm run webhooks -- tasks issue-ticketing/5f0c... --follow
  $ npm run webhooks -- tasks issue-ticketing/5f0c... --cancel
  $ npm run webhooks -- tasks --stack CloudAutomationWebhooks --verdict errored
  $ npm run webhooks -- tasks issue-ticketing/5f0c... --stack CloudAutomationWebhooks --rerun`,
    )
    .action(run)
}

async function run(text: string | undefined, options: Options): Promise<void> {
  const receiver = receiverOf(options)
  if (text === undefined && (options.cancel || options.rerun))
    throw new UsageError(`Pass the task to ${options.cancel ? 'cancel' : 'run again'} as category/taskId.`)
  if (text === undefined)
    return list(options.stack === undefined ? localTasks(receiver) : stackTasks(options.stack), options)
  const task = parseTaskName(text)
  if (options.stack === undefined) await showOne(receiver, task, options)
  else await showOfStack(options.stack, task, options)
}

type Source = (filter: TaskFilter) => Promise<ListedTask[]>

async function list(source: Source, { json, follow, ...filter }: Options): Promise<void> {
  let shown = ''
  do {
    const tasks = await source(filter)
    const text = json ? JSON.stringify(tasks, null, 2) : tableOf(tasks)
    if (text !== shown) console.log(text)
    shown = text
    if (follow) await sleep(FOLLOW_INTERVAL_MS)
  } while (follow)
}

function stackTasks(stack: string): Source {
  const lambda = new LambdaClient()
  return (filter) =>
    listDeployedTasks(lambda, stack, filter, note).catch((error: unknown) => {
      throw error instanceof UsageError ? error : explainAws(error, 'Listing tasks')
    })
}

function localTasks(receiver: Receiver): Source {
  return async ({ category, state, verdict }) => {
    const { status, body } = await callReceiver(receiver, '/tasks')
    if (status !== 200)
      throw new UsageError(
        `${receiver.url} cannot list tasks; only the local runtime can. Pass one task as category/taskId, or --stack.`,
      )
    const tasks = (body as { tasks: LocalExecution[] }).tasks
      .filter(({ functionName, name }) => functionName.endsWith('-task') && isTask(name))
      .map(listedTask)
      .filter((task) => (category ?? task.category) === task.category && (state ?? task.state) === task.state)
    if (verdict === undefined) return tasks
    const read = await Promise.all(tasks.map(async (task) => ({ ...task, verdict: await verdictFrom(receiver, task) })))
    return read.filter((task) => task.verdict === verdict)
  }
}

function listedTask({ name: taskId, functionName, status, startedAt, endedAt, progress }: LocalExecution): ListedTask {
  return {
    taskId,
    category: functionName.replace(/-task$/, ''),
    state: stateOf(status),
    acceptedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === undefined ? undefined : new Date(endedAt).toISOString(),
    progress,
  }
}

async function verdictFrom(receiver: Receiver, task: TaskName): Promise<ListedTask['verdict']> {
  const { body } = await callReceiver(receiver, pathOf(task))
  return (body as TaskStatus).verdict
}

function tableOf(tasks: readonly ListedTask[]): string {
  if (tasks.length === 0) return 'No tasks yet.'
  const rows = tasks.map(({ taskId, category, state, verdict, acceptedAt, endedAt, progress = '' }) =>
    [
      `${category}/${taskId}`,
      (verdict ?? state).padEnd(8),
      acceptedAt,
      endedAt === undefined ? progress : `${((Date.parse(endedAt) - Date.parse(acceptedAt)) / 1_000).toFixed(1)} s`,
    ]
      .join('  ')
      .trimEnd(),
  )
  return rows.join('\n')
}

async function showOne(receiver: Receiver, task: TaskName, { follow, cancel, rerun }: Options): Promise<void> {
  const path = pathOf(task)
  const operation = cancel ? '/cancel' : rerun ? '/rerun' : undefined
  const now = operation
    ? await callReceiver(receiver, `${path}${operation}`, { method: 'POST' })
    : await callReceiver(receiver, path)
  const { state, statusUrl } = now.body as { state?: string; statusUrl?: string }
  const statusPath = rerun ? statusUrl : state === 'running' ? path : undefined
  const { status, body } =
    follow && statusPath !== undefined ? await waitForTask(receiver, statusPath, 1_000, note) : now
  console.log(JSON.stringify(body, null, 2))
  if (status >= 400) process.exitCode = 1
}

async function showOfStack(stack: string, task: TaskName, { follow, cancel, rerun }: Options): Promise<void> {
  let body = await operateOnTask(stack, task, cancel ? 'cancel' : rerun ? 'rerun' : 'show')
  if (follow) {
    const { taskId = task.taskId } = body as { taskId?: string }
    const current = { ...task, taskId }
    let shown = ''
    for (;;) {
      body = await operateOnTask(stack, current, 'show')
      const { state, progress } = body as TaskStatus
      if (state !== 'running') break
      if (progress !== shown) note(progress)
      shown = progress
      await sleep(FOLLOW_INTERVAL_MS)
    }
  }
  console.log(JSON.stringify(body, null, 2))
}
