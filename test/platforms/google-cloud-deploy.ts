import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { type GoogleLogin, googleError, googleLogin } from './google-login.ts'

interface Rollout {
  name: string
  targetId: string
  state: string
  [more: string]: unknown
}

export interface GoogleCloudDeployServer extends Served {
  login: GoogleLogin
  state: {
    releases: Record<string, unknown>[]
    rollouts: Rollout[]
    /** How often an operation is not done yet. */
    pendingPolls: number
    /** A release whose operation is not done. */
    unborn?: Record<string, unknown>
    /** Why operations fail. */
    refusal?: string
  }
  /** Brings the newest rollout into a state, as the provider names it. */
  enter(state: string, more?: Record<string, unknown>): void
}

const PIPELINE = 'projects/acme-shop/locations/europe-west1/deliveryPipelines/shop'
const OPERATION = 'projects/acme-shop/locations/europe-west1/operations/operation-1'
const RUNNING = ['STATE_UNSPECIFIED', 'PENDING', 'PENDING_RELEASE', 'PENDING_APPROVAL', 'IN_PROGRESS', 'CANCELLING']

/**
 * A fake of the API of Google Cloud Deploy, with one delivery pipeline and the release `v1`.
 *
 * @see https://cloud.google.com/deploy/docs/api/reference/rest
 */
export async function startGoogleCloudDeploy(): Promise<GoogleCloudDeployServer> {
  const login = googleLogin()
  const state: GoogleCloudDeployServer['state'] = {
    releases: [{ name: `${PIPELINE}/releases/v1` }],
    rollouts: [],
    pendingPolls: 0,
  }
  const served = await serve((call) => login.answer(call) ?? answer(state, call))
  return {
    ...served,
    login,
    state,
    enter(name, more = {}) {
      const [word = '', cause] = name.split('/')
      const times = { deployStartTime: '2026-11-27T10:00:00Z', deployEndTime: '2026-11-27T10:05:00Z' }
      const failure = cause ? { deployFailureCause: cause, failureReason: `It failed: ${cause}` } : {}
      const ended = RUNNING.includes(word) || word.toUpperCase() !== word ? {} : times
      Object.assign(newestOf(state.rollouts), { state: word, ...ended, ...failure, ...more })
    },
  }
}

function answer(state: GoogleCloudDeployServer['state'], { method, path, query, body }: Call): Reply {
  const at = path.replace('/v1/', '')
  if (at === OPERATION) return ok({ name: OPERATION, ...operationOf(state) })
  const [, release, rest] = new RegExp(`^${PIPELINE}/releases(?:/([^/]+)(.*))?$`).exec(at) ?? []
  if (at === `${PIPELINE}/releases` && method === 'GET') return ok({ releases: state.releases })
  if (at === `${PIPELINE}/releases`) {
    const name = `${at}/${query.get('releaseId')}`
    const given = { renderState: 'IN_PROGRESS', ...(body as object) }
    if (state.unborn?.['name'] === name) return ok({ name: OPERATION, done: false })
    if (state.pendingPolls === 0) return create(state, state.releases, name, given)
    state.unborn = { ...given, name }
    return ok({ name: OPERATION, done: false })
  }
  const known = release && state.releases.some(({ name }) => name === `${PIPELINE}/releases/${release}`)
  if (!known) return googleError(404, 'NOT_FOUND', `Resource '${at}' was not found`)
  if (rest === '/rollouts') {
    const given = body as Pick<Rollout, 'targetId'>
    if (given.targetId === 'frozen')
      return googleError(400, 'FAILED_PRECONDITION', 'Deploy policy freeze restricts the rollout')
    return create(state, state.rollouts, `${at}/${query.get('rolloutId')}`, { ...given, state: 'PENDING' })
  }
  const [name, action] = at.split(':')
  const rollout = state.rollouts.find((one) => one.name === name)
  if (!rollout) return googleError(404, 'NOT_FOUND', `Resource '${at}' was not found`)
  if (action !== 'cancel') return ok(rollout)
  if (!RUNNING.includes(rollout.state)) return googleError(400, 'FAILED_PRECONDITION', 'Rollout is in a terminal state')
  rollout.state = 'CANCELLED'
  return ok({})
}

function operationOf(state: GoogleCloudDeployServer['state']) {
  if (state.pendingPolls > 0) {
    state.pendingPolls--
    return { done: false }
  }
  if (state.unborn) state.releases.push(state.unborn)
  delete state.unborn
  return state.refusal ? { done: true, error: { code: 9, message: state.refusal } } : { done: true }
}

function create(state: GoogleCloudDeployServer['state'], list: object[], name: string, given: object): Reply {
  if (list.some((one) => 'name' in one && one.name === name))
    return googleError(409, 'ALREADY_EXISTS', `Resource '${name}' already exists`)
  if (!state.refusal) list.push({ ...given, name })
  return ok({ name: OPERATION, done: false })
}
