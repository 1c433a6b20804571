import type { Caller } from '../auth/callers.ts'
import type { FieldError } from '../errors.ts'
import { unknownField } from '../validate.ts'
import { previewForAgent } from './call-action.ts'
import { MAX_WAIT_SECONDS, readWait } from './call-arguments.ts'
import type { ActionTool } from './catalogue.ts'
import { connectionsOf } from './connection-names.ts'
import type { Forward } from './forward.ts'
import { RpcError } from './json-rpc.ts'
import { invalidArguments, RESULT_SCHEMA, refusal, toolResult } from './results.ts'
import type { JsonObject, RpcResult, Tool } from './server.ts'
import { cancelAgentTask, readAgentTask, resultOfTask } from './tasks.ts'

/** The caller of a tool, and what it may use. */
interface Agent {
  caller: Caller
  tools: readonly ActionTool[]
  /** Those of the tools. */
  categories: readonly string[]
  forward: Forward
}

/** A tool that calls no action. */
interface GeneralTool {
  tool: Tool & { annotations: JsonObject }
  run(sent: JsonObject, agent: Agent): Promise<RpcResult>
}

const text = (description: string) => ({ type: 'string', description })
const TASK_ID = text('taskId of an earlier result')
const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }

export const generalTools: GeneralTool[] = [
  {
    tool: {
      name: 'cancel_task',
      title: 'Cancel a task',
      description: 'Asks a running task to stop its job at the platform and to end. Read the end with get_task.',
      inputSchema: schemaOf({ taskId: TASK_ID }, ['taskId']),
      outputSchema: RESULT_SCHEMA,
      annotations: { ...READS, readOnlyHint: false, destructiveHint: true },
    },
    async run(sent, { categories, forward }) {
      const errors = errorsIn(sent, ['taskId'])
      if (errors.length > 0) return invalidArguments(errors)
      return resultOf(() => cancelAgentTask(forward, String(sent['taskId']), categories))
    },
  },
  {
    tool: {
      name: 'get_task',
      title: 'Read a task',
      description:
        'Returns the progress of a task, or its result when it has ended. Waits for the end up to `wait` seconds, 5 by default.',
      inputSchema: schemaOf({ taskId: TASK_ID, wait: { type: 'integer', minimum: 0, maximum: MAX_WAIT_SECONDS } }, [
        'taskId',
      ]),
      outputSchema: RESULT_SCHEMA,
      annotations: READS,
    },
    async run({ wait: sentWait, ...sent }, { categories, forward }) {
      const errors = errorsIn(sent, ['taskId'], ['taskId', 'wait'])
      const wait = readWait(sentWait, errors)
      if (errors.length > 0) return invalidArguments(errors)
      return resultOf(() => readAgentTask(forward, String(sent['taskId']), { categories, wait }))
    },
  },
  {
    tool: {
      name: 'list_connections',
      title: 'List connections',
      description:
        'Returns the connections that the tools may use, by category, with their descriptions. A connection is an account at a platform.',
      inputSchema: schemaOf({}, []),
      annotations: READS,
    },
    async run(sent, { caller, categories }) {
      const errors = errorsIn(sent, [])
      if (errors.length > 0) return invalidArguments(errors)
      const found = [...(await connectionsOf(caller, categories))].filter(
        ([, connections]) => connections !== undefined,
      )
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
          connection: { type: 'string' },
          input: { type: 'object' },
          data: { type: 'object' },
        },
        ['tool'],
      ),
      outputSchema: RESULT_SCHEMA,
      annotations: READS,
    },
    async run(sent, { tools, forward }) {
      const named = tools.find(({ tool }) => tool.name === sent['tool'])
      if (named) return previewForAgent(named, sent, forward)
      const names = tools.map(({ tool }) => tool.name)
      return invalidArguments([{ path: 'tool', message: `must be one of ${names.join(', ')}` }])
    },
  },
]

/** Returns the result for a task. An unknown id is an error that the model can correct. */
async function resultOf(read: () => ReturnType<typeof readAgentTask>): Promise<RpcResult> {
  try {
    const task = await read()
    return 'id' in task ? resultOfTask(task) : refusal(task)
  } catch (error) {
    if (error instanceof RpcError)
      return invalidArguments([{ path: 'taskId', message: `is not valid. ${error.message}` }])
    throw error
  }
}

function schemaOf(properties: JsonObject, required: string[]): JsonObject {
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
}

/** Checks that all required arguments are texts, and that there are no others. */
function errorsIn(sent: JsonObject, required: readonly string[], known = required): FieldError[] {
  return [
    ...Object.keys(sent)
      .filter((name) => !required.includes(name))
      .map((name) => ({ path: name.slice(0, 60), message: unknownField(name, known) })),
    ...required
      .filter((name) => typeof sent[name] !== 'string')
      .map((name) => ({ path: name, message: 'is required, a text' })),
  ]
}
