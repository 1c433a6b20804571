import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { type GoogleLogin, googleError, googleLogin } from './google-login.ts'

interface Build {
  id: string
  status: string
  logUrl: string
  createTime: string
  substitutions: Record<string, string>
  /** The source of the request. A response has another one. */
  asked: Record<string, unknown>
  [more: string]: unknown
}

export interface GoogleCloudBuildServer extends Served {
  login: GoogleLogin
  state: {
    builds: Build[]
    /** Builds on one page. */
    pageSize: number
  }
  /** Brings the newest build into a state, as the provider names it. */
  enter(state: string, more?: Record<string, unknown>): void
}

const PATH = '/v1/projects/acme-shop/locations/europe-west1'
const RUNNING = ['STATUS_UNKNOWN', 'PENDING', 'QUEUED', 'WORKING']

/**
 * A fake of the API of Google Cloud Build, with the trigger `deploy` of one project.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rest
 */
export async function startGoogleCloudBuild(): Promise<GoogleCloudBuildServer> {
  const login = googleLogin()
  const state: GoogleCloudBuildServer['state'] = { builds: [], pageSize: 100 }
  const served = await serve((call) => login.answer(call) ?? answer(state, call))
  return {
    ...served,
    login,
    state,
    enter(name, more = {}) {
      const times = { startTime: '2026-11-27T10:00:00Z', finishTime: '2026-11-27T10:02:00Z' }
      const ended = RUNNING.includes(name) || name.toUpperCase() !== name ? {} : times
      const result = { approverAccount: 'jane@example.com', comment: 'Not today' }
      const rejected = { status: 'CANCELLED', approval: { state: 'REJECTED', result } }
      Object.assign(newestOf(state.builds), { status: name, ...ended }, name === 'REJECTED' ? rejected : {}, more)
    },
  }
}

function answer(state: GoogleCloudBuildServer['state'], { method, path, query, body }: Call): Reply {
  const at = path.replace(PATH, '')
  if (at === '/triggers/deploy' && method === 'GET') return ok({ id: randomUUID(), name: 'deploy' })
  if (at === '/triggers/deploy:run' && method === 'POST') return run(state, (body as { source: Build['asked'] }).source)
  if (at === '/builds' && method === 'GET') return list(state, query)
  const [, id, action] = /^\/builds\/([\da-f-]{36})(?::(cancel))?$/.exec(at) ?? []
  const build = state.builds.find((one) => one.id === id)
  if (!build) return googleError(404, 'NOT_FOUND', 'Requested entity was not found.')
  if (action === 'cancel' && RUNNING.includes(build.status)) {
    Object.assign(build, { status: 'CANCELLED', finishTime: '2026-11-27T10:02:00Z' })
  }
  return ok(toResponse(build))
}

function toResponse({ asked: _, ...build }: Build) {
  return build
}

function run(state: GoogleCloudBuildServer['state'], asked: Build['asked']): Reply {
  if (asked['branchName'] === 'missing')
    return googleError(400, 'INVALID_ARGUMENT', "Couldn't read commit: branch missing does not exist")
  const id = randomUUID()
  const build = {
    ...{ id, status: 'QUEUED', createTime: new Date().toISOString(), asked },
    logUrl: `https://console.cloud.google.com/cloud-build/builds;region=europe-west1/${id}?project=123456789012`,
    substitutions: { ...(asked['substitutions'] as Record<string, string>), BRANCH_NAME: 'main' },
  }
  state.builds.push(build)
  return ok({ name: `operations/build/acme-shop/${btoa(id)}`, metadata: { build: toResponse(build) } })
}

/** Google omits an empty list. */
function list({ builds, pageSize }: GoogleCloudBuildServer['state'], query: URLSearchParams): Reply {
  const [, since] = /^create_time>="(.+)"$/.exec(query.get('filter') ?? '') ?? []
  const found = builds.filter(({ createTime }) => since === undefined || createTime >= since).toReversed()
  const from = Number(query.get('pageToken') ?? 0)
  const page = found.slice(from, from + pageSize)
  if (page.length === 0) return ok({})
  return ok({
    builds: page.map(toResponse),
    ...(from + pageSize < found.length ? { nextPageToken: String(from + pageSize) } : {}),
  })
}
