import * as z from 'zod/mini'
import { Failure, invalidInput, messageOf, refused, refusedInput, retryLater } from '../../../shared/errors.ts'
import { onOff, optional, secret, url, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { isListed } from '../../../shared/providers/allow-list.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import { searchSince } from '../../../shared/providers/search-window.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { redact } from '../../../shared/redact.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of Steadybit. Defaults to https://platform.steadybit.com'),
    'https://platform.steadybit.com',
  ),
  token: secret('API access token of the team that owns the experiments, or a wildcard token'),
  allow: allowList('Experiments that may run, by key'),
  target: optional(word('Default experiment, by key, such as SHOP-1')),
  variables: z._default(
    words('Variables that the parameters of a call may set, since they can select targets. Defaults to none'),
    [],
  ),
  parallel: z._default(onOff('Whether an experiment may run in parallel with others: on or off'), 'off'),
})

/** Older platforms return no body. */
const started = z.nullish(z.object({ executionId: z.nullish(z.int()), uiLocation: z.nullish(z.string()) }))
type Started = z.output<typeof started>
const time = z.nullish(z.string())
const execution = z.object({
  id: z.int(),
  state: z.string(),
  key: z.nullish(z.string()),
  name: z.nullish(z.string()),
  hypothesis: z.nullish(z.string()),
  reason: z.nullish(z.string()),
  failureReason: z.nullish(z.string()),
  canceledBy: z.nullish(z.object({ name: z.nullish(z.string()) })),
  variables: z.nullish(z.record(z.string(), z.object({ value: z.optional(z.unknown()) }))),
  created: time,
  started: time,
  ended: time,
})
type Execution = z.output<typeof execution>
type StartedExecution = Pick<Execution, 'key'> & { id: string | number; page?: string | null | undefined }
const step = z.object({
  stepType: z.nullish(z.string()),
  actionId: z.nullish(z.string()),
  actionKind: z.nullish(z.string()),
  customLabel: z.nullish(z.string()),
  state: z.nullish(z.string()),
  reason: z.nullish(z.string()),
  totalTargetCount: z.nullish(z.number()),
})
type Step = z.output<typeof step>
const executionWithSteps = z.object({ steps: z.nullish(z.array(step)) })
const executionPage = z.object({ items: z.array(z.object({ id: z.int() })) })

/** Variable that contains the idempotency key. It is added to the run only, and no experiment uses it. */
const KEY_VARIABLE = 'cloudAutomationWebhooksKey'
/** Number of recent executions to search for a key. Each one takes a request. */
const PAGE_SIZE = { first: 20, retry: 50 }
/** Steadybit returns variables only after an execution has started. */
const NOT_STARTED = ['REQUESTED', 'CREATED', 'PREPARED']
/** States of an attack that was not carried out. */
const NOT_INJECTED = [...NOT_STARTED, 'SKIPPED']
/** A token that may only run experiments cannot read executions. */
const UNREADABLE = [403, 404, 405]
/** The type of the problem distinguishes an invalid experiment from one that has to wait. */
const PROBLEM_STATUSES = [409, 422]
const BUSY_TYPE = 'another-experiment-running-exception'
const executions = 'api/experiments/executions'
const MAX_STEPS = 20

const states: Readonly<Record<string, Verdict>> = {
  REQUESTED: 'running',
  CREATED: 'running',
  PREPARED: 'running',
  RUNNING: 'running',
  COMPLETED: 'pass',
  FAILED: 'fail',
  ERRORED: 'errored',
  CANCELED: 'aborted',
}

/**
 * Steadybit: runs an experiment. A variable of the execution contains the idempotency key.
 *
 * @see https://docs.steadybit.com/integrate-with-steadybit/api
 * @see https://github.com/steadybit/cli api/platform.gen.go is generated from Steadybit's OpenAPI document
 */
