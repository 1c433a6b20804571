import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, url, word } from '../../../shared/fields.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob, type IdentifiedRun, type RunResults } from '../../../shared/providers/define-job.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import { resolveProject } from '../../../shared/providers/project.ts'
import { toTextParameters } from '../../../shared/providers/text-parameters.ts'
import { googleAuthorization, googleConnection, googleProject } from '../../../shared/vendors/google.ts'

const connection = z.strictObject({
  baseUrl: z._default(
    url('URL of the API. Defaults to https://cloudbuild.googleapis.com'),
    'https://cloudbuild.googleapis.com',
  ),
  ...googleConnection,
  project: optional(word('Default project, by its id')),
  location: z._default(word('Region of the triggers: europe-west1. Defaults to global'), 'global'),
  target: optional(word('Default trigger, by name or id')),
  ref: optional(word('Default branch, refs/tags/<tag> or commit. Defaults to that of the trigger')),
  keySubstitution: z._default(
    word('Substitution that receives the idempotency key. Defaults to _WEBHOOKS_KEY'),
    '_WEBHOOKS_KEY',
  ),
})
type Connection = z.output<typeof connection>

const text = z.nullish(z.string())
const step = z.object({ id: text, name: text, status: text, exitCode: z.nullish(z.int()) })
const build = z.object({
  id: z.string(),
  status: z.string(),
  logUrl: text,
  statusDetail: text,
  startTime: text,
  finishTime: text,
  substitutions: z.nullish(z.record(z.string(), z.string())),
  failureInfo: z.nullish(z.object({ detail: text })),
  approval: z.nullish(z.object({ state: text, result: z.nullish(z.object({ approverAccount: text, comment: text })) })),
  steps: z.nullish(z.array(step)),
})
type Build = z.output<typeof build>
const started = z.object({ metadata: z.object({ build: z.object({ id: z.string(), logUrl: text }) }) })
/** Google omits an empty list. */
const builds = z.strictObject({ builds: optional(z.array(build)), nextPageToken: optional(z.string()) })

const states: Readonly<Record<string, Verdict>> = {
  STATUS_UNKNOWN: 'running',
  // It waits for the approval of a person.
  PENDING: 'running',
  QUEUED: 'running',
  WORKING: 'running',
  SUCCESS: 'pass',
  FAILURE: 'fail',
  TIMEOUT: 'fail',
  REJECTED: 'fail',
  INTERNAL_ERROR: 'errored',
  EXPIRED: 'errored',
  CANCELLED: 'aborted',
}
const SUBSTITUTION = /^_[A-Z0-9_]{1,99}$/
const COMMIT = /^[\da-f]{40}$/
const TAG = /^refs\/tags\/(.+)$/

/**
 * Google Cloud Build: runs a trigger. A retry finds the build by a substitution that contains the idempotency key.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rest/v1/projects.locations.triggers/run
 */
export const googleCloudBuild = defineJob({
  title: 'Google Cloud Build',
  noun: 'build',
  notifiedBy: { type: 'google-cloud-build', wakeId: ({ id }) => id.split('#')[1] },
  connection,
  authorization: googleAuthorization,
  async check({ http, connection }) {
    const project = resolveProject(undefined, connection, { title: 'Google Cloud', project: googleProject }, true) ?? ''
    const path = pathOf(connection, project)
    await http.get(`${path}/builds`, { query: { pageSize: 1 }, schema: builds })
    if (connection.target !== undefined) await http.get(`${path}/triggers/${segment(connection.target)}`)
  },

  states,
  project: googleProject,
  runId: {
    pattern: /^[^#]+#[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/,
    description: 'a build such as acme-shop#3f7c..., or its id together with input.project',
    within: 'project',
  },
  identify: ({ id, logUrl }: Pick<Build, 'id' | 'logUrl'>) => ({ id, ...(logUrl ? { url: logUrl } : {}) }),

  checkStart({ parameters = {} }, connection) {
    for (const name of Object.keys(parameters)) {
      if (!SUBSTITUTION.test(name) || name === connection.keySubstitution)
        throw invalidInput(
          `input.parameters.${name.slice(0, 100)}`,
          `must be the name of a substitution: _ and capital letters, digits or _. ${connection.keySubstitution} is reserved`,
        )
    }
  },

  search: {
    pageSize: 100,
    maxPages: { first: 10, retry: 10 },
    async list({ http, connection }, { project = '' }, { token: pageToken, since, size: pageSize }) {
      const query = { filter: `create_time>="${since.toISOString()}"`, pageSize, pageToken }
      const { body } = await http.get(`${pathOf(connection, project)}/builds`, { query, schema: builds })
      return { runs: body.builds, next: body.nextPageToken }
    },
    hasKey: ({ substitutions }, { connection, idempotencyKey }) =>
      substitutions?.[connection.keySubstitution] === idempotencyKey,
  },

  async start({ http, connection, idempotencyKey }, { target, project = '', ref = connection.ref, parameters }) {
    const key = idempotencyKey === undefined ? {} : { [connection.keySubstitution]: idempotencyKey }
    const substitutions = { ...toTextParameters(parameters), ...key }
    const body = { projectId: project, triggerId: target, source: { ...revisionOf(ref), substitutions } }
    const path = `${pathOf(connection, project)}/triggers/${segment(target)}:run`
    return (await http.post(path, body, { schema: started })).body.metadata.build
  },

  async getStatus({ http, connection }, run) {
    const current = (await http.get(buildPath(connection, run), { schema: build })).body
    const isRejected = current.status === 'CANCELLED' && current.approval?.state === 'REJECTED'
    return { state: isRejected ? 'REJECTED' : current.status, run: current, results: () => resultsOf(current) }
  },

  async stop({ http, connection }, run) {
    await http.post(`${buildPath(connection, run)}:cancel`, {})
  },
})

function pathOf({ location }: Connection, project: string): string {
  return `v1/projects/${segment(project)}/locations/${segment(location)}`
}

function buildPath(connection: Connection, { parent, localId }: IdentifiedRun): string {
  return `${pathOf(connection, parent)}/builds/${segment(localId)}`
}

function revisionOf(ref: string | undefined) {
  if (ref === undefined) return {}
  const [, tagName] = TAG.exec(ref) ?? []
  if (tagName !== undefined) return { tagName }
  return COMMIT.test(ref) ? { commitSha: ref } : { branchName: ref }
}

function resultsOf({ status, statusDetail, startTime, finishTime, failureInfo, approval, steps }: Build): RunResults {
  const failed = status === 'SUCCESS' ? undefined : steps?.find((step) => step.status === status && step.exitCode)
  const failedStep = failed && (failed.id || failed.name || undefined)
  const decision = approval?.state === 'REJECTED' ? approval.result : undefined
  return {
    reasons: [
      decision && ['rejected by', decision.approverAccount, decision.comment].filter(Boolean).join(' '),
      failedStep && `step ${failedStep} ended with ${failed.exitCode}`,
      failureInfo?.detail || statusDetail,
    ],
    data: failedStep ? { failedStep } : {},
    period: { start: startTime, end: finishTime },
  }
}
