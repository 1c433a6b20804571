import * as z from 'zod/mini'
import { Failure, invalidInput, messageOf, refused } from '../errors.ts'
import { integer, name, optional, secret, url, word } from '../fields.ts'
import type { Http } from '../http/client.ts'
import { segment } from '../http/segment.ts'
import { defineJob, type RunResults } from '../providers/define-job.ts'
import type { StartJob, Verdict } from '../providers/job.ts'
import { isRecord } from '../record.ts'

/** The first version with options by name. All current releases support it. */
const MIN_API_VERSION = 18
const DEFAULT_API_VERSION = 44

const connection = z.strictObject({
  baseUrl: url('URL of Rundeck, with its path, if any, but without /api'),
  token: secret('API token that may read and run the jobs, read and kill executions, and read events'),
  apiVersion: z._default(
    integer(
      MIN_API_VERSION,
      999,
      `Version of the API, at least ${MIN_API_VERSION}. Defaults to ${DEFAULT_API_VERSION}`,
    ),
    DEFAULT_API_VERSION,
  ),
  project: optional(word('Default project, for jobs that are identified by name')),
  target: optional(word('Default job: its UUID, or its name with its group, like ops/restart')),
  keyOption: optional(
    name('Plain text option of every job that stores the idempotency key. Without it, a start is never retried'),
  ),
})
type Connection = z.output<typeof connection>

const time = z.object({ unixtime: z.number() })
const reference = z.object({ id: z.int(), permalink: z.string() })
const execution = z.extend(reference, {
  status: z.string(),
  customStatus: z.nullish(z.string()),
  abortedby: z.nullish(z.string()),
  'date-started': z.nullish(time),
  'date-ended': z.nullish(time),
  successfulNodes: z.nullish(z.array(z.string())),
  failedNodes: z.nullish(z.array(z.string())),
  retriedExecution: z.nullish(reference),
  job: z.nullish(z.object({ options: z.nullish(z.record(z.string(), z.unknown())) })),
})
type Execution = z.output<typeof execution>
const executions = z.object({ executions: z.array(execution), paging: z.object({ total: z.int() }) })
const jobs = z.array(z.object({ id: z.string(), name: z.string(), group: z.nullish(z.string()) }))
const aborted = z.object({
  abort: z.object({ status: z.string(), reason: z.nullish(z.string()) }),
})

interface Step {
  id: string
  executionState: string
  nodeStates?: Record<string, { executionState: string }> | null | undefined
  workflow?: { steps: Step[] } | null | undefined
}
const step: z.ZodMiniType<Step> = z.object({
  id: z.string(),
  executionState: z.string(),
  nodeStates: z.nullish(z.record(z.string(), z.object({ executionState: z.string() }))),
  workflow: z.nullish(z.object({ steps: z.array(z.lazy(() => step)) })),
})
const workflow = z.object({ steps: z.optional(z.array(step)) })

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

const PER_PAGE = 100
/** Pages of executions that a retry searches. */
const MAX_PAGES = 10
/** Limits the outcome of a run on thousands of nodes. */
const MAX_NAMES = 20
const MAX_STEPS = 3

/** The status that a restarted Rundeck gives to interrupted executions: `cleanupStatus` in its source. */
const LOST_STATUS = 'incomplete'

/** From `Execution.getExecutionState` in its source. `retried` is only in the documentation. */
const states: Readonly<Record<string, Verdict>> = {
  running: 'running',
  scheduled: 'running',
  queued: 'running',
  'average-duration-exceeded': 'running',
  // A retry follows, which is then polled.
  'failed-with-retry': 'running',
  retried: 'running',
  succeeded: 'pass',
  failed: 'fail',
  timedout: 'fail',
  // A custom status of the job, except the one of interrupted executions.
  other: 'fail',
  aborted: 'aborted',
  missed: 'errored',
}

/**
 * Runs jobs of Rundeck and Runbook Automation. Executions store the idempotency key in the option that the connection names. Rundeck
 * has no other place for it that the API can read.
 *
 * @see https://docs.rundeck.com/docs/api/
 */
