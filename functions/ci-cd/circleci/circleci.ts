import * as z from 'zod/mini'
import { invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { optional, secret, url, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import type { RunStatus, Verdict } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const connection = z.strictObject({
  baseUrl: z._default(url('https://circleci.com, or the URL of a CircleCI server'), 'https://circleci.com'),
  token: secret('Personal API token of a user who may run pipelines of the project. Project tokens do not work'),
  project: optional(word('Default project, by its slug: gh/acme/shop or circleci/<organization id>/<project id>')),
  target: z._default(
    word(
      'pipeline, or the id of a pipeline definition from the project settings, which projects of the GitHub App require',
    ),
    'pipeline',
  ),
  ref: optional(word('Default branch, or refs/tags/<tag>')),
})
type Connection = z.output<typeof connection>

const started = z.object({ id: z.string(), number: z.int() })
const notStarted = z.object({ id: z.optional(z.undefined()), message: z.string() })
const pipeline = z.object({
  state: z.string(),
  number: z.int(),
  project_slug: z.string(),
  created_at: z.nullish(z.string()),
  updated_at: z.nullish(z.string()),
  errors: z.nullish(z.array(z.object({ message: z.string() }))),
})
type Pipeline = z.output<typeof pipeline>
type IdentifiedPipeline = Pick<Pipeline, 'project_slug' | 'number'> & { id: string }
const workflow = z.object({
  id: z.string(),
  name: z.string(),
  // Null before it has a status.
  status: z.pipe(
    z.nullish(z.string()),
    z.transform((status) => status ?? 'pending'),
  ),
  /** `setup` for the workflow of a dynamic configuration that chooses the other workflows. */
  tag: z.nullish(z.string()),
  created_at: z.string(),
  stopped_at: z.nullish(z.string()),
})
type Workflow = z.output<typeof workflow>
const workflows = z.object({ items: z.array(workflow), next_page_token: z.nullish(z.string()) })
const jobs = z.object({ items: z.array(z.object({ name: z.string(), status: z.string() })) })

const states: Readonly<Record<string, Verdict>> = {
  // The pipeline has no workflows yet.
  created: 'running',
  pending: 'running',
  setup: 'running',
  'setup-pending': 'running',
  // Its configuration is invalid.
  errored: 'errored',
  no_workflows: 'errored',
  // States of workflows.
  running: 'running',
  // It waits for others of its serial group.
  queued: 'running',
  failing: 'running',
  // A job waits for the approval of a person.
  on_hold: 'running',
  success: 'pass',
  failed: 'fail',
  canceled: 'aborted',
  error: 'errored',
  unauthorized: 'errored',
  not_run: 'errored',
}
/** The first status that a workflow has is that of the pipeline. */
const WORST_FIRST = ['error', 'unauthorized', 'failed', 'canceled', 'not_run', 'success']
const MAX_PAGES = 10
/** Workflows may be listed a moment after the pipeline was created. */
const NO_WORKFLOWS_AFTER_MS = 300_000
const SLUG = {
  pattern: /^(?!\.+\/)[\w-]{1,40}\/(?!\.+\/)[\w.-]{1,100}\/(?!\.+$)[\w.-]{1,100}$/,
  example: 'gh/acme/shop',
}
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const TAG = /^refs\/tags\/(.+)$/

/**
 * Pipelines of CircleCI. A start takes no value by which the pipeline could be found later, so it is never retried.
 *
 * @see https://circleci.com/docs/api/v2/
 */
export const circleci = defineJob({
  title: 'CircleCI',
  noun: 'pipeline',
  notifiedBy: { type: 'circleci', wakeId: ({ id }) => id },
  connection,
  headers: ({ token }) => ({ 'circle-token': token }),
  async check({ http, connection: { project } }) {
    await http.get('api/v2/me', { schema: z.object({ id: z.string() }) })
    if (project !== undefined) await http.get(projectPath(project), { schema: z.object({ slug: z.string() }) })
  },

  states,
  project: SLUG,
  runId: { pattern: UUID, description: 'the id of a pipeline, such as 5034460f-c7c4-4c43-9457-de07e2029e7b' },
  identify: ({ id, project_slug, number }: IdentifiedPipeline, { connection }) => ({
    id,
    url: urlOf(connection, project_slug, number),
  }),

  checkStart({ target, ref = undefined }, connection) {
    if (target !== 'pipeline' && !UUID.test(target))
      throw invalidInput('input.target', 'must be pipeline, or the id of a pipeline definition')
    if (target !== 'pipeline' && (ref ?? connection.ref) === undefined)
      throw invalidInput('input.ref', 'is required for a pipeline definition, because the connection has no default')
  },

  async start({ http, connection }, { target, project = '', ref = connection.ref, parameters }) {
    const path = projectPath(project)
    const [, tag] = TAG.exec(ref ?? '') ?? []
    const version = ref === undefined ? {} : tag === undefined ? { branch: ref } : { tag }
    const more = parameters ? { parameters } : {}
    const schema = z.union([started, notStarted])
    const { body } =
      target === 'pipeline'
        ? await http.post(`${path}/pipeline`, { ...version, ...more }, { schema })
        : await http.post(
            `${path}/pipeline/run`,
            { definition_id: target, config: version, checkout: version, ...more },
            { schema },
          )
    if ('number' in body) return { ...body, project_slug: project }
    throw refused(`CircleCI started no pipeline: ${clipSingleLine(body.message, 500)}`)
  },

  async getStatus({ http }, { id }) {
    const current = (await http.get(pipelinePath(id), { schema: pipeline })).body
    const { state, errors } = current
    const run = { id, ...current }
    // Only the setup workflow of a dynamic configuration runs before the state `created`.
    if (state !== 'created' && state !== 'setup')
      return { state, run, reason: errors?.map(({ message }) => message).join('; ') || undefined }
    return { ...(await statusOf(http, current, newestOf(await workflowsOf(http, id)))), run }
  },

  async stop({ http }, { id }) {
    const all = newestOf(await workflowsOf(http, id))
    if (all.length === 0 && (await http.get(pipelinePath(id), { schema: pipeline })).body.state !== 'errored')
      throw retryLater('The pipeline has no workflows yet that could be canceled.')
    for (const { id: workflow, status } of all)
      if (!WORST_FIRST.includes(status)) await http.post(`api/v2/workflow/${segment(workflow)}/cancel`)
  },
})

/** The parts of a slug are separate segments: CircleCI does not decode a slash. */
function projectPath(slug: string): string {
  return `api/v2/project/${slug.split('/').map(segment).join('/')}`
}

function pipelinePath(id: string): string {
  return `api/v2/pipeline/${segment(id)}`
}

function urlOf({ baseUrl }: Connection, slug: string, number: number): string {
  const { host } = new URL(baseUrl)
  const app = host === 'circleci.com' ? 'https://app.circleci.com' : baseUrl.replace(/\/$/, '')
  return `${app}/pipelines/${slug.split('/').map(encodeURIComponent).join('/')}/${number}`
}

async function workflowsOf(http: Http, id: string): Promise<Workflow[]> {
  const found: Workflow[] = []
  let token: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = { 'page-token': token }
    const { items, next_page_token } = (await http.get(`${pipelinePath(id)}/workflow`, { query, schema: workflows }))
      .body
    found.push(...items)
    token = next_page_token ?? undefined
    if (token === undefined) break
  }
  return found
}

/** A rerun is another workflow with the same name. */
function newestOf(all: Workflow[]): Workflow[] {
  const sorted = all.toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))
  return [...new Map(sorted.map((workflow) => [workflow.name, workflow])).values()]
}

