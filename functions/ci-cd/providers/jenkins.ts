import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: url('Where Jenkins is, with its path where it has one'),
  username: name('The user whose API token it is'),
  token: secret("An API token, from the Security page of that user's account; a password would need a crumb too"),
  target: optional(word('Default job, with its folders: folder/job')),
  keyParameter: optional(
    word('The string parameter of the job that takes the key of a call, so that a build is found by it'),
  ),
})

/** What a build or a place in the queue has about it; many are empty. */
const action = z.object({
  parameters: optional(z.array(z.object({ name: z.string(), value: optional(z.unknown()) }))),
  totalCount: optional(z.int()),
  failCount: optional(z.int()),
  skipCount: optional(z.int()),
})
type Action = z.output<typeof action>
const actions = z.array(action)
const queue = z.object({ items: z.array(z.object({ id: z.int(), actions: optional(actions) })) })
const queueItem = z.object({
  why: z.nullish(z.string()),
  cancelled: z.nullish(z.boolean()),
  executable: z.nullish(z.object({ number: z.int() })),
})
const property = z.object({ parameterDefinitions: optional(z.array(z.object({ name: z.string() }))) })
const job = z.object({ property: optional(z.array(property)) })
const startedBuilds = z.extend(job, {
  builds: optional(z.array(z.object({ number: z.int(), actions: optional(actions) }))),
})
const queuedBuilds = z.object({ builds: optional(z.array(z.object({ number: z.int(), queueId: optional(z.int()) }))) })
const build = z.object({
  _class: optional(z.string()),
  building: z.boolean(),
  result: z.nullish(z.string()),
  duration: optional(z.number()),
  actions: optional(actions),
})
type Build = z.output<typeof build>
const described = z.object({
  stages: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      error: z.nullish(z.object({ message: z.nullish(z.string()) })),
    }),
  ),
})
type Stage = z.output<typeof described>['stages'][number]

const definitions = 'property[parameterDefinitions[name]]'
const given = 'actions[parameters[name,value]]'
/** The newest builds, which is as far as one is looked for. */
const newest = '{0,100}'
/** Between the queue and the builds a run is in neither for a moment: the pauses before each look, in milliseconds. */
const looks = [0, 1_000, 2_000]
const longestReason = 300
/** How Jenkins answers from where it would send a browser. */
const sentBack = [302, 303]

/**
 * Jenkins: a build of a job, from its place in the queue on.
 *
 * @see https://www.jenkins.io/doc/book/using/remote-access-api/
 * @see https://github.com/jenkinsci/pipeline-stage-view-plugin/blob/master/rest-api/README.md
 */