export const rundeck = defineJob({
  title: 'Rundeck',
  noun: 'execution',
  notifiedBy: { type: 'rundeck', wakeId: ({ id }) => id },
  connection,
  headers: ({ token }) => ({ 'x-rundeck-auth-token': token }),
  /** A missing permission is `api.error.item.unauthorized`. */
  isCredentialsError: (status, body) => status === 403 && isRecord(body) && body['errorCode'] === 'unauthorized',
  check: ({ http, connection }) => http.get(pathOf(connection, 'projects')),

  states,
  runId: { pattern: /^\d{1,19}$/, description: 'the number of an execution such as 134' },
  identify: ({ id, permalink: url }: z.output<typeof reference>) => ({ id: String(id), url }),

  checkStart({ target, project, ref, parameters = {} }, { keyOption }) {
    if (!uuid.test(target) && project === undefined) {
      throw invalidInput(
        'input.project',
        'is required for a job that is identified by name, because the connection has no default project',
      )
    }
    if (ref !== undefined)
      throw invalidInput('input.ref', 'is not supported, because Rundeck has no versions of a job. Remove it')
    for (const [option, value] of Object.entries(parameters)) {
      const path = `input.parameters.${option}`
      if (option === keyOption) throw invalidInput(path, 'is the option for the idempotency key. Remove it')
      if (value === null || typeof value === 'object')
        throw invalidInput(path, 'must be text, because options are text. Write a list as "a,b"')
    }
  },

  lookUp: {
    newest: MAX_PAGES * PER_PAGE,
    needs: { text: '`keyOption` in the connection, and in the job', without: { keyOption: undefined } },
  },

  async find({ http, idempotencyKey, isRetry, connection }, input) {
    const { keyOption } = connection
    if (keyOption === undefined) return 'unknown'
    const path = pathOf(connection, `job/${segment(await jobOf(http, connection, input))}/executions`)
    // Running executions have their own list. Their position in the full list depends on the database.
    for (const status of ['running', undefined]) {
      const found = await search(http, path, status, isRetry, ({ job }) => job?.options?.[keyOption] === idempotencyKey)
      if (found) return found
    }
    return undefined
  },

  async start({ http, idempotencyKey, connection }, input) {
    const { keyOption } = connection
    const id = await jobOf(http, connection, input)
    const parameters = Object.entries(input.parameters ?? {}).map(([option, value]) => [option, String(value)])
    const options = {
      ...Object.fromEntries(parameters),
      ...(keyOption && idempotencyKey ? { [keyOption]: idempotencyKey } : {}),
    }
    const path = pathOf(connection, `job/${segment(id)}/run`)
    return (await http.post(path, { options }, { schema: reference })).body
  },

  async getStatus({ http, connection }, { id }) {
    const path = executionPath(connection, id)
    const { body } = await http.get(path, { schema: execution })
    const { status: state, retriedExecution: retry } = body
    if (retry) return { state, verdict: 'running', progress: `retried as execution ${retry.id}`, run: retry }
    return {
      state,
      run: body,
      async results() {
        if (states[state] === 'pass') return resultsOf(body)
        const lost = body.customStatus === LOST_STATUS ? { verdict: 'errored' as const } : {}
        return { ...lost, ...resultsOf(body), reason: await reasonFor(http, path, body) }
      },
    }
  },

  async stop({ http, connection }, { id }) {
    const path = `${executionPath(connection, id)}/abort`
    const { abort } = (await http.post(path, undefined, { schema: aborted })).body
    if (abort.status === 'failed')
      throw refused(`Rundeck did not abort execution ${id}: ${abort.reason ?? 'no reason given'}.`)
  },
})

function pathOf({ apiVersion }: Pick<Connection, 'apiVersion'>, path: string): string {
  return `api/${apiVersion}/${path}`
}

function executionPath(connection: Connection, id: string): string {
  return pathOf(connection, `execution/${segment(id)}`)
}

/**
 * Returns the id of a job.
 *
 * @throws Failure `refused` if the project has no job with that name
 */
