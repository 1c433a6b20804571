import * as z from 'zod/mini'
import { Failure, invalidInput, messageOf, refused } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import { refuseReplacedValues } from '../../../shared/providers/refuse-replaced-values.ts'
import { limitOutput, metricsIn } from '../../../shared/providers/run-output.ts'
import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: url('The URL of StackStorm, without /api'),
  token: secret('An API key. Its user must be able to execute the actions and list executions and traces'),
  target: optional(word('The default action with its pack: pack.action')),
})

const execution = z.object({
  id: z.string(),
  status: optional(z.string()),
  web_url: z.nullish(z.string()),
  action: optional(z.object({ ref: optional(z.string()) })),
  context: optional(
    z.object({
      orquesta: optional(z.object({ task_name: optional(z.string()) })),
      chain: optional(z.object({ name: optional(z.string()) })),
    }),
  ),
  children: z.nullish(z.array(z.string())),
  start_timestamp: z.nullish(z.string()),
  end_timestamp: z.nullish(z.string()),
  result: z.nullish(z.unknown()),
  result_size: z.nullish(z.number()),
})
type Execution = z.output<typeof execution>
const executionList = z.array(execution)
const traceList = z.array(
  z.object({
    action_executions: z.array(
      z.object({ object_id: z.string(), caused_by: z.nullish(z.object({ id: z.nullish(z.string()) })) }),
    ),
  }),
)

const API = 'api/v1'
/** Larger results are omitted, because a response has a maximum size. */
const MAX_RESULT_BYTES = 1_000_000
const MAX_REASON = 300
const MAX_CHILDREN = 100
/** How many levels of nested workflows to search for the failed task. */
const MAX_LEVELS = 3

/** From `LIVEACTION_STATUSES` of its source. */
const states: Readonly<Record<string, Verdict>> = {
  requested: 'running',
  scheduled: 'running',
  delayed: 'running',
  running: 'running',
  pending: 'running',
  pausing: 'running',
  paused: 'running',
  resuming: 'running',
  canceling: 'running',
  succeeded: 'pass',
  failed: 'fail',
  timeout: 'fail',
  // The process that ran it died.
  abandoned: 'errored',
  canceled: 'aborted',
}
const waitingStates: Readonly<Record<string, string>> = {
  pending: 'waiting for the answer to an inquiry',
  paused: 'paused by a user or for the answer to an inquiry',
}

/**
 * Starts executions of StackStorm actions and workflows. The tag of an execution's trace is the idempotency key.
 *
 * @see https://docs.stackstorm.com/reference/traces.html
 * @see https://api.stackstorm.com/api/v1/executions/
 */
