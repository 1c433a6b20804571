import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'

interface Workflow {
  id: string
  name: string
  status: string | null
  tag?: string
  created_at: string
  stopped_at?: string
}

interface Pipeline {
  id: string
  number: number
  state: string
  created_at: string
  errors: { type: string; message: string }[]
  asked: Record<string, unknown>
  workflows: Workflow[]
}

export interface CircleciServer extends Served {
  token: string
  state: {
    pipelines: Pipeline[]
    /** The commit message has a skip word. */
    skips: boolean
    /** A canceled workflow continues for a while. */
    cancelsLate: boolean
    /** Workflows on one page. */
    pageSize: number
  }
  /** Brings the newest pipeline into a state, as the provider names it. */
  enter(state: string): void
}

const slug = 'gh/acme/shop'
const PIPELINE_STATES = ['created', 'pending', 'setup', 'setup-pending', 'errored']
const ENDED = ['success', 'failed', 'error', 'canceled', 'not_run', 'unauthorized']

/**
 * A fake of CircleCI's API v2, with one project.
 *
 * @see https://circleci.com/docs/api/v2/
 * @see https://github.com/CircleCI-Public/circleci-cli/tree/main/api
 */
export async function startCircleci(): Promise<CircleciServer> {
  const token = 'CCIPAT_a-token-of-circleci'
  const state: CircleciServer['state'] = { pipelines: [], skips: false, cancelsLate: false, pageSize: 20 }
  const served = await serve((call) => {
    if (call.headers['circle-token'] !== token) return { status: 401, body: { message: 'You must log in first.' } }
    return answer(state, call)
  })
  return {
    ...served,
    token,
    state,
    enter(name) {
      const pipeline = newestOf(state.pipelines)
      if (PIPELINE_STATES.includes(name)) {
        Object.assign(pipeline, { state: name, workflows: [] })
        if (name === 'errored') pipeline.errors = [{ type: 'config', message: 'Job test is not defined' }]
      } else Object.assign(pipeline, { state: 'created', workflows: [workflowIn('build', name)] })
    },
  }
}

/** A workflow of two minutes. */
export function workflowIn(name: string, status: string | null, created_at = '2026-11-27T10:00:00Z'): Workflow {
  const stopped_at = ENDED.includes(status ?? '') ? { stopped_at: '2026-11-27T10:02:00Z' } : {}
  return { id: randomUUID(), name, status, created_at, ...stopped_at }
}

const notFound: Reply = { status: 404, body: { message: 'Project not found' } }

function answer(state: CircleciServer['state'], { method, path, query, body }: Call): Reply {
  const at = `${method} ${path.replace('/api/v2/', '')}`
  if (at === 'GET me') return ok({ id: randomUUID(), login: 'robot', name: 'Robot' })
  if (at === `GET project/${slug}`) return ok({ slug, name: 'shop' })
  if (at === `POST project/${slug}/pipeline` || at === `POST project/${slug}/pipeline/run`) {
    return start(state, path.endsWith('/run'), (body ?? {}) as Record<string, unknown>)
  }
  const [, kind, id, part] = /^\/api\/v2\/(pipeline|workflow)\/([\da-f-]{36})(?:\/(\w+))?$/.exec(path) ?? []
  const pipeline = state.pipelines.find((one) => one.id === id)
  if (kind === 'pipeline' && pipeline) return read(state, pipeline, part, query)
  const workflow = state.pipelines.flatMap(({ workflows }) => workflows).find((one) => one.id === id)
  if (!workflow) return notFound
  if (part === 'job') {
    const items = [
      { name: 'lint', status: 'success' },
      { name: 'test', status: workflow.status },
    ]
    return ok({ items, next_page_token: null })
  }
  if (!state.cancelsLate && !ENDED.includes(workflow.status ?? '')) {
    Object.assign(workflow, { status: 'canceled', stopped_at: '2026-11-27T10:02:00Z' })
  }
  return { status: 202, body: { message: 'Accepted.' } }
}

function start(state: CircleciServer['state'], isDefinition: boolean, asked: Record<string, unknown>): Reply {
  const { parameters = {}, branch, tag, definition_id, config, checkout } = asked
  if (isDefinition && !(definition_id && config && checkout))
    return { status: 400, body: { message: 'Missing fields' } }
  if (branch && tag) return { status: 400, body: { message: 'branch and tag are mutually exclusive' } }
  if ('undeclared' in (parameters as object))
    return { status: 400, body: { message: 'Unexpected argument(s): undeclared' } }
  if (state.skips) return ok({ message: 'Pipeline skipped: the commit message contains [skip ci]' })
  const number = state.pipelines.length + 1
  const created_at = new Date().toISOString()
  const pipeline = { id: randomUUID(), number, state: 'created', created_at, errors: [], asked, workflows: [] }
  state.pipelines.push(pipeline)
  return { status: 201, body: { id: pipeline.id, number, state: 'pending', created_at } }
}

function read(
  { pageSize }: CircleciServer['state'],
  { id, number, state, created_at, errors, workflows }: Pipeline,
  part: string | undefined,
  query: URLSearchParams,
): Reply {
  if (part === undefined)
    return ok({ id, number, state, created_at, errors, project_slug: slug, trigger: { type: 'api' } })
  const from = Number(query.get('page-token') ?? 0)
  const next_page_token = from + pageSize < workflows.length ? String(from + pageSize) : null
  return ok({ items: workflows.slice(from, from + pageSize), next_page_token })
}
