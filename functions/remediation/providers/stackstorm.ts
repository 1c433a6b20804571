import * as z from 'zod/mini'
import { Failure, messageOf } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
import { limitOutput, metricsIn } from '../../../shared/providers/run-output.ts'
import { isRecord } from '../../../shared/record.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: url('Where StackStorm is, without /api'),
  token: secret('An API key, of a user who may execute the actions and list executions and traces'),
  target: optional(word('Default action, with its pack: pack.action')),
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
const executions = z.array(execution)
const traces = z.array(
  z.object({
    action_executions: z.array(
      z.object({ object_id: z.string(), caused_by: z.nullish(z.object({ id: z.nullish(z.string()) })) }),
    ),
  }),
)

const api = 'api/v1'
/** Bytes; a larger result is left out of an answer, which would be too large itself. */
const largestResult = 1_000_000
const longestReason = 300
const mostChildren = 100
/** How deep a workflow within a workflow is looked into for what has failed. */
const mostLevels = 3

/** As `LIVEACTION_STATUSES` of its source has them. */
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
  // Whatever ran it has died.
  abandoned: 'errored',
  canceled: 'aborted',
}
const waits: Readonly<Record<string, string>> = {
  pending: 'waiting for the answer to an inquiry',
  paused: 'paused: by somebody, or for the answer to an inquiry',
}

/**
 * StackStorm: an execution of an action, which may be a workflow. It carries the key of its call as the tag of its trace.
 *
 * @see https://docs.stackstorm.com/reference/traces.html
 * @see https://api.stackstorm.com/api/v1/executions/
 */