export const stackstorm = defineJob({
  title: 'StackStorm',
  noun: 'execution',
  connection,
  headers: ({ token }) => ({ 'st2-api-key': token }),
  check: ({ http }) => http.get(`${API}/user`),
  errorReason: (body) => (isRecord(body) && typeof body['faultstring'] === 'string' ? body['faultstring'] : undefined),

  states,
  stopping: ['canceling'],
  runId: { pattern: /^[0-9a-f]{24}$/, description: '24 hexadecimal digits, such as 54e657f20640fd16887d6857' },
  identify: ({ id, web_url: page }: Pick<Execution, 'id' | 'web_url'>, { http: { baseUrl } }) => ({
    id,
    url: page && /^https?:\/\//.test(page) ? page : `${baseUrl}/#/history/${id}/general`,
  }),

  checkStart({ target, project, ref, parameters }) {
    if (!/^[^.\s]+\.\S+$/.test(target))
      throw invalidInput('input.target', 'must be an action with its pack, such as core.local')
    if (project !== undefined) throw invalidInput('input.project', 'is not supported. An action belongs to a pack')
    if (ref !== undefined)
      throw invalidInput('input.ref', 'is not supported. StackStorm runs the installed version of a pack')
    // The template could read the datastore.
    const explanation = 'must not contain {{ or {%. StackStorm would evaluate it as a template'
    refuseReplacedValues(parameters, /\{\{|\{%/, explanation)
  },

  lookUp: { newest: 'all' },

  // StackStorm writes the trace before it publishes the execution.
  async find({ http, idempotencyKey }) {
    const { body } = await http.get(`${API}/traces`, { query: { trace_tag: idempotencyKey }, schema: traceList })
    // The trace also contains executions that this one caused.
    const found = body.flatMap(({ action_executions }) => action_executions).find(({ caused_by }) => !caused_by?.id)
    return found && { id: found.object_id }
  },

  async start({ http, idempotencyKey }, { target, parameters = {} }) {
    const context = idempotencyKey ? { context: { trace_context: { trace_tag: idempotencyKey } } } : {}
    const body = { action: target, parameters, ...context }
    return (await http.post(`${API}/executions`, body, { schema: execution })).body
  },

  async getStatus({ http }, { id }) {
    const current = await readExecution(http, id)
    const { status: state = '', children } = current
    const tasks = children?.length ? `started tasks: ${children.length}` : undefined
    return {
      state,
      run: current,
      progress: waitingStates[state] ?? tasks,
      results: () => resultsOf(http, current),
    }
  },

  async stop({ http }, { id }) {
    const { body } = await http.delete(executionPath(id))
    // A 200 response with this field means that the execution was not canceled.
    if (!isRecord(body) || typeof body['faultstring'] !== 'string') return
    throw refused(`StackStorm did not cancel execution ${id}: ${body['faultstring']}`)
  },
})

async function readExecution(http: Http, id: string): Promise<Execution> {
  const query = { max_result_size: MAX_RESULT_BYTES }
  return (await http.get(executionPath(id), { query, schema: execution })).body
}

async function resultsOf(http: Http, ended: Execution): Promise<RunResults> {
  const { result, start_timestamp, end_timestamp } = ended
  const passed = states[ended.status ?? ''] === 'pass'
  const failure = passed ? {} : await failureOf(http, ended)
  const output = passed ? outputIn(result) : undefined
  const shown = isTooLarge(ended) ? sizeReason(ended) : limitOutput(output)
  return {
    reason: failure.reason,
    data: { ...failure.data, ...(shown === undefined ? {} : { output: shown }) },
    metrics: metricsIn(output),
    period: { start: start_timestamp, end: end_timestamp },
  }
}

/** Returns the output of a workflow, the published values of a chain, or the result or standard output of a script. */
function outputIn(result: unknown): unknown {
  if (!isRecord(result)) return result
  const field = ['output', 'published', 'result', 'stdout'].find((name) => limitOutput(result[name]) !== undefined)
  return field ? result[field] : result
}

interface FailureDetails {
  reason?: string | undefined
  data?: { failedTask: string; failedAction?: string | undefined }
}

/** Returns why the execution failed. If its tasks cannot be read, the verdict is still reported. */
async function failureOf(http: Http, ended: Execution): Promise<FailureDetails> {
  const reason = reasonIn(ended)
  try {
    const task = ended.children?.length ? await failedTask(http, ended.id) : undefined
    return task ?? { reason }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { reason: [reason, `its tasks could not be read (${messageOf(error)})`].filter(Boolean).join('; ') }
  }
}

/** Returns the newest failed task: `task "restart" (core.remote) ended as failed: no such unit`. */
async function failedTask(http: Http, parent: string, levels = MAX_LEVELS): Promise<FailureDetails | undefined> {
  // A list has no limit for the size of the results.
  const query = { parent, exclude_attributes: 'result,trigger_instance', limit: MAX_CHILDREN }
  const { body } = await http.get(`${API}/executions`, { query, schema: executionList })
  const failed = body.find(({ status = '' }) => ['fail', 'errored'].includes(states[status] ?? ''))
  if (!failed) return undefined
  const child = await readExecution(http, failed.id)
  const { context, action, status } = child
  const name = context?.orquesta?.task_name ?? context?.chain?.name ?? child.id
  const nested = levels > 1 && child.children?.length ? await failedTask(http, child.id, levels - 1) : undefined
  if (nested) return { ...nested, reason: `task "${name}": ${nested.reason}` }
  const reasons = [`task "${name}"${action?.ref ? ` (${action.ref})` : ''} ended as ${status}`, reasonIn(child)]
  return { reason: reasons.filter(Boolean).join(': '), data: { failedTask: name, failedAction: action?.ref } }
}

/** Returns the error, the message, or the last line of stderr. */
function reasonIn(ended: Execution): string | undefined {
  if (isTooLarge(ended)) return sizeReason(ended)
  const reason = errorText(ended.result)
  return reason && clipSingleLine(reason, MAX_REASON)
}

function errorText(result: unknown): string | undefined {
  if (!isRecord(result)) return undefined
  const { error, message, stderr, errors, return_code, exit_code } = result
  for (const text of [error, message]) if (typeof text === 'string' && text) return text
  if (Array.isArray(errors)) return errors.map(errorText).find(Boolean)
  const line = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : ''
  if (line) return line
  const code = return_code ?? exit_code
  if (code !== undefined) return `exit code ${code}`
  // The runner for remote hosts has one result per host.
  const isFailed = (value: unknown) => isRecord(value) && value['succeeded'] === false
  const [host, hostResult] = Object.entries(result).find(([, value]) => isFailed(value)) ?? []
  return host && [`on ${host}`, errorText(hostResult)].filter(Boolean).join(': ')
}

function isTooLarge({ result, result_size }: Execution): boolean {
  return (result_size ?? 0) > MAX_RESULT_BYTES && limitOutput(result) === undefined
}

function sizeReason({ result_size }: Execution): string {
  return `its result of ${result_size} bytes is too large to read`
}

function executionPath(id: string): string {
  return `${API}/executions/${segment(id)}`
}
