import * as z from 'zod/mini'
import { Failure, invalidInput } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  defineJobProvider,
  type Run,
  type RunStatus,
  type StartJob,
  type Verdict,
} from '../../../shared/providers/job.ts'
import { redact } from '../../../shared/redact.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('URL of the Gremlin API. Defaults to https://api.gremlin.com'), 'https://api.gremlin.com'),
  token: secret('Gremlin API key that may run scenarios and list their runs'),
  allow: allowList('Scenarios that may run, by GUID'),
  target: optional(word('Default scenario, by GUID')),
  project: optional(word('Team that owns the scenarios, by id; required for a key that is not limited to one team')),
  webUrl: z._default(url('URL of the Gremlin web app. Defaults to https://app.gremlin.com'), 'https://app.gremlin.com'),
})
type Connection = z.output<typeof connection>

/** Gremlin names some fields in snake_case and some in camelCase, and its own clients disagree on which. */
const camelCase = <S extends z.ZodMiniType>(schema: S) => z.pipe(z.transform(toCamelCase), schema)

/** A start returns the number of the run, as JSON or as text. */
const runNumber = z.pipe(z.union([z.int(), z.string().check(z.regex(/^\d{1,15}$/))]), z.transform(String))
const run = camelCase(
  z.object({
    stageInfo: z.object({
      stage: z.string(),
      stageMetadata: z.nullish(z.object({ failedReason: z.nullish(z.string()) })),
    }),
    name: z.nullish(z.string()),
    hypothesis: z.nullish(z.string()),
    results: z.nullish(z.object({ status: z.nullish(z.string()) })),
    passCriteria: z.nullish(z.string()),
    createdAt: z.nullish(z.string()),
    startTime: z.nullish(z.string()),
    endTime: z.nullish(z.string()),
    graph: z.nullish(z.object({ nodes: z.unknown(), observers: z.unknown() })),
  }),
)
type ScenarioRun = z.output<typeof run>
/** Gremlin's OpenAPI document specifies a list; its clients read an object. */
const oneRun = z.pipe(
  z.transform((body: unknown) => (Array.isArray(body) ? body[0] : body)),
  run,
)
const runPage = camelCase(
  z.object({
    items: z.array(z.object({ runNumber: z.int(), hypothesis: z.nullish(z.string()) })),
    pageToken: z.nullish(z.union([z.string(), z.int()])),
  }),
)
/** A step of a scenario: a fault, a health check or a delay. */
const node = z.object({
  type: z.string(),
  name: z.nullish(z.string()),
  impactDefinition: z.nullish(z.object({ infraCommandType: z.nullish(z.string()) })),
  state: z.object({
    lifecycle: z.string(),
    failedReason: z.nullish(z.string()),
    nodeHaltedById: z.nullish(z.string()),
  }),
})
type Node = z.output<typeof node>

const PAGE_SIZE = 50
/** With the page size, limits the search to the 2,000 newest runs of a scenario. */
const MAX_PAGES = 40
/** Delays before each search of a retry: Gremlin can list a new run late. */
const FIND_DELAYS_MS = [0, 1_000, 2_000]
/** Another run of the scenario is in progress. */
const CONFLICT = 409
/** A key that may only run scenarios cannot read their runs. */
const UNREADABLE = [403, 404, 405]
const MAX_STEPS = 20
const MAX_REASON_LENGTH = 500
/** Precedes the idempotency key in the hypothesis of a run. */
const MARKER = 'cloud-automation-webhooks'
const MARKER_SUFFIX = new RegExp(`(; )?${MARKER} [0-9a-f]+$`)

const states: Readonly<Record<string, Verdict>> = {
  NotStarted: 'running',
  Active: 'running',
  Running: 'running',
  HaltRequested: 'running',
  Successful: 'pass',
  Completed: 'pass',
  Failed: 'fail',
  Halted: 'aborted',
}

/**
 * Gremlin: runs a scenario. The hypothesis of the run contains the idempotency key.
 *
 * @see https://www.gremlin.com/docs/fault-injection-scenarios
 * @see https://github.com/gremlin/gremlin-python Gremlin's own client
 */