async function statusOf(http: Http, current: Pipeline, all: Workflow[]): Promise<RunStatus> {
  const { state: phase, number } = current
  if (all.every(({ tag, status }) => tag === 'setup' && status === 'success')) return phaseOf(current, all)
  const running = all.filter(({ status }) => !WORST_FIRST.includes(status))
  const [next] = running.filter(({ status }) => status !== 'on_hold')
  if (running.length > 0) {
    const state = phase === 'setup' ? phase : (next?.status ?? 'on_hold')
    return { state, progress: progressOf(all) }
  }
  const worst = all.toSorted((a, b) => WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status))[0]
  const state = worst?.status ?? 'success'
  const start = Math.min(...all.map(({ created_at }) => Date.parse(created_at)))
  const end = Math.max(...all.map(({ created_at, stopped_at }) => Date.parse(stopped_at ?? created_at)))
  const job = worst && states[state] === 'fail' ? await failedJobOf(http, worst) : undefined
  const failed = worst && state !== 'success' ? { failedWorkflow: worst.name, ...(job ? { failedJob: job } : {}) } : {}
  return {
    state,
    reason:
      worst && state !== 'success'
        ? `workflow ${[worst.name, job && `job ${job}`].filter(Boolean).join(', ')}`
        : undefined,
    data: { number, ...failed },
    period: { start, end },
  }
}

/** Returns the status of a pipeline that has none of its own workflows yet. It gets none if no filter of its configuration matches. */
function phaseOf({ state, created_at, updated_at }: Pipeline, setups: Workflow[]): RunStatus {
  const times = [created_at, updated_at, ...setups.map(({ stopped_at }) => stopped_at)]
  const since = Math.max(0, ...times.map((time) => Date.parse(time ?? '') || 0))
  if (state !== 'created' || since === 0 || Date.now() - since < NO_WORKFLOWS_AFTER_MS)
    return { state, progress: progressOf(setups) }
  const reason = 'no workflow of the configuration matches. Check the branch, the parameters and the filters'
  return { state: 'no_workflows', reason }
}

function progressOf(all: Workflow[]): string | undefined {
  return clipSingleLine(all.map(({ name, status }) => `${name} ${status}`).join(', '), 200) || undefined
}

async function failedJobOf(http: Http, { id }: Workflow): Promise<string | undefined> {
  const { status, body } = await http.get(`api/v2/workflow/${segment(id)}/job`, { accept: [403, 404], schema: jobs })
  return status === 200 ? body.items.find((item) => item.status === 'failed')?.name : undefined
}
