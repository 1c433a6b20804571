import * as z from 'zod/mini'
import { Failure, messageOf } from '../../../shared/errors.ts'
import { onOff, optional, secret, url, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type RunStatus, type Verdict } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { redact } from '../../../shared/redact.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { allowed, isAllowed, refuseOutside } from '../blast-radius.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('Where Steadybit is; https://platform.steadybit.com where left out'),
    'https://platform.steadybit.com',
  ),
  token: secret('An API access token of the team of the experiments'),
  allow: allowed('Experiments that may be run, by their key'),
  target: optional(word('Default experiment: its key, like SHOP-1')),
  variables: z._default(
    words('Variables that the parameters of a call may set; none where left out, since what is hit may depend on them'),
    [],
  ),
  parallel: z._default(onOff('Whether an experiment may run beside others: on or off'), 'off'),
})

/** Nothing is in the body of an older platform. */
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
  variables: z.nullish(z.record(z.string(), z.object({ value: z.unknown() }))),
  ...{ created: time, started: time, ended: time },
})
type Execution = z.output<typeof execution>
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

/** The variable that carries the key of a call: it is added to the run alone, and nothing in an experiment uses it. */
const keyVariable = 'cloudAutomationWebhooksKey'
/** How many of the newest executions are looked at for a key, each by a request of its own. */
const lookedAt = { first: 20, again: 50 }
/** How far back an execution of ours is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000
/** Variables are shown from the start of an execution on. */
const beforeStart = ['REQUESTED', 'CREATED', 'PREPARED']
/** An attack that never came to be. */
const notInjected = [...beforeStart, 'SKIPPED']
/** Whoever may only run experiments does not see executions. */
const notShown = [403, 404, 405]
/** What is wrong with an experiment, and what only keeps it waiting, is told apart by the type of the problem. */
const problems = [409, 422]
const busy = 'another-experiment-running-exception'
const executions = 'api/experiments/executions'
const mostSteps = 20
const longestReason = 500

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
 * Steadybit: an execution of an experiment. It carries the key of its call in a variable.
 *
 * @see https://docs.steadybit.com/integrate-with-steadybit/api
 * @see https://github.com/steadybit/cli whose api/platform.gen.go is made of the vendor's own OpenAPI document
 */
export const steadybit = defineJobProvider({
  title: 'Steadybit',
  noun: 'execution',
  connection,
  headers: ({ token }) => ({ authorization: `accessToken ${token}` }),
  check: ({ http }) => http.post(executions, { page: 0, size: 1 }, { isRead: true, schema: executionPage }),

  states,

  checkStart({ target, project, ref, parameters = {} }, { allow, variables }) {
    if (!keyPattern.test(target)) throw invalid('target', 'is no experiment: write its key, like SHOP-1')
    refuseOutside(allow, target)
    for (const [field, value] of Object.entries({ project, ref }))
      if (value !== undefined)
        throw invalid(field, 'is of no use, since an experiment is known by its key: leave it out')
    for (const name of Object.keys(parameters))
      if (name === keyVariable || !isAllowed(variables, name)) throw notAllowed(name)
  },

  async find({ http, idempotencyKey: key, isRetry: repeated }, { target }) {
    const asked = {
      experimentKeys: [target],
      requestedFrom: new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString(),
      page: 0,
      size: repeated ? lookedAt.again : lookedAt.first,
    }
    const options = { isRead: true, accept: notShown, schema: executionPage }
    const { status, body } = await http.post(executions, asked, options)
    if (notShown.includes(status)) return 'unknown'
    let unclear = false
    for (const { id } of body.items) {
      const one = await http.get(executionPath(id), { accept: notShown, schema: execution })
      const { state, started, variables = null } = notShown.includes(one.status) ? {} : one.body
      if (variables?.[keyVariable]?.value === key) return runOf(http, one.body)
      if (state && beforeStart.includes(state)) throw notTold(one.body, target)
      // One that was canceled before it began may show none.
      unclear ||= variables === null || (!started && Object.keys(variables).length === 0)
    }
    return repeated && unclear ? 'unknown' : undefined
  },

  async start({ http, connection, idempotencyKey: key }, { target, parameters }) {
    const variables = { ...toTextParameters(parameters), ...(key ? { [keyVariable]: key } : {}) }
    const body = Object.keys(variables).length > 0 ? { variables } : undefined
    const query = { allowParallel: connection.parallel === 'on' }
    const path = `api/experiments/${segment(target)}/execute`
    const answer = await http.post(path, body, { query, accept: problems, schema: started })
    if (problems.includes(answer.status)) throw refusalOf(answer.status, answer.body, target)
    const id = idOf(http, answer.body, answer.headers['location'])
    const page = answer.body?.uiLocation
    return { id, url: isPage(page) ? page : pageOf(http, target, id) }
  },

  async getStatus({ http }, run) {
    const { body } = await http.get(executionPath(run.id), { schema: execution })
    const { state } = body
    const seen = { state, run: { ...runOf(http, body), ...run } }
    return (states[state] ?? 'running') === 'running' ? seen : { ...seen, ...(await resultsOf(http, body)) }
  },

  parseRunId({ id }) {
    if (/^\d{1,15}$/.test(id)) return { id }
    throw invalid('id', 'is no execution: write its number, like 123')
  },

  // Answered with 202, or with 200 where it has ended.
  async stop({ http }, { id }) {
    await http.post(`${executionPath(id)}/cancel`)
  },
})