export const gremlin = defineJobProvider({
  title: 'Gremlin',
  noun: 'scenario run',
  connection,
  headers: ({ token }) => ({ authorization: `Key ${token}` }),
  check: ({ http, connection }) => http.get('v1/scenarios/active', { query: teamOf(connection) }),

  states,

  checkStart({ target, project, ref, parameters = {} }, connection) {
    if (!GUID.test(target)) throw invalidInput('input.target', 'must be the GUID of a scenario')
    checkAllowed(connection.allow, target)
    if (project !== connection.project)
      throw invalidInput('input.project', 'is not supported: calls can use only the team of the connection')
    if (ref !== undefined) throw invalidInput('input.ref', 'is not supported: a scenario has no versions')
    const { hypothesis = '', ...others } = parameters
    if (typeof hypothesis !== 'string') throw invalidInput('input.parameters.hypothesis', 'must be text')
    if (Object.keys(others).length > 0)
      throw invalidInput('input.parameters', 'may contain only hypothesis: the scenario defines everything else')
  },

  async find({ http, connection, idempotencyKey, isRetry }, { target }) {
    let found: Run | undefined | 'unknown'
    for (const pause of isRetry ? FIND_DELAYS_MS : [0]) {
      await sleep(pause)
      found = await search(http, connection, target, { idempotencyKey, isRetry })
      if (found && found !== 'unknown') break
    }
    return found
  },

  async start({ http, connection, idempotencyKey }, { target, parameters }) {
    const hypothesis = [parameters?.['hypothesis'], idempotencyKey && `${MARKER} ${idempotencyKey}`]
      .filter(Boolean)
      .join('; ')
    const { status, body } = await http.post(runsPath(target), hypothesis ? { hypothesis } : {}, {
      query: teamOf(connection),
      accept: [CONFLICT],
      schema: runNumber,
    })
    if (status !== CONFLICT) return runOf(connection, target, body)
    // Transient: nothing was started, and the other run will end.
    throw new Failure(
      'platform',
      `Gremlin did not start scenario ${target} because another run is in progress: ${redact(errorReasonIn(body))}`,
    )
  },

  async getStatus({ http, connection }, { id }) {
    const { guid, number } = parseId(id)
    const { body } = await http.get(runPath(guid, number), { query: teamOf(connection), schema: oneRun })
    return { ...statusOf(body), run: runOf(connection, guid, number) }
  },

  parseRunId({ id }) {
    parseId(id)
    return { id }
  },

  async stop({ http, connection }, { id }) {
    const { guid, number } = parseId(id)
    const path = `v1/scenarios/halt/${segment(guid)}/runs/${segment(number)}`
    await http.post(path, undefined, { query: teamOf(connection) })
  },
})

/**
 * Searches page by page, newest runs first. If Gremlin returns no runs in this order although it knows the scenario, the
 * search starts again with the oldest run.
 */
async function search(
  http: Http,
  connection: Connection,
  guid: string,
  call: { idempotencyKey: string; isRetry: boolean },
  forward = false,
): Promise<Run | undefined | 'unknown'> {
  let after: string | number | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { ...teamOf(connection), limit: PAGE_SIZE, runNumber: after, forward: String(forward) }
    const options = { query, accept: UNREADABLE, schema: runPage }
    const { status, body } = await http.get(`${runsPath(guid)}/paged`, options)
    // Gremlin also returns 404 if the scenario has never run.
    if (status === 404 && !call.isRetry) return undefined
    if (UNREADABLE.includes(status)) return 'unknown'
    const found = body.items.find(({ hypothesis }) => hypothesis?.includes(call.idempotencyKey))
    if (found) return runOf(connection, guid, found.runNumber)
    if (page === 0 && body.items.length === 0 && !forward) return search(http, connection, guid, call, true)
    if (!body.pageToken || body.items.length === 0) return undefined
    after = body.pageToken
  }
  return 'unknown'
}

function statusOf(run: ScenarioRun): RunStatus {
  const { stageInfo, results } = run
  const { stage } = stageInfo
  const nodes = nodesIn([run.graph?.nodes, run.graph?.observers])
  if (isRunning(stage)) {
    const active = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Active')
    return { state: stage, progress: active.map(nameOf).join(', ') || undefined }
  }
  const verdict = verdictOf(run, nodes)
  const failed = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Failed')
  const reason = [stageInfo.stageMetadata?.failedReason, ...failed.map(failureOf)].filter(Boolean).join('; ')
  const duration = durationOf(run)
  const injected = nodes.filter(({ type, state }) => isStep(type) && !isCheck(type) && state.lifecycle !== 'NotStarted')
  return {
    state: [stage, results?.status].filter(Boolean).join('/'),
    verdict,
    reason: reason ? clipSingleLine(reason, MAX_REASON_LENGTH) : undefined,
    data: {
      ...(run.name ? { scenario: run.name } : {}),
      ...(run.hypothesis ? { hypothesis: run.hypothesis.replace(MARKER_SUFFIX, '') } : {}),
      ...(duration === undefined ? {} : { duration }),
      ...(injected.length > 0 ? { injected: injected.slice(0, MAX_STEPS).map(describeStep) } : {}),
    },
    metrics: duration === undefined ? {} : { duration },
  }
}

