import * as z from 'zod/mini'
import { type Failure, invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { name, optional, secret, url, word } from '../../../shared/fields.ts'
import { basicAuth } from '../../../shared/http/basic-auth.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { sleep } from '../../../shared/sleep.ts'
import { type Action, actions, buildStatus } from './build.ts'

const connection = z.strictObject({
  baseUrl: url('URL of Jenkins, with its path if it has one'),
  username: name('User who owns the API token, with Overall/Read, Job/Read, Job/Build, and Job/Cancel for cancel-run'),
  token: secret("API token from the Security page of that user's account; a password would require a crumb, too"),
  target: optional(word('Default job, with its folders: folder/job')),
  keyParameter: optional(
    word('String parameter of the job that receives the idempotency key, so that a retry can find the build'),
  ),
})

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
const DEFINITIONS = 'property[parameterDefinitions[name]]'
const PARAMETERS = 'actions[parameters[name,value]]'
/** Limits a search to the newest builds. */
const MAX_BUILDS = 100
/** Delays before each search: between the queue and the builds, a run is briefly in neither. */
const FIND_DELAYS_MS = [0, 1_000, 2_000]
/** Jenkins redirects browsers after a successful request. */
const REDIRECTS = [302, 303]

/**
 * Jenkins: runs a build of a job, from the queue to its result.
 *
 * @see https://www.jenkins.io/doc/book/using/remote-access-api/
 * @see https://github.com/jenkinsci/pipeline-stage-view-plugin/blob/master/rest-api/README.md
 */
export const jenkins = defineJobProvider({
  title: 'Jenkins',
  noun: 'build',
  notifiedBy: { type: 'jenkins', wakeId: ({ id }) => id },
  connection,
  headers: ({ username, token }) => ({ authorization: basicAuth(username, token) }),
  check: ({ http }) => http.get('me/api/json', { query: { tree: 'id' } }),
  errorReason: reasonOf,

  // The results are those of hudson.model.Result. Jenkins has no names for the states before them.
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
    if (input.project !== undefined)
      throw invalidInput('input.project', 'is not supported: put the folders in input.target')
    if (!isJob(input.target)) throw invalidInput('input.target', `must be a job such as ${EXAMPLE_JOB}`)
    if (keyParameter && Object.hasOwn(input.parameters ?? {}, keyParameter))
      throw invalidInput('input.parameters', `must not contain ${keyParameter}: it is reserved for the idempotency key`)
  },

  lookUp: {
    newest: MAX_BUILDS,
    delaysMs: FIND_DELAYS_MS,
    needs: {
      text: '`keyParameter` in the connection, and in the job',
      without: { keyParameter: undefined },
    },
  },

  async find({ http, idempotencyKey, connection: { keyParameter }, isRetry }, input) {
    if (keyParameter === undefined) return 'unknown'
    const path = jobOf(input)
    const hasKey = ({ actions = [] }: { actions?: Action[] | undefined }) =>
      actions.some(({ parameters }) =>
        parameters?.some(({ name, value }) => name === keyParameter && value === idempotencyKey),
      )
    let isComplete = true
    for (const delay of isRetry ? FIND_DELAYS_MS : [0]) {
      await sleep(delay)
      // In this order: a run moves from the queue to the builds.
      const options = { query: { tree: `items[id,${PARAMETERS}]` }, schema: queue }
      const { items } = (await http.get('queue/api/json', options)).body
      const queued = items.find(hasKey)
      if (queued) return runOf(http, { job: path, number: queued.id, isQueued: true })
      const tree = `${DEFINITIONS},builds[number,${PARAMETERS}]{0,${MAX_BUILDS}}`
      const { builds = [], ...rest } = (await http.get(jobApi(path), { query: { tree }, schema: startedBuilds })).body
      const started = builds.find(hasKey)
      if (started) return runOf(http, { job: path, number: started.number, isQueued: false })
      if (!parametersOf(rest)?.includes(keyParameter)) return 'unknown'
      isComplete = builds.length < MAX_BUILDS
    }
    return isRetry && !isComplete ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey, connection: { keyParameter } }, input) {
    const path = jobOf(input)
    const known = parametersOf((await http.get(jobApi(path), { query: { tree: DEFINITIONS }, schema: job })).body)
    const parameters = toTextParameters(input.parameters)
    checkParameters(path, Object.keys(parameters), known ?? [])
    const keyValue = keyParameter && idempotencyKey ? { [keyParameter]: idempotencyKey } : {}
    const form = new URLSearchParams({ ...parameters, ...keyValue }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = known
      ? await http.post(`${jobPath(path)}/buildWithParameters`, form, { headers, accept: REDIRECTS })
      : await http.post(`${jobPath(path)}/build`, undefined, { accept: REDIRECTS })
    // Takes only the number: behind a proxy, the location may name another host. It is that of an equal build, if one waits.
    const { location = '' } = response.headers
    const number = /\/queue\/item\/(\d+)/.exec(location)?.[1]
    if (number) return runOf(http, { job: path, number: Number(number), isQueued: true })
    if (REDIRECTS.includes(response.status)) throw notQueued(http, path, location)
    throw retryLater(`Jenkins accepted the start of ${path} but returned no queue item.`, {
      mayHaveWritten: true,
    })
  },

  async getStatus({ http }, { id }) {
    const runId = parseId(id)
    const current = runId.isQueued ? await resolveQueueItem(http, runId) : runId
    if ('state' in current) return current
    return { run: runOf(http, current), ...(await buildStatus(http, buildPath(current))) }
  },

  parseRunId: ({ id }) => {
    parseId(id)
    return { id }
  },

  async stop({ http }, { id }) {
    const runId = parseId(id)
    const current = runId.isQueued ? await resolveQueueItem(http, runId) : runId
    if (!('state' in current)) await http.post(`${buildPath(current)}/stop`, undefined, { accept: REDIRECTS })
    // 404 if it has left the queue in the meantime: the next poll reports its build.
    else if (current.state === 'QUEUED')
      await http.post('queue/cancelItem', undefined, { query: { id: runId.number }, accept: [...REDIRECTS, 404] })
  },
})

