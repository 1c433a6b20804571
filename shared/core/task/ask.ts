import { readIdentityKey } from '../../auth/identity-key.ts'
import { startExecution } from '../../aws/lambda.ts'
import { Failure } from '../../errors.ts'
import { DEFAULT_ORCHESTRATOR } from '../../orchestrators/index.ts'
import type { Ask } from '../../policy/kinds/approval.ts'
import { conditionsIn } from '../../policy/kinds/index.ts'
import { describePeople } from '../../policy/people.ts'
import { redact, redactDeep } from '../../redact.ts'
import { settings } from '../../settings.ts'
import type { Field, Message } from '../../text/message.ts'
import { clipSingleLine } from '../../text/single-line.ts'
import { NOTIFICATION, type Task } from '../call.ts'
import { identifyFollowing } from '../call-id.ts'
import type { Preview } from '../preview.ts'
import { payloadOf } from './payload.ts'

const ACTION = 'ask-approval'
const MAX_TITLE = 200
/** Slack shows 3,000 characters of the text with the input and the request, but only 300 of a field. */
const MAX_SHOWN = 1_200

/** The request that a task would send, for people, or why it is not known. */
export type Shown = Preview | { at: number; error: string }

/**
 * Starts the execution of `notification` that asks people. It is started once: its name follows from the task and the number.
 *
 * @param number of the requirement in the payload, from 1
 * @param until when the task gives up, in epoch milliseconds
 * @returns the id of the asking task, which is also that of its approval
 * @throws Failure; the error of Lambda
 */
export async function startAsking(
  task: Task,
  number: number,
  { rule, ask }: { rule?: string | undefined; ask: Ask },
  until: number,
  shown: Shown,
): Promise<string> {
  const id = identifyFollowing(task.id, `ask-${number}`, await readIdentityKey())
  const asking: Task = {
    version: 1,
    id,
    category: NOTIFICATION,
    caller: task.caller,
    orchestrator: DEFAULT_ORCHESTRATOR,
    mode: 'interactive',
    event: task.event,
    action: ACTION,
    connection: ask.connection,
    provider: NOTIFICATION,
    input: {
      channel: ask.channel,
      message: messageOf(task, rule, ask, shown),
      approvers: ask.by,
      excluded: ask.excluded,
    },
    dryRun: false,
    deadline: Math.max(1, Math.ceil((until - Date.now()) / 1_000)),
    sendStarted: false,
    progress: false,
    labels: false,
    traceparent: task.traceparent,
    approvalOf: { category: task.category, taskId: task.id, count: ask.count, until },
  }
  try {
    const payload = await payloadOf(redactDeep(asking))
    await startExecution({ functionName: askingFunction(), executionName: id, payload })
  } catch (error) {
    // An earlier attempt, with an earlier time, has started it.
    if ((error as Error).name !== 'DurableExecutionAlreadyStartedException') throw error
  }
  return id
}

function askingFunction(): string {
  const name = settings.askingFunction
  if (name !== undefined) return name
  throw new Failure('misconfigured', 'Approvals are asked by the category notification, which is not deployed.')
}

/** Returns the ids of the asking tasks of all requirements with an approval. */
export async function askingTasksOf({ id, requirements }: Task): Promise<string[]> {
  const key = await readIdentityKey()
  return conditionsIn(requirements).flatMap(({ ask }, index) =>
    ask ? [identifyFollowing(id, `ask-${index + 1}`, key)] : [],
  )
}

/** Composes the request. Each platform escapes the texts of callers and platforms. */
function messageOf(task: Task, rule: string | undefined, { count, by }: Ask, shown: Shown): Message {
  const { category, action, connection, caller, event, input } = task
  const { project, stage, service } = event
  const place = [project, stage, service].filter(Boolean).join('/')
  const cause = rule === undefined ? `The entry of the caller ${caller}` : `The rule "${rule}" of the policy`
  const people = count === 1 ? 'an approval' : `approvals of ${count} people`
  const fields: [string, string | undefined][] = [
    ['Caller', caller],
    ['For', place || undefined],
    ['Decided by', by && describePeople(by)],
  ]
  const content = [['Input', JSON.stringify(input)] as const, requestOf(shown)]
  const paragraphs = content.map(([name, value]) => `${name}: ${cut(redact(value))}`)
  return {
    mood: 'waiting',
    title: clipSingleLine(`Approve ${category}/${action} with the connection "${connection}"?`, MAX_TITLE),
    text: [`${cause} requires ${people} before it starts. One rejection ends it.`, ...paragraphs].join('\n\n'),
    fields: fields.flatMap(([name, value]): Field[] => (value === undefined ? [] : [{ name, value: redact(value) }])),
    links: [],
  }
}

function requestOf(shown: Shown): readonly [name: string, value: string] {
  const time = `${new Date(shown.at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  if ('error' in shown) return ['Request', `Not known, because a dry run failed at ${time}: ${shown.error}`]
  return [`Request as of ${time}`, shown.request ?? 'Nothing that is known before the start']
}

/** People must see that they do not see everything. */
function cut(text: string): string {
  const hidden = text.length - MAX_SHOWN
  return hidden > 0 ? `${text.slice(0, MAX_SHOWN)} … (${hidden} more characters)` : text
}
