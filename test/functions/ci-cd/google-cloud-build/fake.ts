import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { pageOf } from '../../../../infra/testing/page-of.ts'
import { type JobRow, runsIn, stages, startWith } from '../../../conformance/row.ts'
import { googleError, googleLogin } from '../../../platforms/google-login.ts'

interface Source {
  branchName?: string
  substitutions?: Record<string, string>
}

interface Build {
  id: string
  status: string
  logUrl: string
  createTime: string
  substitutions: Record<string, string>
}

const RUNNING = ['STATUS_UNKNOWN', 'PENDING', 'QUEUED', 'WORKING']
const TIMES = { startTime: '2026-11-27T10:00:00Z', finishTime: '2026-11-27T10:02:00Z' }
const REJECTED = {
  status: 'CANCELLED',
  approval: { state: 'REJECTED', result: { approverAccount: 'jane@example.com', comment: 'Not today' } },
}

/**
 * A fake of the API of Google Cloud Build, with the trigger `deploy` of one project.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rest
 */
const startGoogleCloudBuild = definePlatform({
  base: '/v1/projects/acme-shop/locations/europe-west1',
  state: () => ({
    login: googleLogin(),
    builds: [] as Build[],
    /** Builds on one page. */
    pageSize: 100,
  }),
  refuses: (call, { login }) => login.answer(call),
  routes: {
    'GET /triggers/deploy': () => ({ id: randomUUID(), name: 'deploy' }),
    'POST /triggers/deploy:run': ({ state, body }) => run(state.builds, body.source),
    'GET /builds': ({ state, query }) => {
      const [, since = ''] = /^create_time>="(.+)"$/.exec(query.get('filter') ?? '') ?? []
      const found = state.builds.filter(({ createTime }) => createTime >= since).toReversed()
      const { page, next } = pageOf(found, query.get('pageToken'), state.pageSize)
      // Google omits an empty list.
      return page.length > 0 ? { builds: page, nextPageToken: next } : {}
    },
    'GET /builds/{id}': ({ state, params }) => state.builds.find(({ id }) => id === params.id),
    'POST /builds/{id}:cancel': ({ state, params }) => {
      const build = state.builds.find(({ id }) => id === params.id)
      if (!build || !RUNNING.includes(build.status)) return build
      return Object.assign(build, { status: 'CANCELLED', finishTime: TIMES.finishTime })
    },
  },
  notFound: googleError(404, 'NOT_FOUND', 'Requested entity was not found.'),
  members: ({ login, builds }) => ({
    login,
    /** Puts the newest build into a state, as the provider names it. */
    enter(name: string, fields: object = {}) {
      const ended = RUNNING.includes(name) || name.toUpperCase() !== name ? {} : TIMES
      Object.assign(newestOf(builds), { status: name }, ended, name === 'REJECTED' ? REJECTED : {}, fields)
    },
  }),
})

function run(builds: Build[], { branchName, substitutions }: Source): object | Reply {
  if (branchName === 'missing')
    return googleError(400, 'INVALID_ARGUMENT', "Couldn't read commit: branch missing does not exist")
  const id = randomUUID()
  const build = {
    id,
    status: 'QUEUED',
    createTime: new Date().toISOString(),
    logUrl: `https://console.cloud.google.com/cloud-build/builds;region=europe-west1/${id}?project=123456789012`,
    substitutions: { ...substitutions, BRANCH_NAME: 'main' },
  }
  builds.push(build)
  return { name: `operations/build/acme-shop/${btoa(id)}`, metadata: { build } }
}

export const jobRow = {
  starts: /^POST .*:run$/,
  start: startWith(startGoogleCloudBuild, ({ url: baseUrl, login: { token }, state, enter }) => ({
    connection: { baseUrl, token, project: 'acme-shop', location: 'europe-west1' },
    input: { target: 'deploy' },
    ...runsIn(() => state.builds.map((run) => [`acme-shop#${run.id}`, run.status === 'CANCELLED'])),
    ...stages(enter, 'WORKING', 'SUCCESS'),
  })),
  signIn: ({ url, login: { serviceAccount, privateKey } }: Awaited<ReturnType<typeof startGoogleCloudBuild>>) => ({
    loginUrl: url,
    serviceAccount,
    privateKey,
  }),
} satisfies JobRow
