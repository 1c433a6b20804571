import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

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

export interface HarborServer extends Served {
  user: string
  password: string
  state: { artifacts: Artifact[]; scans: number }
}

const REPORT = 'application/vnd.security.vulnerability.report; version=1.1'

/**
 * Harbor 2 as its API describes it.
 *
 * @see https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export async function startHarbor(): Promise<HarborServer> {
  const [user, password] = ['robot$scanner', 'harbor-secret-of-a-robot']
  const artifact = (name: string, end: Artifact['end'], severities = {}): Artifact => {
    return { name, end, severities, polls: 0, status: undefined }
  }
  const state: HarborServer['state'] = {
    artifacts: [
      artifact('shop/checkout:1.4', 'Success'),
      artifact('shop/team/api@sha256:0f3c', 'Success', { Critical: 2, High: 7 }),
      artifact('shop/broken:1.0', 'Error'),
      artifact('shop/huge:1.0', undefined),
    ],
    scans: 0,
  }
  const served = await serve((call) => answer(call, state, user, password))
  return { ...served, user, password, state }
}

function answer(
  { method, path, query, headers }: Call,
  state: HarborServer['state'],
  user: string,
  password: string,
): Reply {
  if (headers['authorization'] !== `Basic ${btoa(`${user}:${password}`)}`) {
    return problem(401, 'UNAUTHORIZED', 'unauthorized: unauthorized')
  }
  const [, project, repository = '', tag, action] =
    /^\/api\/v2\.0\/projects\/([^/]+)\/repositories\/([^/]+)\/artifacts\/([^/]+?)(\/scan|\/scan\/stop)?$/.exec(path) ??
    []
  // A slash in the name of a repository is encoded twice; one time of it is decoded already.
  const names = [':', '@'].map((sign) => `${project}/${decodeURIComponent(repository)}${sign}${tag}`)
  const artifact = state.artifacts.find(({ name }) => names.includes(name))
  if (!artifact) return problem(404, 'NOT_FOUND', `artifact ${names[0]} not found`)
  if (method === 'POST' && action === '/scan') {
    if (artifact.status === 'Running') return problem(409, 'CONFLICT', 'a previous scan process is Running')
    state.scans++
    Object.assign(artifact, { status: artifact.end ?? 'Running', polls: 0 })
    return { status: 202 }
  }
  if (method === 'POST') {
    if (artifact.status === 'Running') artifact.status = 'Stopped'
    return { status: 202 }
  }
  return ok(shown(artifact, query.get('with_scan_overview') === 'true', headers))
}

function shown(artifact: Artifact, withOverview: boolean, headers: Call['headers']): object {
  artifact.polls++
  const { severities, polls } = artifact
  const status = artifact.status && polls === 1 ? 'Pending' : artifact.status
  const plain = { id: 7, project_id: 2, digest: 'sha256:0f3c', type: 'IMAGE' }
  if (!withOverview || status === undefined || headers['x-accept-vulnerabilities'] !== REPORT) return plain
  const total = Object.values(severities).reduce((sum, count) => sum + count, 0)
  const isDone = status === 'Success'
  const overview = {
    report_id: '3c0e3b1a-6d2e-4d2f-8f0b-1c2d3e4f5a6b',
    scan_status: status,
    ...(isDone
      ? { severity: total > 0 ? 'Critical' : 'None', summary: { total, fixable: 0, summary: severities } }
      : {}),
    complete_percent: isDone ? 100 : 0,
  }
  return { ...plain, scan_overview: { [REPORT]: overview } }
}

function problem(status: number, code: string, message: string): Reply {
  return { status, body: { errors: [{ code, message }] } }
}