export const steadybit = defineJob({
  title: 'Steadybit',
  noun: 'execution',
  notifiedBy: { type: 'steadybit', wakeId: ({ id }) => id },
  connection,
  headers: ({ token }) => ({ authorization: `accessToken ${token}` }),
  check: ({ http }) => http.post(executions, { page: 0, size: 1 }, { isRead: true, schema: executionPage }),

  states,
  runId: { pattern: /^\d{1,15}$/, description: 'an execution number such as 123' },
  identify: ({ id, key, page }: StartedExecution, { http }) => ({
    id: String(id),
    ...(isPage(page) ? { url: page } : key ? { url: pageOf(http, key, id) } : {}),
  }),

  checkStart({ target, project, ref, parameters = {} }, { allow, variables }) {
    if (!EXPERIMENT_KEY.test(target)) throw invalidInput('input.target', 'must be an experiment key such as SHOP-1')
    checkAllowed(allow, target)
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined)
        throw invalidInput(`input.${field}`, 'is not supported: an experiment is identified by its key')
    for (const name of Object.keys(parameters))
      if (name === KEY_VARIABLE || !isListed(name, variables)) throw notAllowed(name)
  },

  lookUp: { newest: PAGE_SIZE.retry, needs: { text: 'a token that may read executions' } },

  async find({ http, idempotencyKey, isRetry }, { target }) {
    const filter = {
      experimentKeys: [target],
      requestedFrom: searchSince(isRetry).toISOString(),
      page: 0,
      size: isRetry ? PAGE_SIZE.retry : PAGE_SIZE.first,
    }
    const options = { isRead: true, accept: UNREADABLE, schema: executionPage }
    const { status, body } = await http.post(executions, filter, options)
    if (UNREADABLE.includes(status)) return 'unknown'
    // The search covers only the newest executions.
    let isUnclear = body.items.length >= PAGE_SIZE.retry
    for (const { id } of body.items) {
      const response = await http.get(executionPath(id), { accept: UNREADABLE, schema: execution })
      const { state, started, variables = null } = UNREADABLE.includes(response.status) ? {} : response.body
      if (variables?.[KEY_VARIABLE]?.value === idempotencyKey) return response.body
      if (state && NOT_STARTED.includes(state)) throw notStartedYet(response.body, target)
      // An execution that was canceled before it started may have no variables.
      isUnclear ||= variables === null || (!started && Object.keys(variables).length === 0)
    }
    return isRetry && isUnclear ? 'unknown' : undefined
  },

  async start({ http, connection, idempotencyKey }, { target, parameters }) {
    const variables = { ...toTextParameters(parameters), ...(idempotencyKey ? { [KEY_VARIABLE]: idempotencyKey } : {}) }
    const body = Object.keys(variables).length > 0 ? { variables } : undefined
    const query = { allowParallel: connection.parallel === 'on' }
    const path = `api/experiments/${segment(target)}/execute`
    const response = await http.post(path, body, { query, accept: PROBLEM_STATUSES, schema: started })
    if (PROBLEM_STATUSES.includes(response.status)) throw startFailure(response.status, response.body, target)
    const id = idOf(http, response.body, response.headers['location'])
    return { id, key: target, page: response.body?.uiLocation }
  },

  async getStatus({ http }, { id, url }) {
    const { body } = await http.get(executionPath(id), { schema: execution })
    return { state: body.state, run: { ...body, page: url }, results: () => resultsOf(http, body) }
  },

  // Returns 202, or 200 if the execution has ended.
  async stop({ http }, { id }) {
    await http.post(`${executionPath(id)}/cancel`)
  },
})

/** The execution may be that of an earlier attempt, so another start would risk a second one. */
function notStartedYet({ id, state }: Execution, target: string): Failure {
  return retryLater(
    `Steadybit reports execution ${id} of ${target} as ${state}. It may belong to an earlier attempt of this call, which is visible only after it starts.`,
  )
}