/** Jenkins redirects to the page of the job if it did not put a build into its queue. */
function notQueued({ baseUrl }: Http, path: string, location: string): Failure {
  const target = URL.parse(location, `${baseUrl}/${jobPath(path)}/build`)
  if (target?.pathname.replace(/\/$/, '').endsWith(`/${jobPath(path)}`))
    return refused(`Jenkins put no build of ${path} into its queue: it, or one of its plugins, refuses new builds.`)
  return refused(
    `Jenkins redirected the start of ${path} to ${target ? target.origin + target.pathname : 'an invalid URL'}, which is not followed. Check the URL of the connection.`,
  )
}

const EXAMPLE_JOB = 'folder/job'

function isJob(target: string): boolean {
  return target.split('/').every((part) => !['', '.', '..'].includes(part)) && !target.includes('#')
}

/** Returns the full name of the job. In a multibranch pipeline, each branch is a job whose slashes are escaped. */
function jobOf({ target, ref }: StartJob): string {
  return ref ? `${target}/${encodeURIComponent(ref)}` : target
}

/** Identifies a queue item or a build of a job. */
interface RunId {
  job: string
  number: number
  isQueued: boolean
}

function parseId(id: string): RunId {
  const [, job = '', queued, number] = /^(.+)#(queue-)?(\d{1,15})$/.exec(id) ?? []
  if (number && isJob(job)) return { job, number: Number(number), isQueued: queued !== undefined }
  throw invalidInput('input.id', `must be a build id such as ${EXAMPLE_JOB}#123`)
}

function runOf(http: Http, runId: RunId): Run {
  const { job, number, isQueued } = runId
  // A queue item has no permanent page, so link to its job.
  const path = isQueued ? jobPath(job) : buildPath(runId)
  return { id: `${job}#${isQueued ? 'queue-' : ''}${number}`, url: `${http.baseUrl}/${path}/` }
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

function buildPath({ job, number }: RunId): string {
  return `${jobPath(job)}/${segment(number)}`
}

/** Returns the names of its parameters, or undefined if the job has none. */
function parametersOf({ property = [] }: z.output<typeof job>): string[] | undefined {
  const defined = property.flatMap(({ parameterDefinitions = [] }) => parameterDefinitions.map(({ name }) => name))
  return defined.length > 0 ? defined : undefined
}

/**
 * Rejects parameters that the job does not define. Jenkins would silently ignore them.
 *
 * @see https://www.jenkins.io/security/advisory/2016-05-11/#arbitrary-build-parameters-are-passed-to-build-scripts-as-environment-variables
 */
function checkParameters(job: string, names: string[], known: string[]): void {
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length === 0) return
  const parameters = known.length > 0 ? `Its parameters: ${known.join(', ')}` : 'It has no parameters'
  throw refused(`The Jenkins job ${job} has no parameter ${unknown.join(', ')}. ${parameters}.`)
}

/** Returns the build that a queue item has become, or its status if it is still in the queue or was cancelled. */
async function resolveQueueItem(http: Http, { job, number: id }: RunId): Promise<RunId | RunStatus> {
  const { status, body } = await http.get(`queue/item/${segment(id)}/api/json`, {
    query: { tree: 'why,cancelled,executable[number]' },
    accept: [404],
    schema: queueItem,
  })
  // Jenkins deletes a queue item five minutes after it leaves the queue.
  if (status === 404) return { job, number: await buildNumberOf(http, job, id), isQueued: false }
  const { why, cancelled, executable } = body
  if (executable) return { job, number: executable.number, isQueued: false }
  if (cancelled) return { state: 'CANCELLED', reason: 'it was removed from the queue' }
  return { state: 'QUEUED', progress: why ?? undefined }
}

async function buildNumberOf(http: Http, job: string, id: number): Promise<number> {
  const tree = `builds[number,queueId]{0,${MAX_BUILDS}}`
  const { builds = [] } = (await http.get(jobApi(job), { query: { tree }, schema: queuedBuilds })).body
  const found = builds.find(({ queueId }) => queueId === id)
  if (found) return found.number
  throw refused(`Jenkins has neither the queue item ${id} nor a build of ${job} that came from it.`)
}

/** Jenkins returns HTML pages, of Jetty or its own, and stack traces. */
function reasonOf(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined
  const missing = body.split(/[<>]/).find((text) => text.includes(' is missing the ') && text.includes(' permission'))
  if (missing !== undefined) return missing.trim()
  const patterns = [
    /Permission you need to have \(but didn't\): [\w.]+/,
    /MESSAGE:<\/th><td>([^<]+)/,
    /^[\w$.]+(?:Exception|Error): (.+)/,
  ]
  const found = patterns.map((pattern) => pattern.exec(body)).find(Boolean)
  return found ? (found[1] ?? found[0]).trim() : undefined
}
