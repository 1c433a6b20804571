import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { requireHeader } from '../../../../infra/testing/require-header.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'

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
  workflows: Workflow[]
}

export type CircleciServer = Awaited<ReturnType<typeof startCircleci>>

const TOKEN = 'CCIPAT_a-token-of-circleci'
const PIPELINE_STATES = ['created', 'pending', 'setup', 'setup-pending', 'errored']
const ENDED = ['success', 'failed', 'error', 'canceled', 'not_run', 'unauthorized']
const STOPPED_AT = '2026-11-27T10:02:00Z'

const initial = () => ({
  pipelines: [] as Pipeline[],
  /** The commit message has a skip word. */
  skips: false,
  /** A canceled workflow continues for a while. */
  cancelsLate: false,
  /** Workflows on one page. */
  pageSize: 20,
})

/**
 * A fake of CircleCI's API v2, with one project.
 *
 * @see https://circleci.com/docs/api/v2/
 * @see https://github.com/CircleCI-Public/circleci-cli/tree/main/api
 */
const startCircleci = definePlatform({
  base: '/api/v2',
  state: initial,
  refuses: requireHeader('circle-token', TOKEN, { status: 401, body: { message: 'You must log in first.' } }),
  routes: {
    'GET /me': () => ({ id: randomUUID(), login: 'robot', name: 'Robot' }),
    'GET /project/gh/acme/shop': () => ({ slug: 'gh/acme/shop', name: 'shop' }),
    'POST /project/gh/acme/shop/pipeline': ({ state, body }) => start(state, body),
    'POST /project/gh/acme/shop/pipeline/run': ({ state, body }) =>
      body.definition_id && body.config && body.checkout ? start(state, body) : badRequest('Missing fields'),
    'GET /pipeline/{id}': ({ state, params }) => {
      const found = state.pipelines.find(({ id }) => id === params.id)
      if (!found) return undefined
      const { workflows: _, ...pipeline } = found
      return { ...pipeline, project_slug: 'gh/acme/shop', trigger: { type: 'api' } }
    },
    'GET /pipeline/{id}/workflow': ({ state, params, query }) => {
      const pipeline = state.pipelines.find(({ id }) => id === params.id)
      if (!pipeline) return undefined
      const { page, next = null } = pageOf(pipeline.workflows, query.get('page-token'), state.pageSize)
      return { items: page, next_page_token: next }
    },
    'GET /workflow/{id}/job': ({ state, params }) => {
      const workflow = workflowOf(state.pipelines, params.id)
      if (!workflow) return undefined
      const items = [
        { name: 'lint', status: 'success' },
        { name: 'test', status: workflow.status },
      ]
      return { items, next_page_token: null }
    },
    'POST /workflow/{id}/cancel': ({ state, params }) => {
      const workflow = workflowOf(state.pipelines, params.id)
      if (!workflow) return undefined
      if (!state.cancelsLate && !ENDED.includes(workflow.status ?? ''))
        Object.assign(workflow, { status: 'canceled', stopped_at: STOPPED_AT })
      return { status: 202, body: { message: 'Accepted.' } }
    },
  },
  notFound: { status: 404, body: { message: 'Project not found' } },
  members: ({ pipelines }) => ({
    token: TOKEN,
    /** Puts the newest pipeline into a state, as the provider names it. */
    enter(name: string) {
      const pipeline = newestOf(pipelines)
      if (!PIPELINE_STATES.includes(name))
        return void Object.assign(pipeline, { state: 'created', workflows: [workflowIn('build', name)] })
      Object.assign(pipeline, { state: name, workflows: [] })
      if (name === 'errored') pipeline.errors = [{ type: 'config', message: 'Job test is not defined' }]
    },
  }),
})

/** A workflow of two minutes. */
export function workflowIn(name: string, status: string | null, created_at = '2026-11-27T10:00:00Z'): Workflow {
  const ended = ENDED.includes(status ?? '') ? { stopped_at: STOPPED_AT } : {}
  return { id: randomUUID(), name, status, created_at, ...ended }
}

function workflowOf(pipelines: Pipeline[], id: string): Workflow | undefined {
  return pipelines.flatMap(({ workflows }) => workflows).find((workflow) => workflow.id === id)
}

function start({ pipelines, skips }: ReturnType<typeof initial>, request: Record<string, unknown>): Reply {
  const { parameters = {}, branch, tag } = request
  if (branch && tag) return badRequest('branch and tag are mutually exclusive')
  if ('undeclared' in (parameters as object)) return badRequest('Unexpected argument(s): undeclared')
  if (skips) return { status: 200, body: { message: 'Pipeline skipped: the commit message contains [skip ci]' } }
  const number = pipelines.length + 1
  const created_at = new Date().toISOString()
  const pipeline = { id: randomUUID(), number, state: 'created', created_at, errors: [], workflows: [] }
  pipelines.push(pipeline)
  return { status: 201, body: { id: pipeline.id, number, state: 'pending', created_at } }
}

function badRequest(message: string): Reply {
  return { status: 400, body: { message } }
}

export const jobRow = {
  stopsLate: true,
  starts: /^POST .*\/pipeline(?:\/run)?$/,
  start: startWith(startCircleci, ({ url: baseUrl, token, state, enter }) => ({
    connection: { baseUrl, token, project: 'gh/acme/shop' },
    input: { target: 'pipeline' },
    ...runsIn(() => state.pipelines.map((run) => [run.id, run.workflows[0]?.status === 'canceled'])),
    ...stages(enter, 'running', 'success'),
  })),
} satisfies JobRow