/**
 * Gremlin's own result, which a person may have edited, comes first. Without one, a failed health check decides by the pass
 * criteria of the scenario, even if it halted the scenario. A fault that could not be injected tests nothing.
 */
function verdictOf({ stageInfo: { stage }, results, passCriteria }: ScenarioRun, nodes: Node[]): Verdict {
  const result = results?.status
  if (result === 'Passed') return 'pass'
  if (result === 'Failed') return 'fail'
  const failed = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Failed')
  const hasFailedCheck = failed.some(({ type }) => isCheck(type)) || nodes.some(({ state }) => state.nodeHaltedById)
  const needsFailedCheck = passCriteria === 'AT_LEAST_ONE_FAILED'
  if (hasFailedCheck && needsFailedCheck) return 'pass'
  if (stage === 'Halted') return hasFailedCheck ? 'fail' : 'aborted'
  if (stage === 'Failed') return failed.length > 0 && !hasFailedCheck ? 'errored' : 'fail'
  if (result === 'Unsure') return 'warning'
  return needsFailedCheck ? 'fail' : 'pass'
}

/** An unknown stage never ends a run. */
function isRunning(stage: string): boolean {
  return !Object.hasOwn(states, stage) || states[stage] === 'running'
}

/** Returns all steps, including those in branches. */
function nodesIn(value: unknown): Node[] {
  if (value === null || typeof value !== 'object') return []
  const { success, data } = node.safeParse(value)
  return [...(success ? [data] : []), ...Object.values(value).flatMap(nodesIn)]
}

/** Returns false for containers of other steps, and for delays. */
function isStep(type: string): boolean {
  return !['Concurrent', 'Continuous', 'Delay'].includes(type)
}

function isCheck(type: string): boolean {
  return type.includes('StatusCheck')
}

function nameOf({ type, name, impactDefinition }: Node): string {
  return impactDefinition?.infraCommandType || name || type
}

function describeStep(step: Node): string {
  return `${nameOf(step)}: ${step.state.lifecycle}`
}

function failureOf(step: Node): string {
  const { failedReason } = step.state
  return `${isCheck(step.type) ? 'health check' : 'step'} "${nameOf(step)}" failed${failedReason ? ` (${failedReason})` : ''}`
}

/** Returns seconds. */
function durationOf({ createdAt, startTime, endTime }: ScenarioRun): number | undefined {
  const seconds = (Date.parse(endTime ?? '') - Date.parse(startTime ?? createdAt ?? '')) / 1_000
  return Number.isNaN(seconds) ? undefined : Math.round(seconds)
}

function toCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCamelCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      toCamelCase(field),
    ]),
  )
}

function teamOf({ project }: Connection) {
  return { teamId: project }
}

function runOf({ webUrl }: Connection, guid: string, number: string | number): Run {
  const page = `scenarios/detail/${segment(guid)}/runs/${segment(number)}`
  return { id: `${guid}#${number}`, url: `${webUrl.replace(/\/$/, '')}/${page}` }
}

function runsPath(guid: StartJob['target']): string {
  return `v1/scenarios/${segment(guid)}/runs`
}

function runPath(guid: string, number: string): string {
  return `${runsPath(guid)}/${segment(number)}`
}

const GUID = /^[\w-]{1,64}$/

/** Runs are numbered within their scenario, so an id is `522ceaff-995f-43f4-acea-ff995f03f44e#7`. */
function parseId(id: string): { guid: string; number: string } {
  const [, guid, number] = /^([\w-]{1,64})#(\d{1,15})$/.exec(id) ?? []
  if (guid && number) return { guid, number }
  throw invalidInput('input.id', 'must be a run id such as 522ceaff-995f-43f4-acea-ff995f03f44e#7')
}
