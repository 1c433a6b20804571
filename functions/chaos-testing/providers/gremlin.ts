import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
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
import { allowed, refuseOutside } from '../blast-radius.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('The API of Gremlin; https://api.gremlin.com where left out'), 'https://api.gremlin.com'),
  token: secret('An API key of Gremlin that may run scenarios, and list their runs'),
  allow: allowed('Scenarios that may be run, by their GUID'),
  target: optional(word('Default scenario: its GUID')),
  project: optional(word('The team of the scenarios, by its id; a key that is of no one team needs it')),
  webUrl: z._default(url('Where people see runs; https://app.gremlin.com where left out'), 'https://app.gremlin.com'),
})
type Connection = z.output<typeof connection>

/** Gremlin writes some names with underscores and some not, and its own clients do not agree on which. */
const named = <S extends z.ZodMiniType>(schema: S) => z.pipe(z.transform(camelCased), schema)

/** The answer to a start is the bare number: JSON to us, or a text. */
const runNumber = z.pipe(z.union([z.int(), z.string().check(z.regex(/^\d{1,15}$/))]), z.transform(String))
const run = named(
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
/** Gremlin's OpenAPI document says a list, and its clients read an object. */
const oneRun = z.pipe(
  z.transform((answer: unknown) => (Array.isArray(answer) ? answer[0] : answer)),
  run,
)
const runPage = named(
  z.object({
    items: z.array(z.object({ runNumber: z.int(), hypothesis: z.nullish(z.string()) })),
    pageToken: z.nullish(z.union([z.string(), z.int()])),
  }),
)
/** A step of a scenario: what it injects, checks or waits for. */
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

const listedAtOnce = 50
/** Older runs are not searched: these pages hold the 2,000 newest runs of a scenario. */
const MAX_PAGES = 40
/** A new run may be listed after a while only: the pauses before a repeat looks for it, in milliseconds. */
const looks = [0, 1_000, 2_000]
/** A run of the scenario is in progress. */
const inProgress = 409
/** Whoever may only run scenarios does not see their runs. */
const notShown = [403, 404, 405]
const mostSteps = 20
const longestReason = 500
/** What stands before the key of a call in the hypothesis of its run. */
const mark = 'cloud-automation-webhooks'
const marked = new RegExp(`(; )?${mark} [0-9a-f]+$`)

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
 * Gremlin: a run of a scenario. It carries the key of its call in its hypothesis.
 *
 * @see https://www.gremlin.com/docs/fault-injection-scenarios
 * @see https://github.com/gremlin/gremlin-python the vendor's own client
 */
export const gremlin = defineJobProvider({
  title: 'Gremlin',
  noun: 'scenario run',
  connection,
  headers: ({ token }) => ({ authorization: `Key ${token}` }),
  check: ({ http, connection }) => http.get('v1/scenarios/active', { query: teamOf(connection) }),

  states,

  checkStart({ target, project, ref, parameters = {} }, connection) {
    if (!idPattern.test(target)) throw invalid('target', 'is no scenario: write its GUID')
    refuseOutside(connection.allow, target)
    if (project !== connection.project)
      throw invalid('project', 'must be left out, since the team of the connection is the only one')
    if (ref !== undefined) throw invalid('ref', 'is of no use, since a scenario has no versions: leave it out')
    const { hypothesis = '', ...others } = parameters
    if (typeof hypothesis !== 'string') throw invalid('parameters.hypothesis', 'must be text')
    if (Object.keys(others).length > 0)
      throw invalid('parameters', 'takes nothing but hypothesis, since a scenario says itself what it does')
  },

  async find({ http, connection, idempotencyKey: key, isRetry: repeated }, { target }) {
    let found: Run | undefined | 'unknown'
    for (const pause of repeated ? looks : [0]) {
      await sleep(pause)
      found = await search(http, connection, target, { key, repeated })
      if (found && found !== 'unknown') break
    }
    return found
  },

  async start({ http, connection, idempotencyKey: key }, { target, parameters }) {
    const hypothesis = [parameters?.['hypothesis'], key && `${mark} ${key}`].filter(Boolean).join('; ')
    const { status, body } = await http.post(runsPath(target), hypothesis ? { hypothesis } : {}, {
      query: teamOf(connection),
      accept: [inProgress],
      schema: runNumber,
    })
    if (status !== inProgress) return runOf(connection, target, body)
    // Nothing was begun, and what is in the way will end: so this is tried again, until the deadline.
    throw new Failure(
      'platform',
      `Gremlin did not start scenario ${target} beside another run: ${redact(errorReasonIn(body))}`,
    )
  },

  async getStatus({ http, connection }, { id }) {
    const { guid, number } = placeOf(id)
    const answer = await http.get(runPath(guid, number), { query: teamOf(connection), schema: oneRun })
    return { ...sightOf(answer.body), run: runOf(connection, guid, number) }
  },

  parseRunId({ id }) {
    placeOf(id)
    return { id }
  },

  async stop({ http, connection }, { id }) {
    const { guid, number } = placeOf(id)
    const path = `v1/scenarios/halt/${segment(guid)}/runs/${segment(number)}`
    await http.post(path, undefined, { query: teamOf(connection) })
  },
})

/**
 * Searches page by page, the newest runs first. If Gremlin shows none in this order, although it knows the scenario, the
 * search starts again with the oldest run.
 */
async function search(
  http: Http,
  connection: Connection,
  guid: string,
  { key, repeated }: { key: string; repeated: boolean },
  forward = false,
): Promise<Run | undefined | 'unknown'> {
  let after: string | number | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { ...teamOf(connection), limit: listedAtOnce, runNumber: after, forward: String(forward) }
    const asked = { query, accept: notShown, schema: runPage }
    const { status, body } = await http.get(`${runsPath(guid)}/paged`, asked)
    // This is also the answer where the scenario never ran.
    if (status === 404 && !repeated) return undefined
    if (notShown.includes(status)) return 'unknown'
    const found = body.items.find(({ hypothesis }) => hypothesis?.includes(key))
    if (found) return runOf(connection, guid, found.runNumber)
    if (page === 0 && body.items.length === 0 && !forward)
      return search(http, connection, guid, { key, repeated }, true)
    if (!body.pageToken || body.items.length === 0) return undefined
    after = body.pageToken
  }
  return 'unknown'
}

