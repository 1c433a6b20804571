import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { optional, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import type { RequestOptions } from '../../../shared/http/options.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type IdentifiedRun, type RunResults } from '../../../shared/providers/define-job.ts'
import type { StartJob, Verdict } from '../../../shared/providers/job.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { sleep } from '../../../shared/sleep.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { uuidOf } from '../../../shared/text/uuid.ts'
import { googleAuthorization, googleConnection, googleProject } from '../../../shared/vendors/google.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of the API. Defaults to https://clouddeploy.googleapis.com'),
    'https://clouddeploy.googleapis.com',
  ),
  ...googleConnection,
  project: optional(word('Default project, by its id')),
  location: word('Region of the delivery pipelines: europe-west1'),
  target: optional(word('Default target: <delivery pipeline>/<target>')),
  skaffoldConfigUri: optional(
    word(
      'Archive of the Skaffold configuration in Cloud Storage, which new releases require: gs://<bucket>/<path>.tar.gz',
    ),
  ),
})
type Connection = z.output<typeof connection>

const text = z.nullish(z.string())
const operation = z.object({
  name: z.string().check(z.regex(/^projects(?:\/[^/]+){3}\/operations\/[^/]+$/)),
  done: optional(z.boolean()),
  error: optional(z.object({ message: z.string() })),
})
const rollout = z.object({
  state: z.string(),
  failureReason: text,
  deployFailureCause: text,
  deployStartTime: text,
  deployEndTime: text,
  phases: z.nullish(z.array(z.object({ id: z.string(), state: text }))),
})
type Rollout = z.output<typeof rollout>
const conflict = z.object({ error: z.object({ status: z.literal('ALREADY_EXISTS') }) })

const states: Readonly<Record<string, Verdict>> = {
  STATE_UNSPECIFIED: 'running',
  PENDING: 'running',
  PENDING_RELEASE: 'running',
  // It waits for the approval of a person.
  PENDING_APPROVAL: 'running',
  IN_PROGRESS: 'running',
  CANCELLING: 'running',
  SUCCEEDED: 'pass',
  FAILED: 'fail',
  'FAILED/EXECUTION_FAILED': 'fail',
  'FAILED/DEADLINE_EXCEEDED': 'fail',
  APPROVAL_REJECTED: 'fail',
  // It could not run.
  'FAILED/CLOUD_BUILD_UNAVAILABLE': 'errored',
  'FAILED/CLOUD_BUILD_REQUEST_FAILED': 'errored',
  'FAILED/RELEASE_FAILED': 'errored',
  'FAILED/RELEASE_ABANDONED': 'errored',
  'FAILED/VERIFICATION_CONFIG_NOT_FOUND': 'errored',
  'FAILED/OPERATION_FEATURE_NOT_SUPPORTED': 'errored',
  CANCELLED: 'aborted',
  HALTED: 'aborted',
}
const NAME = /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const CREATION_POLLS = 5
/** A rollout can be read a moment after its creation was accepted. */
const CREATION_MS = 120_000
const CONFLICT = 409
const NOT_FOUND = 404

/**
 * Google Cloud Deploy: rolls a release out to a target, and creates the release if the call names none. The names are derived from the
 * idempotency key, so a second start changes nothing.
 *
 * @see https://cloud.google.com/deploy/docs/api/reference/rest
 */