/** It can not be told yet whether this one is ours, so none is started beside it. */
function notTold({ id, state }: Execution, target: string): Failure {
  return new Failure(
    'platform',
    `Steadybit has execution ${id} of ${target} ${state}, which may be that of an earlier try: that shows when it runs.`,
  )
}

function refusalOf(status: number, problem: unknown, target: string): Failure {
  const said = redact(errorReasonIn(problem)) || 'no reason given'
  const text = `Steadybit answered ${status} to the start of ${target}: ${said}`
  const { type } = (problem ?? {}) as { type?: unknown }
  // Nothing was begun, and what is in the way will end: so this is tried again, until the deadline.
  return new Failure(String(type).endsWith(busy) ? 'platform' : 'refused', text)
}

/** Only the number is taken, also from a location: where it points to is not followed. */
function idOf(http: Http, body: Started, location = ''): string {
  if (body?.executionId != null) return String(body.executionId)
  const place = URL.parse(location, `${http.baseUrl}/`)
  const isOurs = place?.origin === new URL(http.baseUrl).origin
  const id = isOurs ? /\/executions\/(\d{1,15})$/.exec(place.pathname)?.[1] : undefined
  if (id) return id
  const elsewhere = place && !isOurs ? ` but at ${place.origin}, which is not followed` : ''
  throw new Failure(
    'refused',
    `Steadybit has started the experiment, and names no execution of it here${elsewhere}: it goes on, look at Steadybit, and check the connection's baseUrl.`,
  )
}

async function resultsOf(http: Http, execution: Execution): Promise<Partial<RunStatus>> {
  const { key, name, hypothesis } = execution
  const { steps, missing } = await stepsOf(http, execution)
  const failed = steps.filter(({ state }) => state === 'FAILED' || state === 'ERRORED')
  const injected = steps.filter(
    ({ actionKind, state }) => actionKind === 'ATTACK' && !notInjected.includes(state ?? ''),
  )
  const duration = durationOf(execution)
  const told = [...saidOf(execution), ...failed.map(failureOf), missing].filter(Boolean).join('; ')
  return {
    reason: told ? clipSingleLine(told, longestReason) : undefined,
    data: {
      ...(key ? { experiment: key } : {}),
      ...(name ? { name } : {}),
      ...(hypothesis ? { hypothesis } : {}),
      ...(duration === undefined ? {} : { duration }),
      ...(injected.length > 0 ? { injected: injected.slice(0, mostSteps).map(injectionOf) } : {}),
      ...(failed[0] ? { failedStep: nameOf(failed[0]) } : {}),
    },
    metrics: duration === undefined ? {} : { duration },
  }
}

/** They come with all that is known of each target, which may be more than we take: the verdict stands without them. */
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

function saidOf({ reason, failureReason, canceledBy }: Execution) {
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

/** In seconds. */
function durationOf({ created, started, ended }: Execution): number | undefined {
  const seconds = (Date.parse(ended ?? '') - Date.parse(started ?? created ?? '')) / 1_000
  return Number.isNaN(seconds) ? undefined : Math.round(seconds)
}

function runOf(http: Http, { id, key }: Execution) {
  return { id: String(id), ...(key ? { url: pageOf(http, key, id) } : {}) }
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

const keyPattern = /^\w{1,50}-\d{1,9}$/

function notAllowed(name: string): Failure {
  const path = `input.parameters.${name.slice(0, 100)}`
  const message = 'may not be set: name it in variables of the connection, if what it changes may be hit'
  return new Failure('refused', `${path} ${message}`, { errors: [{ path, message }] })
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