export const jenkins = defineJobProvider({
  title: 'Jenkins',
  noun: 'build',
  connection,
  headers: ({ username, token }) => ({
    authorization: basicAuth(username, token),
  }),
  check: ({ http }) => http.get('me/api/json', { query: { tree: 'id' } }),
  errorReason: reasonOf,

  // The results are those of hudson.model.Result; Jenkins has no words for what comes before them.
  states: {
    QUEUED: 'running',
    BUILDING: 'running',
    SUCCESS: 'pass',
    UNSTABLE: 'warning',
    FAILURE: 'fail',
    NOT_BUILT: 'errored',
    ABORTED: 'aborted',
    CANCELLED: 'aborted',
  },

  checkStart(input, { keyParameter }) {
    if (input.project !== undefined) throw invalid('project', 'is of no use here: write the folders into the target')
    if (!isJob(input.target)) throw invalid('target', `is no job: write it like ${example}`)
    if (keyParameter && Object.hasOwn(input.parameters ?? {}, keyParameter))
      throw invalid('parameters', `must not set ${keyParameter}: it takes our key`)
  },

  async find({ http, idempotencyKey: key, connection: { keyParameter }, isRetry: repeated }, input) {
    if (keyParameter === undefined) return 'unknown'
    const path = jobOf(input)
    const carriesKey = ({ actions = [] }: { actions?: Action[] | undefined }) =>
      actions.some(({ parameters }) => parameters?.some(({ name, value }) => name === keyParameter && value === key))
    for (const pause of repeated ? looks : [0]) {
      await sleep(pause)
      // In this order, since it goes from the one to the other.
      const { items } = (await http.get('queue/api/json', { query: { tree: `items[id,${given}]` }, schema: queue }))
        .body
      const queued = items.find(carriesKey)
      if (queued) return runOf(http, { job: path, number: queued.id, queued: true })
      const tree = `${definitions},builds[number,${given}]${newest}`
      const { builds = [], ...rest } = (await http.get(jobApi(path), { query: { tree }, schema: startedBuilds })).body
      const built = builds.find(carriesKey)
      if (built) return runOf(http, { job: path, number: built.number, queued: false })
      if (!parametersOf(rest)?.includes(keyParameter)) return 'unknown'
    }
    return undefined
  },

  async start({ http, idempotencyKey: key, connection: { keyParameter } }, input) {
    const path = jobOf(input)
    const known = parametersOf((await http.get(jobApi(path), { query: { tree: definitions }, schema: job })).body)
    const parameters = toTextParameters(input.parameters)
    confirm(path, Object.keys(parameters), known ?? [])
    const ours = keyParameter && key ? { [keyParameter]: key } : {}
    const form = new URLSearchParams({ ...parameters, ...ours }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { headers: answered } = known
      ? await http.post(`${jobPath(path)}/buildWithParameters`, form, { headers })
      : await http.post(`${jobPath(path)}/build`)
    // Only the number: behind a proxy the rest may name a host that is not ours to call.
    const number = /\/queue\/item\/(\d+)/.exec(answered['location'] ?? '')?.[1]
    if (number) return runOf(http, { job: path, number: Number(number), queued: true })
    throw new Failure('platform', `Jenkins took the start of ${path}, but does not say where it is queued.`, {
      afterWrite: true,
    })
  },

  async getStatus({ http }, { id }) {
    const place = placeOf(id)
    const now = place.queued ? await leaveQueue(http, place) : place
    if ('state' in now) return now
    return { run: runOf(http, now), ...(await lookAtBuild(http, now)) }
  },

  parseRunId: ({ id }) => {
    placeOf(id)
    return { id }
  },

  async stop({ http }, { id }) {
    const place = placeOf(id)
    const now = place.queued ? await leaveQueue(http, place) : place
    if (!('state' in now)) await http.post(`${buildPath(now)}/stop`, undefined, { accept: sentBack })
    // 404 where it has left the queue in the meantime: the next look shows what became of it.
    else if (now.state === 'QUEUED')
      await http.post('queue/cancelItem', undefined, { query: { id: place.number }, accept: [...sentBack, 404] })
  },
})

const example = 'folder/job'

function isJob(target: string): boolean {
  return target.split('/').every((part) => !['', '.', '..'].includes(part)) && !target.includes('#')
}

/** The full name of the job, as Jenkins has it: a branch of a multibranch pipeline is a job, and its slashes are escaped. */
function jobOf({ target, ref }: StartJob): string {
  return ref ? `${target}/${encodeURIComponent(ref)}` : target
}

/** Where a run is: at a place in the queue, or a build of its job. */
interface Place {
  job: string
  number: number
  queued: boolean
}

function placeOf(id: string): Place {
  const [, job = '', queued, number] = /^(.+)#(queue-)?(\d{1,15})$/.exec(id) ?? []
  if (number && isJob(job)) return { job, number: Number(number), queued: queued !== undefined }
  throw invalid('id', `is no build: write it like ${example}#123`)
}

function runOf(http: Http, place: Place): Run {
  const { job, number, queued } = place
  // A place in the queue has no page for people that stays.
  const path = queued ? jobPath(job) : buildPath(place)
  return { id: `${job}#${queued ? 'queue-' : ''}${number}`, url: `${http.baseUrl}/${path}/` }
}

function jobPath(job: string): string {
  return job
    .split('/')
    .map((part) => `job/${segment(part)}`)
    .join('/')
}

function jobApi(job: string): string {
  return `${jobPath(job)}/api/json`
}

function buildPath({ job, number }: Place): string {
  return `${jobPath(job)}/${segment(number)}`
}

/** The names of its parameters; undefined where the job has none. */
function parametersOf({ property = [] }: z.output<typeof job>): string[] | undefined {
  const defined = property.flatMap(({ parameterDefinitions = [] }) => parameterDefinitions.map(({ name }) => name))
  return defined.length > 0 ? defined : undefined
}

/**
 * What a job does not define as a parameter, Jenkins leaves out without a word.
 *
 * @see https://www.jenkins.io/security/advisory/2016-05-11/#arbitrary-build-parameters-are-passed-to-build-scripts-as-environment-variables
 */
function confirm(job: string, given: string[], known: string[]): void {
  const unknown = given.filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  const has = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'
  throw new Failure('refused', `Jenkins has no parameter ${unknown.join(', ')} of ${job}: ${has}.`)
}

/** The build that a place in the queue has become; how it stands in the queue where it has not. */
async function leaveQueue(http: Http, { job, number: id }: Place): Promise<Place | RunStatus> {
  const { status, body } = await http.get(`queue/item/${segment(id)}/api/json`, {
    query: { tree: 'why,cancelled,executable[number]' },
    accept: [404],
    schema: queueItem,
  })
  // Five minutes after it has left the queue, Jenkins forgets the place.
  if (status === 404) return { job, number: await builtFrom(http, job, id), queued: false }
  const { why, cancelled, executable } = body
  if (executable) return { job, number: executable.number, queued: false }
  if (cancelled) return { state: 'CANCELLED', reason: 'it was taken out of the queue' }
  return { state: 'QUEUED', progress: why ?? undefined }
}

async function builtFrom(http: Http, job: string, id: number): Promise<number> {
  const tree = `builds[number,queueId]${newest}`
  const { builds = [] } = (await http.get(jobApi(job), { query: { tree }, schema: queuedBuilds })).body
  const found = builds.find(({ queueId }) => queueId === id)
  if (found) return found.number
  throw new Failure('refused', `Jenkins shows neither place ${id} of its queue nor the build of ${job} that it became.`)
}

async function lookAtBuild(http: Http, place: Place): Promise<RunStatus> {
  const path = buildPath(place)
  const tree = 'building,result,duration,actions[totalCount,failCount,skipCount]'
  const found = (await http.get(`${path}/api/json`, { query: { tree }, schema: build })).body
  const stages = found._class?.includes('.workflow.') ? await stagesOf(http, path) : []
  const page = `${http.baseUrl}/${path}`
  // A result may stand before the end.
  if (found.building || !found.result) return { state: 'BUILDING', progress: stepOf(stages) }
  return { state: found.result, ...resultsOf(found, stages, page) }
}

/** Of a pipeline, where the plugin for them is there. */
async function stagesOf(http: Http, path: string): Promise<Stage[]> {
  const { status, body } = await http.get(`${path}/wfapi/describe`, { accept: [404], schema: described })
  return status === 404 ? [] : body.stages
}

function stepOf(stages: Stage[]): string | undefined {
  const at = stages.findLastIndex(({ status }) => ['IN_PROGRESS', 'PAUSED_PENDING_INPUT'].includes(status))
  const stage = stages[at]
  return stage && `stage ${at + 1}, ${stage.name}${stage.status === 'IN_PROGRESS' ? '' : ', which waits for an input'}`
}

function resultsOf({ result, duration = 0, actions = [] }: Build, stages: Stage[], page: string): Partial<RunStatus> {
  const metrics: Record<string, number> = { duration: Math.round(duration / 1_000) }
  // A test report is the action that counts.
  const {
    totalCount: tests,
    failCount: testsFailed = 0,
    skipCount: testsSkipped = 0,
  } = actions.find(({ totalCount }) => totalCount !== undefined) ?? {}
  if (tests !== undefined)
    Object.assign(metrics, { tests, testsFailed, testsSkipped, testsPassed: tests - testsFailed - testsSkipped })
  const failing =
    result === 'SUCCESS' ? undefined : stages.find(({ status }) => /^(?:FAILED|UNSTABLE|ABORTED)$/.test(status))
  const why = failing && `stage "${failing.name}" ${failing.status.toLowerCase()}`
  const reason = [
    [why, failing?.error?.message].filter(Boolean).join(': '),
    testsFailed > 0 ? `${testsFailed} of ${tests} tests failed` : '',
  ]
  return {
    reason: clipSingleLine(reason.filter(Boolean).join('; '), longestReason) || undefined,
    data: { ...metrics, ...(failing ? { failedStage: failing.name } : {}) },
    links: { console: `${page}/console`, ...(tests === undefined ? {} : { tests: `${page}/testReport/` }) },
    metrics,
  }
}

/** Jenkins answers with pages, of Jetty or its own for who may not, and with stack traces. */
function reasonOf(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined
  const missing = body.split(/[<>]/).find((text) => text.includes(' is missing the ') && text.includes(' permission'))
  if (missing !== undefined) return missing.trim()
  const said = [
    /Permission you need to have \(but didn't\): [\w.]+/,
    /MESSAGE:<\/th><td>([^<]+)/,
    /^[\w$.]+(?:Exception|Error): (.+)/,
  ]
  const found = said.map((pattern) => pattern.exec(body)).find(Boolean)
  return found ? (found[1] ?? found[0]).trim() : undefined
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
