import * as z from 'zod/mini'
import { Failure, invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { optional, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import { refuseUnsupported } from '../../../shared/providers/unsupported-input.ts'
import { redact } from '../../../shared/redact.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { azureAuthorization, azureConnection } from '../../../shared/vendors/azure.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of Azure Resource Manager. Defaults to https://management.azure.com; national clouds have others'),
    'https://management.azure.com',
  ),
  ...azureConnection('the role Chaos Studio Operator on the experiments'),
  subscription: word('Id of the subscription'),
  resourceGroup: word('Resource group of the experiments'),
  allow: allowList('Experiments that may run, by name'),
  target: optional(word('Default experiment, by name')),
})
type Connection = z.output<typeof connection>

const text = z.nullish(z.string())
const execution = z.object({
  name: z.string(),
  properties: z.object({ status: text, startedAt: text, stoppedAt: text }),
})
type Execution = z.output<typeof execution>
const executions = z.object({ value: z.array(execution), nextLink: text })
const list = <T extends z.ZodMiniType>(item: T) => z.nullish(z.array(item))
const action = z.object({
  actionName: text,
  status: text,
  targets: list(z.object({ target: text, status: text, error: z.optional(z.unknown()) })),
})
const details = z.object({
  properties: z.object({
    failureReason: text,
    runInformation: z.nullish(
      z.object({ steps: list(z.object({ branches: list(z.object({ actions: list(action) })) })) }),
    ),
  }),
})

/** The executions before a start. An execution has no start time until its preparation has ended. */
const earlierSchema = z.object({ startedAt: z.number(), withoutTime: z.array(z.string()) })
type Earlier = z.output<typeof earlierSchema>

interface StartedExecution {
  target: string
  execution: string
  providerState?: object
}

/** The state of a run that Azure does not list yet. */
const unlistedSchema = z.extend(earlierSchema, { operation: z.optional(z.string()) })
const operationStatus = z.nullish(z.looseObject({ status: text }))