function sightOf(run: ScenarioRun): RunStatus {
  const { stageInfo, results } = run
  const { stage } = stageInfo
  const nodes = nodesIn([run.graph?.nodes, run.graph?.observers])
  if (goesOn(stage)) {
    const active = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Active')
    return { state: stage, progress: active.map(nameOf).join(', ') || undefined }
  }
  const verdict = verdictOf(run, nodes)
  const failed = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Failed')
  const told = [stageInfo.stageMetadata?.failedReason, ...failed.map(failureOf)].filter(Boolean).join('; ')
  const duration = durationOf(run)
  const injected = nodes.filter(({ type, state }) => isStep(type) && !isCheck(type) && state.lifecycle !== 'NotStarted')
  return {
    state: [stage, results?.status].filter(Boolean).join('/'),
    verdict,
    reason: told ? clipSingleLine(told, longestReason) : undefined,
    data: {
      ...(run.name ? { scenario: run.name } : {}),
      ...(run.hypothesis ? { hypothesis: run.hypothesis.replace(marked, '') } : {}),
      ...(duration === undefined ? {} : { duration }),
      ...(injected.length > 0 ? { injected: injected.slice(0, mostSteps).map(inWords) } : {}),
    },
    metrics: duration === undefined ? {} : { duration },
  }
}

/**
 * Gremlin's own result (or that of a person who edited it) comes first. Without one, a failed health check decides by the pass
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

/** A stage that is not known is no end. */
function goesOn(stage: string): boolean {
  return !Object.hasOwn(states, stage) || states[stage] === 'running'
}

/** All steps, also those within branches. */
function nodesIn(value: unknown): Node[] {
  if (value === null || typeof value !== 'object') return []
  const { success, data } = node.safeParse(value)
  return [...(success ? [data] : []), ...Object.values(value).flatMap(nodesIn)]
}

/** Of the types that are only there to hold others, and of pauses, nobody wants to hear. */
function isStep(type: string): boolean {
  return !['Concurrent', 'Continuous', 'Delay'].includes(type)
}

function isCheck(type: string): boolean {
  return type.includes('StatusCheck')
}

function nameOf({ type, name, impactDefinition }: Node): string {
  return impactDefinition?.infraCommandType || name || type
}

function inWords(step: Node): string {
  return `${nameOf(step)}: ${step.state.lifecycle}`
}

function failureOf(step: Node): string {
  const { failedReason } = step.state
  return `${isCheck(step.type) ? 'health check' : 'step'} "${nameOf(step)}" failed${failedReason ? ` (${failedReason})` : ''}`
}

/** In seconds. */
function durationOf({ createdAt, startTime, endTime }: ScenarioRun): number | undefined {
  const seconds = (Date.parse(endTime ?? '') - Date.parse(startTime ?? createdAt ?? '')) / 1_000
  return Number.isNaN(seconds) ? undefined : Math.round(seconds)
}

function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelCased(held),
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

const idPattern = /^[\w-]{1,64}$/

/** An id is `522ceaff-995f-43f4-acea-ff995f03f44e#7`, since runs are counted within their scenario. */
function placeOf(id: string): { guid: string; number: string } {
  const [, guid, number] = /^([\w-]{1,64})#(\d{1,15})$/.exec(id) ?? []
  if (guid && number) return { guid, number }
  throw invalid('id', 'is no run: write it like 522ceaff-995f-43f4-acea-ff995f03f44e#7')
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