async function jobOf(http: Http, connection: Connection, { target, project = '' }: StartJob): Promise<string> {
  if (uuid.test(target)) return target
  const index = target.lastIndexOf('/')
  const [group, job] = [target.slice(0, Math.max(0, index)), target.slice(index + 1)]
  const query = { jobExactFilter: job, groupPathExact: group || '-' }
  const path = pathOf(connection, `project/${segment(project)}/jobs`)
  const { body } = await http.get(path, { query, schema: jobs })
  // Rundeck ignores unknown filters and may list other jobs.
  const found = body.find((listed) => listed.name === job && (listed.group ?? '') === group)
  if (found) return found.id
  throw refused(`Rundeck has no job "${target}" in project ${project}, or the token has no access to it.`)
}

/** Returns the execution with the idempotency key; `unknown` if the list has more pages than are read. */
async function search(
  http: Http,
  path: string,
  status: string | undefined,
  isThorough: boolean,
  isMatch: (execution: Execution) => boolean,
): Promise<Execution | undefined | 'unknown'> {
  const pages = isThorough ? MAX_PAGES : 1
  for (let page = 0; page < pages; page++) {
    const query = { status, max: PER_PAGE, offset: page * PER_PAGE }
    const { body } = await http.get(path, { query, schema: executions })
    // Rundeck's own retries have the same options. The first execution leads to the others.
    const [first] = body.executions.filter(isMatch).sort((a, b) => a.id - b.id)
    if (first) return first
    if (query.offset + PER_PAGE >= body.paging.total) return undefined
  }
  return isThorough ? 'unknown' : undefined
}

function resultsOf(body: Execution): RunResults {
  const { successfulNodes, failedNodes, customStatus, 'date-started': started, 'date-ended': ended } = body
  const [succeeded, failed] = [successfulNodes ?? [], failedNodes ?? []]
  return {
    data: {
      ...(customStatus ? { customStatus } : {}),
      ...(succeeded.length > 0 ? { succeededNodes: succeeded.slice(0, MAX_NAMES) } : {}),
      ...(failed.length > 0 ? { failedNodes: failed.slice(0, MAX_NAMES) } : {}),
    },
    metrics: { succeededNodes: succeeded.length, failedNodes: failed.length },
    period: { start: started?.unixtime, end: ended?.unixtime },
  }
}

/** Returns why an execution ended. Its steps may be deleted or not readable. */
async function reasonFor(http: Http, path: string, { customStatus, abortedby }: Execution): Promise<string> {
  const reasons = [customStatus && `its status is "${customStatus}"`, abortedby && `by ${abortedby}`]
  try {
    const { steps = [] } = (await http.get(`${path}/state`, { schema: workflow })).body
    const failing = failingOf(steps)
    const more = failing.length > MAX_STEPS ? [`and ${failing.length - MAX_STEPS} more`] : []
    return [...reasons, ...failing.slice(0, MAX_STEPS), ...more].filter(Boolean).join(', ')
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return [...reasons, `its steps could not be read (${messageOf(error)})`].filter(Boolean).join(', ')
  }
}

/** Describes the failed steps, the innermost of nested ones: `step 2/1 failed on web1, web2`. */
function failingOf(steps: Step[], within = ''): string[] {
  return steps.flatMap(({ id, executionState, nodeStates, workflow }) => {
    if (executionState !== 'FAILED' && executionState !== 'NODE_MIXED') return []
    const inner = workflow ? failingOf(workflow.steps, `${within}${id}/`) : []
    if (inner.length > 0) return inner
    const nodes = Object.entries(nodeStates ?? {}).flatMap(([node, state]) =>
      state.executionState === 'FAILED' ? [node] : [],
    )
    const shown = nodes.length > MAX_NAMES ? [...nodes.slice(0, MAX_NAMES), `${nodes.length - MAX_NAMES} more`] : nodes
    return [`step ${within}${id} failed${nodes.length > 0 ? ` on ${shown.join(', ')}` : ''}`]
  })
}