const states: Readonly<Record<string, Verdict>> = {
  PreProcessingQueued: 'running',
  PreProcessing: 'running',
  WaitingToStart: 'running',
  Running: 'running',
  Canceling: 'running',
  // The faults were injected and removed. Azure does not judge the service.
  Success: 'pass',
  // A fault could not be injected or removed.
  Failed: 'errored',
  PreProcessingFailed: 'errored',
  StartFailed: 'errored',
  Cancelled: 'aborted',
}
/** Azure writes the status as free text, in any case, and names the same ends differently in its APIs. */
const SPELLINGS = new Map([
  ...Object.keys(states).map((state): [string, string] => [state.toLowerCase(), state]),
  ['canceled', 'Cancelled'] as const,
  ['succeeded', 'Success'] as const,
  ['completed', 'Success'] as const,
])
const VERSION = { 'api-version': '2025-01-01' }
const SCOPE = 'https://management.azure.com/.default'
const NAME = /^(?!\.+$)[^<>%&:?#/\\\p{C}]{1,255}$/u
/** Stands for the id of an execution that Azure does not list yet. */
const NOT_LISTED = 'new'
const LISTING_DELAYS_MS = [0, 1_000, 2_000]
const MAX_PAGES = 20
const CONFLICT = 409
const REFUSALS = [400, 403, 404, CONFLICT, 422]
const MAX_REASON = 500

/**
 * Azure Chaos Studio: runs an experiment. Azure runs one execution of an experiment at a time and does not return its id, so the
 * execution is the one that was not listed before.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/chaosstudio/experiments
 */
export const azureChaosStudio = defineJob({
  title: 'Azure Chaos Studio',
  noun: 'execution',
  connection,
  authorization: (connection, ca) => azureAuthorization(connection, { scope: SCOPE, title: 'Azure Chaos Studio', ca }),
  async check({ http, connection }) {
    const query = VERSION
    if (connection.target === undefined)
      return http.get(experimentsPath(connection), { query, schema: z.object({ value: z.array(z.unknown()) }) })
    const schema = z.object({ properties: z.object({ provisioningState: text }) })
    const { provisioningState } = (await http.get(experimentPath(connection, connection.target), { query, schema }))
      .body.properties
    if (provisioningState && provisioningState !== 'Succeeded')
      throw refused(`The experiment ${connection.target} cannot run: its provisioning state is ${provisioningState}.`)
    return undefined
  },

  states,
  runId: {
    pattern: /^(?!\.+\/)[^<>%&:?#/\\\p{C}]{1,255}\/(?:new|[\da-fA-F-]{8,60})$/u,
    description: 'an execution such as <experiment>/<id of the execution>',
  },
  identify({ target, execution, providerState }: StartedExecution, { connection }) {
    const tenant = connection.tenantId ? `@${encodeURIComponent(connection.tenantId)}/` : ''
    const url = `https://portal.azure.com/#${tenant}resource/${experimentPath(connection, target)}`
    return { id: `${target}/${execution}`, url, ...(providerState ? { providerState } : {}) }
  },

  checkStart({ target, project, ref, parameters }, { allow }) {
    refuseUnsupported('Azure Chaos Studio', { project, ref, parameters })
    if (!NAME.test(target)) throw invalidInput('input.target', 'must be the name of an experiment')
    checkAllowed(allow, target)
  },

  async start({ http, connection }, { target }) {
    const path = experimentPath(connection, target)
    const earlier = summarize(await listExecutions(http, path))
    const { status, headers, body } = await http.post(`${path}/start`, undefined, {
      query: VERSION,
      accept: [CONFLICT],
    })
    // Transient: nothing was started, and the other execution will end.
    if (status === CONFLICT)
      throw retryLater(`Azure did not start ${target}: ${redact(clipSingleLine(errorReasonIn(body), 300))}`)
    for (const delay of LISTING_DELAYS_MS) {
      await sleep(delay)
      const found = await findNewer(http, path, earlier).catch(leaveToPoll)
      if (found) return { target, execution: found.name }
    }
    const operation = headers['azure-asyncoperation'] ?? headers['location']
    return { target, execution: NOT_LISTED, providerState: { ...earlier, operation } }
  },

  async getStatus({ http, connection }, run) {
    const { target, execution: id } = partsOf(run.id)
    const path = experimentPath(connection, target)
    const unlisted = id === NOT_LISTED ? unlistedSchema.parse(run.providerState) : undefined
    const current = unlisted ? await findNewer(http, path, unlisted) : await readExecution(http, path, id)
    if (!current) return unlistedStatus(http, unlisted?.operation)
    const { status, startedAt, stoppedAt } = current.properties
    const state = SPELLINGS.get((status ?? '').toLowerCase()) ?? status ?? 'WaitingToStart'
    const failure = states[state] === 'errored' ? await failureOf(http, path, current.name) : {}
    return {
      state,
      run: { target, execution: current.name },
      period: { start: startedAt, end: stoppedAt },
      ...failure,
    }
  },

  /** Azure cancels the execution that runs, so one that has ended must not be canceled. */
  async stop({ http, connection }, run) {
    const { target, execution: id } = partsOf(run.id)
    const path = experimentPath(connection, target)
    const status = id === NOT_LISTED ? '' : ((await readExecution(http, path, id)).properties.status ?? '')
    const state = SPELLINGS.get(status.toLowerCase()) ?? status
    if ((states[state] ?? 'running') === 'running') await http.post(`${path}/cancel`, undefined, { query: VERSION })
  },
})

function experimentsPath({ subscription, resourceGroup }: Connection): string {
  const group = `subscriptions/${segment(subscription)}/resourceGroups/${segment(resourceGroup)}`
  return `${group}/providers/Microsoft.Chaos/experiments`
}

function experimentPath(connection: Connection, name: string): string {
  return `${experimentsPath(connection)}/${segment(name)}`
}

async function readExecution(http: Http, path: string, id: string): Promise<Execution> {
  return (await http.get(`${path}/executions/${segment(id)}`, { query: VERSION, schema: execution })).body
}

async function listExecutions(http: Http, path: string): Promise<Execution[]> {
  const found: Execution[] = []
  let next = `${path}/executions`
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = page === 0 ? { query: VERSION } : {}
    const { value, nextLink } = (await http.get(next, { ...query, schema: executions })).body
    found.push(...value)
    if (!nextLink) break
    if (!isSameOrigin(http, nextLink)) throw retryLater('The next page of the executions is at another host.')
    next = nextLink
  }
  return found
}

function summarize(all: Execution[]): Earlier {
  const times = all.map(({ properties }) => timeOf(properties.startedAt))
  const withoutTime = all.filter(({ properties }) => !properties.startedAt).map(({ name }) => name)
  return { startedAt: Math.max(0, ...times), withoutTime }
}

function timeOf(date: string | null | undefined): number {
  return Date.parse(date ?? '') || 0
}

async function findNewer(http: Http, path: string, earlier: Earlier): Promise<Execution | undefined> {
  const all = await listExecutions(http, path)
  return all.find(({ name, properties: { startedAt } }) =>
    startedAt ? timeOf(startedAt) > earlier.startedAt : !earlier.withoutTime.includes(name),
  )
}

/** Azure accepts a start before it carries it out, so the operation may fail without an execution. */
async function unlistedStatus(http: Http, operation: string | undefined): Promise<RunResults & { state: string }> {
  const waiting = { state: 'WaitingToStart', progress: 'Azure does not list the execution yet' }
  if (!operation || !isSameOrigin(http, operation)) return waiting
  const { status, body } = await http.get(operation, { accept: REFUSALS, schema: operationStatus })
  // The operation may be gone, or the application may not read it.
  if (status === 403 || status === 404) return waiting
  const hasFailed = status >= 400 || ['failed', 'canceled'].includes((body?.status ?? '').toLowerCase())
  if (!hasFailed) return waiting
  return { state: 'StartFailed', reason: clipSingleLine(errorReasonIn(body), MAX_REASON) }
}

function isSameOrigin(http: Http, address: string): boolean {
  return URL.parse(address)?.origin === new URL(http.baseUrl).origin
}

/** The execution was started, so the polls search for it if this search fails. */
function leaveToPoll(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error
}

function partsOf(id: string): { target: string; execution: string } {
  const [target = '', execution = ''] = id.split('/')
  return { target, execution }
}

async function failureOf(http: Http, path: string, id: string): Promise<RunResults> {
  const address = `${path}/executions/${segment(id)}/getExecutionDetails`
  const options = { query: VERSION, isRead: true, accept: [403, 404], schema: details }
  const { status, body } = await http.post(address, undefined, options)
  if (status !== 200) return {}
  const { failureReason, runInformation } = body.properties
  const actions = (runInformation?.steps ?? []).flatMap(({ branches }) =>
    (branches ?? []).flatMap(({ actions }) => actions ?? []),
  )
  const failed = actions.filter((action) => action.status?.toLowerCase() === 'failed')
  const targets = failed.flatMap(({ actionName, targets }) =>
    (targets ?? []).map((target) => ({ ...target, actionName })),
  )
  const reached = targets.filter((target) => target.status?.toLowerCase() === 'failed')
  const errors = reached.map(({ actionName, error }) => [actionName, errorReasonIn(error)].filter(Boolean).join(': '))
  const reason = clipSingleLine([failureReason, ...new Set(errors)].filter(Boolean).join('; '), MAX_REASON)
  const [first] = failed
  return {
    ...(reason ? { reason } : {}),
    ...(first?.actionName ? { data: { failedAction: first.actionName } } : {}),
  }
}
