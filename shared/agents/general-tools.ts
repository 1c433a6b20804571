import type { Caller } from '../auth/callers.ts'
import type { FieldError } from '../errors.ts'
import { previewAction } from './call-action.ts'
import { MAX_WAIT_SECONDS, readWait } from './call-arguments.ts'
import { type ActionTool, toolsOf } from './catalogue.ts'
import { connectionsOf } from './connection-names.ts'
import type { Forward } from './forward.ts'
import { invalidArguments, refusal, toolResult } from './results.ts'
import type { JsonObject, RpcResult, Tool } from './server.ts'
import { cancelTask, readTask, resultOfTask } from './tasks.ts'

/** The caller of a tool. */
interface Agent {
  caller: Caller
  forward: Forward
}

/** A tool that calls no action. */
interface GeneralTool {
  tool: Tool
  run(sent: JsonObject, agent: Agent): Promise<RpcResult>
}

const text = (description: string) => ({ type: 'string', description })
const TASK_ID = text('taskId of an earlier result')
const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }

/** The names of the categories are part of the ids of tasks. */
function categoriesOf(caller: Caller): string[] {
  return [...new Set(toolsOf(caller).map(({ category }) => category))]
}

export const generalTools: GeneralTool[] = [
  {
    tool: {
      name: 'cancel_task',
      title: 'Cancel a task',
      description: 'Asks a running task to stop its job at the platform and to end. Read the end with get_task.',
      inputSchema: schemaOf({ taskId: TASK_ID }, ['taskId']),
      annotations: { ...READS, readOnlyHint: false, destructiveHint: true },
    },
    async run(sent, { caller, forward }) {
      const errors = errorsIn(sent, ['taskId'])
      if (errors.length > 0) return invalidArguments(errors)
      const task = await cancelTask(forward, String(sent['taskId']), categoriesOf(caller))
      return 'id' in task ? resultOfTask(task) : refusal(task)
    },
  },
  {
    tool: {
      name: 'get_task',
      title: 'Read a task',
      description:
        'Returns the progress of a task, or its result when it has ended. Waits for the end up to `wait` seconds.',
      inputSchema: schemaOf({ taskId: TASK_ID, wait: { type: 'integer', minimum: 0, maximum: MAX_WAIT_SECONDS } }, [
        'taskId',
      ]),
      annotations: READS,
    },
    async run({ wait: sentWait, ...sent }, { caller, forward }) {
      const errors = errorsIn(sent, ['taskId'])
      const wait = readWait(sentWait, errors, 0)
      if (errors.length > 0) return invalidArguments(errors)
      const task = await readTask(forward, String(sent['taskId']), { categories: categoriesOf(caller), wait })
      return 'id' in task ? resultOfTask(task) : refusal(task)
    },
  },
  {
    tool: {
      name: 'list_connections',
      title: 'List connections',
      description:
        'Returns the names of the connections that the tools may use, by category. A connection is an account at a platform.',
      inputSchema: schemaOf({}, []),
      annotations: READS,
    },
    async run(sent, { caller }) {
      const errors = errorsIn(sent, [])
      if (errors.length > 0) return invalidArguments(errors)
      const found = [...(await connectionsOf(caller, categoriesOf(caller)))].filter(([, names]) => names !== undefined)
      if (found.length > 0) return toolResult({ verdict: 'pass', connections: Object.fromEntries(found) })
      return toolResult({
        verdict: 'unknown',
        message: 'The connections cannot be listed now. Ask a person for their names.',
      })
    },
  },
  {
    tool: {
      name: 'preview_action',
      title: 'Preview a call',
      description: 'Returns the request that a tool would send to its platform, and sends nothing that writes.',
      inputSchema: schemaOf(
        {
          tool: text('Name of the tool'),
          connection: text('As in the call'),
          input: { type: 'object', description: 'As in the call' },
          data: { type: 'object', description: 'As in the call' },
        },
        ['tool'],
      ),
      annotations: READS,
    },
    async run(sent, { caller, forward }) {
      const named = toolsOf(caller).find(({ tool }) => tool.name === sent['tool'])
      if (named) return previewAction(named, sent, forward)
      return invalidArguments([{ path: 'tool', message: `must be one of ${namesOf(toolsOf(caller)).join(', ')}` }])
    },
  },
]

function namesOf(tools: readonly ActionTool[]): string[] {
  return tools.map(({ tool }) => tool.name)
}

function schemaOf(properties: JsonObject, required: string[]): JsonObject {
  return { type: 'object', properties, required, additionalProperties: false }
}

/** Checks that all named arguments are texts, and that there are no others. */
function errorsIn(sent: JsonObject, required: readonly string[]): FieldError[] {
  return [
    ...Object.keys(sent)
      .filter((name) => !required.includes(name))
      .map((name) => ({ path: name.slice(0, 60), message: 'is unknown' })),
    ...required
      .filter((name) => typeof sent[name] !== 'string')
      .map((name) => ({ path: name, message: 'is required, a text' })),
  ]
}
