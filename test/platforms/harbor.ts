import { definePlatform } from '../../infra/testing/define-platform.ts'
import type { Call, Reply } from '../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../infra/testing/require-header.ts'

interface Artifact {
  /** `shop/team/api:1.4`. */
  name: string
  /** Vulnerabilities that a scan finds. A scan without `end` runs until it is stopped. */
  severities: Record<string, number>
  end: 'Success' | 'Error' | undefined
  /** The number of status requests. The scan is pending at the first one. */
  polls: number
  status: string | undefined
}

type State = ReturnType<typeof initial>

const USER = 'robot$scanner'
const PASSWORD = 'harbor-secret-of-a-robot'
const REPORT = 'application/vnd.security.vulnerability.report; version=1.1'

const initial = () => ({
  artifacts: [
    newArtifact('shop/checkout:1.4', 'Success'),
    newArtifact('shop/team/api@sha256:0f3c', 'Success', { Critical: 2, High: 7 }),
    newArtifact('shop/broken:1.0', 'Error'),
    newArtifact('shop/huge:1.0', undefined),
  ],
  scans: 0,
})

/**
 * A fake of Harbor 2, from the description of its API.
 *
 * @see https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export const startHarbor = definePlatform({
  base: '/api/v2.0/projects',
  state: initial,
  refuses: requireHeader(
    'authorization',
    basic(USER, PASSWORD),
    problem(401, 'UNAUTHORIZED', 'unauthorized: unauthorized'),
  ),
  routes: {
    'GET /{project}/repositories/{repository}/artifacts/{tag}': ({ state, params, query, headers }) =>
      withArtifact(state, params, (artifact) =>
        toResponse(artifact, query.get('with_scan_overview') === 'true', headers),
      ),
    'POST /{project}/repositories/{repository}/artifacts/{tag}/scan': ({ state, params }) =>
      withArtifact(state, params, (artifact) => {
        if (artifact.status === 'Running') return problem(409, 'CONFLICT', 'a previous scan process is Running')
        state.scans++
        Object.assign(artifact, { status: artifact.end ?? 'Running', polls: 0 })
        return { status: 202 }
      }),
    'POST /{project}/repositories/{repository}/artifacts/{tag}/scan/stop': ({ state, params }) =>
      withArtifact(state, params, (artifact) => {
        if (artifact.status === 'Running') artifact.status = 'Stopped'
        return { status: 202 }
      }),
  },
  notFound: ({ path }) => problem(404, 'NOT_FOUND', `${path} not found`),
  members: () => ({ user: USER, password: PASSWORD }),
})

function newArtifact(name: string, end: Artifact['end'], severities = {}): Artifact {
  return { name, end, severities, polls: 0, status: undefined }
}

function withArtifact(
  { artifacts }: State,
  { project, repository, tag }: Record<'project' | 'repository' | 'tag', string>,
  respond: (artifact: Artifact) => object,
): object {
  // A slash in the name of a repository is encoded twice.
  const names = [':', '@'].map((sign) => `${project}/${decodeURIComponent(repository)}${sign}${tag}`)
  const artifact = artifacts.find(({ name }) => names.includes(name))
  return artifact ? respond(artifact) : problem(404, 'NOT_FOUND', `artifact ${names[0]} not found`)
}

function toResponse(artifact: Artifact, hasOverview: boolean, headers: Call['headers']): object {
  artifact.polls++
  const { severities, polls } = artifact
  const status = artifact.status && polls === 1 ? 'Pending' : artifact.status
  const fields = { id: 7, project_id: 2, digest: 'sha256:0f3c', type: 'IMAGE' }
  if (!hasOverview || status === undefined || headers['x-accept-vulnerabilities'] !== REPORT) return fields
  const total = Object.values(severities).reduce((sum, count) => sum + count, 0)
  const isDone = status === 'Success'
  const result = { severity: total > 0 ? 'Critical' : 'None', summary: { total, fixable: 0, summary: severities } }
  const overview = {
    report_id: '3c0e3b1a-6d2e-4d2f-8f0b-1c2d3e4f5a6b',
    scan_status: status,
    ...(isDone ? result : {}),
    complete_percent: isDone ? 100 : 0,
  }
  return { ...fields, scan_overview: { [REPORT]: overview } }
}

function problem(status: number, code: string, message: string): Reply {
  return { status, body: { errors: [{ code, message }] } }
}
