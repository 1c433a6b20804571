import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf } from '../../../../infra/testing/loopback-server.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { googleError, googleLogin } from '../../../platforms/google-login.ts'

interface Release {
  name: string
}

interface Rollout {
  name: string
  targetId: string
  state: string
}

type State = ReturnType<typeof initial>

const LOCATION = 'projects/acme-shop/locations/europe-west1'
const PIPELINE = `${LOCATION}/deliveryPipelines/shop`
const OPERATION = `${LOCATION}/operations/operation-1`
const RUNNING = ['STATE_UNSPECIFIED', 'PENDING', 'PENDING_RELEASE', 'PENDING_APPROVAL', 'IN_PROGRESS', 'CANCELLING']
const TIMES = { deployStartTime: '2026-11-27T10:00:00Z', deployEndTime: '2026-11-27T10:05:00Z' }

const initial = () => ({
  login: googleLogin(),
  releases: [{ name: `${PIPELINE}/releases/v1` }] as Release[],
  rollouts: [] as Rollout[],
  /** The number of polls that find the operation running. */
  pendingPolls: 0,
  /** The release that the running operation creates. */
  unborn: undefined as Release | undefined,
  /** Why operations fail. */
  refusal: undefined as string | undefined,
})

/**
 * A fake of the API of Google Cloud Deploy, with one delivery pipeline and the release `v1`.
 *
 * @see https://cloud.google.com/deploy/docs/api/reference/rest
 */
const startGoogleCloudDeploy = definePlatform({
  base: `/v1/${LOCATION}`,
  state: initial,
  refuses: (call, { login }) => login.answer(call),
  routes: {
    'GET /operations/operation-1': ({ state }) => ({ name: OPERATION, ...pollOperation(state) }),
    'GET /deliveryPipelines/shop/releases': ({ state }) => ({ releases: state.releases }),
    'POST /deliveryPipelines/shop/releases': ({ state, query, body }) => {
      const name = `${PIPELINE}/releases/${query.get('releaseId')}`
      const release = { renderState: 'IN_PROGRESS', ...body, name }
      if (state.unborn?.name === name) return { name: OPERATION, done: false }
      if (state.pendingPolls === 0) return create(state, state.releases, release)
      state.unborn = release
      return { name: OPERATION, done: false }
    },
    'POST /deliveryPipelines/shop/releases/{release}/rollouts': ({ state, params, query, body }) => {
      const release = `${PIPELINE}/releases/${params.release}`
      if (!state.releases.some(({ name }) => name === release)) return undefined
      if (body.targetId === 'frozen')
        return googleError(400, 'FAILED_PRECONDITION', 'Deploy policy freeze restricts the rollout')
      const name = `${release}/rollouts/${query.get('rolloutId')}`
      return create(state, state.rollouts, { ...body, state: 'PENDING', name })
    },
    'GET /deliveryPipelines/shop/releases/{release}/rollouts/{rollout}': ({ state, params }) =>
      findRollout(state, params),
    'POST /deliveryPipelines/shop/releases/{release}/rollouts/{rollout}:cancel': ({ state, params }) => {
      const rollout = findRollout(state, params)
      if (!rollout) return undefined
      if (!RUNNING.includes(rollout.state))
        return googleError(400, 'FAILED_PRECONDITION', 'Rollout is in a terminal state')
      rollout.state = 'CANCELLED'
      return {}
    },
  },
  notFound: ({ path }) => googleError(404, 'NOT_FOUND', `Resource '${path.replace('/v1/', '')}' was not found`),
  members: ({ login, rollouts }) => ({
    login,
    /** Puts the newest rollout into a state, as the provider names it. */
    enter(name: string, fields: object = {}) {
      const [state = '', cause] = name.split('/')
      const failure = cause ? { deployFailureCause: cause, failureReason: `It failed: ${cause}` } : {}
      const times = RUNNING.includes(state) || state.toUpperCase() !== state ? {} : TIMES
      Object.assign(newestOf(rollouts), { state, ...times, ...failure, ...fields })
    },
  }),
})

function findRollout({ rollouts }: State, params: { release: string; rollout: string }): Rollout | undefined {
  return rollouts.find(({ name }) => name === `${PIPELINE}/releases/${params.release}/rollouts/${params.rollout}`)
}

function pollOperation(state: State) {
  if (state.pendingPolls > 0) {
    state.pendingPolls--
    return { done: false }
  }
  if (state.unborn) state.releases.push(state.unborn)
  state.unborn = undefined
  return state.refusal ? { done: true, error: { code: 9, message: state.refusal } } : { done: true }
}

function create<T extends { name: string }>(state: State, resources: T[], resource: T): object {
  if (resources.some(({ name }) => name === resource.name))
    return googleError(409, 'ALREADY_EXISTS', `Resource '${resource.name}' already exists`)
  if (!state.refusal) resources.push(resource)
  return { name: OPERATION, done: false }
}

export const jobRow = {
  starts: /^POST .*\/rollouts$/,
  start: startWith(startGoogleCloudDeploy, ({ url: baseUrl, login: { token }, state, enter }) => ({
    connection: { baseUrl, token, project: 'acme-shop', location: 'europe-west1', target: 'shop/staging' },
    input: { target: 'shop/production', ref: 'v1' },
    ...runsIn(() =>
      state.rollouts.map((run) => [`acme-shop#shop/v1/${run.name.split('/').at(-1)}`, run.state === 'CANCELLED']),
    ),
    ...stages(enter, 'IN_PROGRESS', 'SUCCEEDED'),
  })),
  signIn: ({
    url,
    login: { serviceAccount, workloadIdentityProvider },
  }: Awaited<ReturnType<typeof startGoogleCloudDeploy>>) => ({
    loginUrl: url,
    serviceAccount,
    workloadIdentityProvider,
  }),
} satisfies JobRow