export const stackstorm = defineJobProvider({
  title: 'StackStorm',
  noun: 'execution',
  connection,
  headers: ({ token }) => ({ 'st2-api-key': token }),
  check: ({ http }) => http.get(`${api}/user`),
  errorReason: (body) => (isRecord(body) && typeof body['faultstring'] === 'string' ? body['faultstring'] : undefined),

  states,

  checkStart({ target, project, ref, parameters = {} }) {
    if (!/^[^.\s]+\.\S+$/.test(target)) throw invalid('target', 'is no action: write it with its pack, like core.local')
    if (project !== undefined) throw invalid('project', 'is of no use, since an action is in a pack: leave it out')
    if (ref !== undefined)
      throw invalid('ref', 'is of no use, since the installed version of a pack runs: leave it out')
    // Whoever writes an alert must not read the datastore by it.
    for (const [name, value] of Object.entries(parameters))
      if (/\{\{|\{%/.test(JSON.stringify(value)))
        throw invalid(`parameters.${name}`, 'holds {{ or {%, which StackStorm would carry out as a template')
  },

  // The trace is written before the execution is published, and so before anything runs.
  async find({ http, idempotencyKey: key }) {
    const { body } = await http.get(`${api}/traces`, { query: { trace_tag: key }, schema: traces })
    // What the execution has set off is in its trace as well.
    const found = body.flatMap(({ action_executions }) => action_executions).find(({ caused_by }) => !caused_by?.id)
    return found && runOf(http, { id: found.object_id })
  },

  async start({ http, idempotencyKey: key }, { target, parameters = {} }) {
    const context = key ? { context: { trace_context: { trace_tag: key } } } : {}
    const body = { action: target, parameters, ...context }
    return runOf(http, (await http.post(`${api}/executions`, body, { schema: execution })).body)
  },

  async getStatus({ http }, { id }) {
    const now = await read(http, id)
    const { status: state = '', children } = now
    const run = runOf(http, now)
    if ((states[state] ?? 'running') === 'running') {
      const tasks = children?.length ? `tasks begun: ${children.length}` : undefined
      return { state, run, progress: waits[state] ?? tasks }
    }
    return { state, run, ...(await resultsOf(http, now)) }
  },

  parseRunId({ id }) {
    executionPath(id)
    return { id }
  },

  async stop({ http }, { id }) {
    const { body } = await http.delete(executionPath(id))
    // What can not be canceled is said in a success.
    if (!isRecord(body) || typeof body['faultstring'] !== 'string') return
    const { status = '' } = await read(http, id)
    if (states[status] !== 'running' || status === 'canceling') return
    throw new Failure('refused', `StackStorm did not cancel execution ${id}: ${body['faultstring']}`)
  },
})

async function read(http: Http, id: string): Promise<Execution> {
  const query = { max_result_size: largestResult }
  return (await http.get(executionPath(id), { query, schema: execution })).body
}

async function resultsOf(http: Http, now: Execution): Promise<Partial<RunStatus>> {
  const { result, start_timestamp, end_timestamp } = now
  const seconds = (Date.parse(end_timestamp ?? '') - Date.parse(start_timestamp ?? '')) / 1_000
  const duration: Record<string, number> = Number.isFinite(seconds) ? { duration: seconds } : {}
  const passed = states[now.status ?? ''] === 'pass'
  const failure = passed ? {} : await failureOf(http, now)
  const output = passed ? handedBack(result) : undefined
  const shown = isTooLarge(now) ? tooLarge(now) : limitOutput(output)
  return {
    reason: failure.reason,
    data: { ...duration, ...failure.places, ...(shown === undefined ? {} : { output: shown }) },
    metrics: { ...metricsIn(output), ...duration },
  }
}

/** A workflow hands back its output, a chain what it published, a script what it returned or wrote. */
function handedBack(result: unknown): unknown {
  if (!isRecord(result)) return result
  const field = ['output', 'published', 'result', 'stdout'].find((name) => limitOutput(result[name]) !== undefined)
  return field ? result[field] : result
}

interface Failed {
  reason?: string | undefined
  places?: { failedTask: string; failedAction?: string | undefined }
}

/** Why it did not succeed. What ended is told in any case, also where its tasks can not be read. */
async function failureOf(http: Http, now: Execution): Promise<Failed> {
  const reason = reasonIn(now)
  try {
    const task = now.children?.length ? await failedTask(http, now.id) : undefined
    return task ?? { reason }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { reason: [reason, `its tasks could not be read (${messageOf(error)})`].filter(Boolean).join('; ') }
  }
}

/** The newest task that failed: `task "restart" (core.remote) ended as failed: no such unit`. */
async function failedTask(http: Http, parent: string, levels = mostLevels): Promise<Failed | undefined> {
  // Results may be large, and a list has no limit for them.
  const query = { parent, exclude_attributes: 'result,trigger_instance', limit: mostChildren }
  const { body } = await http.get(`${api}/executions`, { query, schema: executions })
  const failed = body.find(({ status = '' }) => ['fail', 'errored'].includes(states[status] ?? ''))
  if (!failed) return undefined
  const child = await read(http, failed.id)
  const { context, action, status } = child
  const name = context?.orquesta?.task_name ?? context?.chain?.name ?? child.id
  const within = levels > 1 && child.children?.length ? await failedTask(http, child.id, levels - 1) : undefined
  if (within) return { ...within, reason: `task "${name}": ${within.reason}` }
  const said = [`task "${name}"${action?.ref ? ` (${action.ref})` : ''} ended as ${status}`, reasonIn(child)]
  return { reason: said.filter(Boolean).join(': '), places: { failedTask: name, failedAction: action?.ref } }
}

/** What a result says of a failure: its error, its message, or the last line that was written to stderr. */
function reasonIn(now: Execution): string | undefined {
  if (isTooLarge(now)) return tooLarge(now)
  const said = wordsOf(now.result)
  return said && clipSingleLine(said, longestReason)
}

function wordsOf(result: unknown): string | undefined {
  if (!isRecord(result)) return undefined
  const { error, message, stderr, errors, return_code, exit_code } = result
  for (const text of [error, message]) if (typeof text === 'string' && text) return text
  if (Array.isArray(errors)) return errors.map(wordsOf).find(Boolean)
  const line = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : ''
  if (line) return line
  const code = return_code ?? exit_code
  if (code !== undefined) return `it ended with code ${code}`
  // The runner for remote hosts has a result of each.
  const [host, its] = Object.entries(result).find(([, one]) => isRecord(one) && one['succeeded'] === false) ?? []
  return host && [`on ${host}`, wordsOf(its)].filter(Boolean).join(': ')
}

function isTooLarge({ result, result_size }: Execution): boolean {
  return (result_size ?? 0) > largestResult && limitOutput(result) === undefined
}

function tooLarge({ result_size }: Execution): string {
  return `its result of ${result_size} bytes is too large to be read here`
}

function runOf({ baseUrl }: Http, { id, web_url }: Pick<Execution, 'id' | 'web_url'>): Run {
  return { id, url: web_url && /^https?:\/\//.test(web_url) ? web_url : `${baseUrl}/#/history/${id}/general` }
}

/** An id is 24 hexadecimal digits. */
function executionPath(id: string): string {
  if (/^[0-9a-f]{24}$/.test(id)) return `${api}/executions/${segment(id)}`
  throw invalid('id', 'is no execution: write it like 54e657f20640fd16887d6857')
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