function startFailure(status: number, problem: unknown, target: string): Failure {
  const reason = redact(errorReasonIn(problem)) || 'no reason given'
  const message = `Steadybit answered ${status} to the start of ${target}: ${reason}`
  const { type } = (problem ?? {}) as { type?: unknown }
  // Nothing was started, and the other experiment will end.
  return String(type).endsWith(BUSY_TYPE) ? retryLater(message) : refused(message)
}

/** Takes only the number from a location, and never sends a request to it. */
function idOf(http: Http, body: Started, location = ''): string {
  if (body?.executionId != null) return String(body.executionId)
  const target = URL.parse(location, `${http.baseUrl}/`)
  const isSameOrigin = target?.origin === new URL(http.baseUrl).origin
  const id = isSameOrigin ? /\/executions\/(\d{1,15})$/.exec(target.pathname)?.[1] : undefined
  if (id) return id
  const elsewhere = target && !isSameOrigin ? ` (its location is at ${target.origin})` : ''
  throw refused(
    `Steadybit started the experiment but returned no execution id${elsewhere}. The experiment is running: check Steadybit, and the baseUrl of the connection.`,
  )
}

async function resultsOf(http: Http, execution: Execution): Promise<RunResults> {
  const { key, name, hypothesis } = execution
  const { steps, missing } = await stepsOf(http, execution)
  const failed = steps.filter(({ state }) => state === 'FAILED' || state === 'ERRORED')
  const injected = steps.filter(
    ({ actionKind, state }) => actionKind === 'ATTACK' && !NOT_INJECTED.includes(state ?? ''),
  )
  return {
    reasons: [...reasonsOf(execution), ...failed.map(failureOf), missing],
    data: {
      ...(key ? { experiment: key } : {}),
      ...(name ? { name } : {}),
      ...(hypothesis ? { hypothesis } : {}),
      ...(injected.length > 0 ? { injected: injected.slice(0, MAX_STEPS).map(injectionOf) } : {}),
      ...(failed[0] ? { failedStep: nameOf(failed[0]) } : {}),
    },
    period: { start: execution.started ?? execution.created, end: execution.ended },
  }
}

/** Steps contain all details of each target and can exceed the response limit. The verdict does not depend on them. */
async function stepsOf(http: Http, { id }: Execution): Promise<{ steps: Step[]; missing?: string }> {
  try {
    const query = { fields: 'steps' }
    const { body } = await http.get(executionPath(id), { query, schema: executionWithSteps })
    return { steps: body.steps ?? [] }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { steps: [], missing: `its steps could not be read (${messageOf(error)})` }
  }
}

function reasonsOf({ reason, failureReason, canceledBy }: Execution) {
  return [reason ?? failureReason, canceledBy?.name ? `canceled by ${canceledBy.name}` : undefined]
}

function nameOf({ customLabel, actionId, stepType }: Step): string {
  return customLabel || actionId || stepType || 'a step'
}

function failureOf(step: Step): string {
  return `step "${nameOf(step)}" ${step.state}${step.reason ? ` (${step.reason})` : ''}`
}

function injectionOf(step: Step): string {
  const { totalTargetCount: targets } = step
  return `${nameOf(step)}${targets == null ? '' : ` on ${targets} targets`}: ${step.state}`
}

function pageOf({ baseUrl }: Http, key: string, id: string | number): string {
  return `${baseUrl}/experiments/edit/${segment(key)}/executions/${segment(id)}`
}

function isPage(text: string | null | undefined): text is string {
  return /^https?:$/.test(URL.parse(text ?? '')?.protocol ?? '')
}

function executionPath(id: string | number): string {
  return `${executions}/${segment(id)}`
}

const EXPERIMENT_KEY = /^\w{1,50}-\d{1,9}$/

function notAllowed(name: string): Failure {
  return refusedInput(
    `input.parameters.${name.slice(0, 100)}`,
    'may not be set: to allow it, add it to variables of the connection',
  )
}
