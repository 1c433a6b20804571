import { Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../../../shared/duration.ts'
import { describePeople } from '../../../shared/policy/people.ts'
import { approvalCategories, type ListedApproval } from '../../local/tasks/listed-approval.ts'
import type { ListedTask } from '../../local/tasks/listed-task.ts'
import { UsageError } from '../../project/usage-error.ts'
import { receiverOf, receiverOptions } from '../receiver/receiver.ts'
import { explainListing, loadDeployedTasks, readLocalTasks } from '../tasks/find-tasks.ts'
import { ageOf, type JsonOption, note, show, tableThatFits } from '../terminal/output.ts'

interface Options extends JsonOption {
  url?: string
  token?: string
  stack?: string
  /** In seconds. */
  olderThan: number
}

/** An approval, with the task that asks for it. */
interface OpenApproval extends ListedApproval, Pick<ListedTask, 'taskId' | 'category' | 'connection' | 'context'> {
  /** ISO 8601. */
  askedAt: string
}

/** Tasks of a category that one command reads. */
const MAX_TASKS = 100
const SHORT_ID_LENGTH = 8
const HEADINGS = ['TASK', 'AGE', 'LEFT', 'CONNECTION', 'WHO', 'FOR', 'QUESTION']

/** `webhooks approvals`: lists the approvals that people have to decide. */
export function approvalsCommand(): Command {
  return receiverOptions(
    new Command('approvals')
      .option('--stack <name>', 'list those of this deployed stack, with your AWS credentials')
      .option('--older-than <duration>', 'list only those that have waited for this time, such as PT1H', parseAge, 0)
      .option('--json', 'print the list as JSON'),
  )
    .addHelpText(
      'after',
      `
Lists open approvals, oldest first: the task that asks, since when, how much time is left, and who may decide. FOR is the task whose action
the policy lets start after the approval. Reads tasks as webhooks tasks does, with the same permissions: those of the local runtime, or
with --stack the newest ${MAX_TASKS} running ones of notification.

QUESTION is its first line; --json has the complete text. People decide in the message that the task has sent, whose link is not shown here. To end an approval, cancel its task.

Exit code: 0 listed, even if there are none, 1 AWS rejected a request, 2 invalid arguments, or no local runtime.

Examples:
  $ npx webhooks approvals
  $ npx webhooks approvals --older-than PT1H --json
  $ npx webhooks approvals --stack CloudAutomationWebhooks --older-than PT1H`,
    )
    .action(run)
}

async function run({ stack, olderThan, url, token, json = false }: Options): Promise<void> {
  const tasks = stack === undefined ? await localTasks({ url, ...(token && { token }) }) : await stackTasks(stack)
  const now = Date.now()
  const approvals = tasks
    .flatMap(openApproval)
    .filter(({ askedAt }) => now - Date.parse(askedAt) >= olderThan * 1_000)
    .sort((one, other) => Date.parse(one.askedAt) - Date.parse(other.askedAt))
  const none = olderThan > 0 ? 'No approval has waited for this time.' : 'No approval is open.'
  const rows = approvals.map((approval) => cellsOf(approval, now))
  show(approvals, rows.length === 0 ? none : tableThatFits(HEADINGS, rows), { json })
}

async function localTasks(options: Parameters<typeof receiverOf>[0]): Promise<ListedTask[]> {
  const receiver = receiverOf(options)
  const tasks = await readLocalTasks(receiver)
  if (tasks) return tasks
  throw new UsageError(`${receiver.url} cannot list tasks; only the local runtime can. Pass --stack for a stack.`)
}

async function stackTasks(stack: string): Promise<ListedTask[]> {
  const { lambda, listDeployedTasks } = await loadDeployedTasks()
  const tasks: ListedTask[] = []
  for (const { name: category } of approvalCategories) {
    const filter = { category, state: 'running' as const }
    const found = await listDeployedTasks(lambda, stack, filter, MAX_TASKS, note).catch(explainListing)
    if (found.length === MAX_TASKS) note(`Only the newest ${MAX_TASKS} running tasks of ${category} were read.`)
    tasks.push(...found)
  }
  return tasks
}

function openApproval({ approval, taskId, category, connection, context, acceptedAt }: ListedTask): OpenApproval[] {
  return approval ? [{ taskId, category, connection, context, askedAt: acceptedAt, ...approval }] : []
}

function cellsOf(approval: OpenApproval, now: number): string[] {
  const { taskId, category, connection, channel, approvers, excluded, count, waitingTask, askedAt, until } = approval
  const people = approvers ? describePeople(approvers) : 'everybody'
  const who = count === 1 ? people : `${count} of ${people}`
  return [
    shortNameOf(`${category}/${taskId}`),
    ageOf(now - Date.parse(askedAt)),
    ageOf(Math.max(0, Date.parse(until) - now)),
    [connection, channel].filter(Boolean).join(' '),
    excluded === undefined ? who : `${who}, not ${describePeople(excluded)}`,
    waitingTask === undefined ? '' : shortNameOf(waitingTask),
    firstLine(approval.question),
  ]
}

/** The request that a policy shows to people has many lines. */
function firstLine(question: string): string {
  return question.trimStart().split('\n', 1)[0] ?? ''
}

/** Shortens the id of a task, as the table of `webhooks tasks` does. */
function shortNameOf(task: string): string {
  const [category = '', taskId = ''] = task.split('/')
  return `${category}/${taskId.slice(0, SHORT_ID_LENGTH)}`
}

function parseAge(text: string): number {
  try {
    return parseDuration(text, 'older-than')
  } catch {
    throw new InvalidArgumentError('It must be an ISO 8601 duration, such as PT1H.')
  }
}