export const googleCloudDeploy = defineJob({
  title: 'Google Cloud Deploy',
  noun: 'rollout',
  connection,
  authorization: googleAuthorization,
  hasIdempotentStart: true as const,
  async check({ http, connection }) {
    const { pipeline } = connection.target === undefined ? { pipeline: '-' } : partsOf(connection.target)
    const query = { pageSize: 1 }
    const project = resolveProject(undefined, connection, { title: 'Google Cloud', project: googleProject }, true) ?? ''
    await http.get(`${pipelinePath(connection, project, pipeline)}/releases`, { query, schema: z.looseObject({}) })
  },

  states,
  project: googleProject,
  runId: {
    pattern: /^[^#]+#[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\/[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?){2}$/,
    description: 'a rollout such as acme-shop#<pipeline>/<release>/<rollout>',
    within: 'project',
  },
  identify({ id }: { id: string }, { connection: { location } }, project) {
    const path = [location, partsOfId(id).pipeline].map(encodeURIComponent).join('/')
    const query = `project=${encodeURIComponent(project)}`
    return { id, url: `https://console.cloud.google.com/deploy/delivery-pipelines/${path}?${query}` }
  },

  checkStart({ target, ref, parameters }, connection) {
    partsOf(target)
    if (ref !== undefined && !NAME.test(ref)) throw invalidInput('input.ref', 'must be the name of a release')
    if (ref !== undefined && parameters)
      throw invalidInput('input.parameters', 'must be omitted with input.ref: a release has its images')
    if (ref === undefined && connection.skaffoldConfigUri === undefined)
      throw invalidInput('input.ref', 'must be a release, because the connection has no skaffoldConfigUri for new ones')
    for (const [image, tag] of Object.entries(parameters ?? {}))
      if (typeof tag !== 'string')
        throw invalidInput(`input.parameters.${image.slice(0, 100)}`, 'must be an image with its tag')
  },

  async start({ http, connection, idempotencyKey = crypto.randomUUID() }, { target, project = '', ref, parameters }) {
    const { pipeline, targetId } = partsOf(target)
    const name = `wh-${idempotencyKey}`
    const release = ref ?? name
    const path = `${pipelinePath(connection, project, pipeline)}/releases`
    const query = { requestId: uuidOf(idempotencyKey) }
    const annotations = { 'cloud-automation-webhooks': idempotencyKey }
    if (ref === undefined) {
      const { skaffoldConfigUri } = connection
      const body = { annotations, skaffoldConfigUri, buildArtifacts: artifactsOf(parameters) }
      const exists = await create(http, path, body, { query: { ...query, releaseId: name } })
      // The start is repeated. A rollout of a release that does not exist yet would be refused.
      if (!exists) throw retryLater(`Google Cloud Deploy is still creating the release ${name}.`)
    }
    const more = { query: { ...query, rolloutId: name } }
    await create(http, `${path}/${segment(release)}/rollouts`, { targetId, annotations }, more)
    return { id: `${pipeline}/${release}/${name}` }
  },

  async getStatus({ http, connection }, identified) {
    const path = rolloutPath(connection, identified)
    const { status, body } = await http.get(path, { schema: rollout, accept: [NOT_FOUND] })
    const run = { id: identified.localId }
    if (status === NOT_FOUND) {
      const { id, startedAt } = identified
      if (startedAt !== undefined && Date.now() - startedAt < CREATION_MS) return { state: 'PENDING', run }
      throw refused(`Google Cloud Deploy has no rollout ${id}.`)
    }
    const { state, deployFailureCause: cause } = body
    const hasCause = state === 'FAILED' && cause && cause !== 'FAILURE_CAUSE_UNSPECIFIED'
    return { state: hasCause ? `${state}/${cause}` : state, run, ...detailsOf(body) }
  },

  async stop({ http, connection }, run) {
    await http.post(`${rolloutPath(connection, run)}:cancel`, {})
  },
})

function partsOf(target: string): { pipeline: string; targetId: string } {
  const [pipeline = '', targetId = '', ...more] = target.split('/')
  if (NAME.test(pipeline) && NAME.test(targetId) && more.length === 0) return { pipeline, targetId }
  throw invalidInput('input.target', 'must be <delivery pipeline>/<target>, such as shop/production')
}

function pipelinePath({ location }: Connection, project: string, pipeline: string): string {
  return `v1/projects/${segment(project)}/locations/${segment(location)}/deliveryPipelines/${segment(pipeline)}`
}

/** The images of a release, by their names in the Skaffold configuration. */
function artifactsOf(parameters: StartJob['parameters'] = {}): { image: string; tag: string }[] {
  return Object.entries(parameters).map(([image, tag]) => ({ image, tag: String(tag) }))
}

/**
 * Creates a release or a rollout, unless an earlier attempt has, and waits a moment until it exists.
 *
 * @returns whether it exists
 */
async function create(
  http: Http,
  path: string,
  body: object,
  { query }: Pick<RequestOptions, 'query'>,
): Promise<boolean> {
  const options = { ...(query ? { query } : {}), accept: [CONFLICT], schema: operation }
  const response = await http.post(path, body, options)
  if (response.status === CONFLICT) {
    if (conflict.safeParse(response.body).success) return true
    const reason = clipSingleLine(errorReasonIn(response.body), 500)
    throw retryLater(`Google Cloud Deploy answered 409: ${reason}`, { nothingWritten: true })
  }
  let current = response.body
  for (let polls = 0; !current.done && polls < CREATION_POLLS; polls++) {
    await sleep(polls === 0 ? 0 : 1_000)
    const operationPath = current.name.split('/').map(segment).join('/')
    current = (await http.get(`v1/${operationPath}`, { schema: operation })).body
  }
  if (current.error) throw refused(`Google Cloud Deploy refused it: ${current.error.message}`)
  return current.done === true
}

/** The id of a rollout within its project is `<pipeline>/<release>/<rollout>`. */
function partsOfId(localId: string) {
  const [pipeline = '', release = '', name = ''] = localId.split('/')
  return { pipeline, release, name }
}

function rolloutPath(connection: Connection, { parent, localId }: IdentifiedRun): string {
  const { pipeline, release, name } = partsOfId(localId)
  return `${pipelinePath(connection, parent, pipeline)}/releases/${segment(release)}/rollouts/${segment(name)}`
}

function detailsOf({ state, failureReason, deployStartTime, deployEndTime, phases }: Rollout): RunResults {
  const progress = phases?.map((phase) => `${phase.id} ${phase.state}`).join(', ')
  const has = (wanted: string) => phases?.some((phase) => phase.state === wanted) === true
  const waits = state === 'IN_PROGRESS' && has('SUCCEEDED') && has('PENDING') && !has('IN_PROGRESS')
  return {
    ...(progress
      ? { progress: clipSingleLine(waits ? `${progress}: advance it in Cloud Deploy` : progress, 200) }
      : {}),
    reasons: [failureReason],
    period: { start: deployStartTime, end: deployEndTime },
  }
}
