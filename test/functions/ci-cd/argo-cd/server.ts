import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'

interface Source {
  repoURL: string
  targetRevision: string
  helm?: { parameters: { name: string; value: string }[] }
}

interface Operation {
  sync: { revision: string; revisions?: string[]; prune?: boolean; dryRun?: boolean; [field: string]: unknown }
  initiatedBy: { username?: string; automated?: boolean }
  info?: { name: string; value: string }[]
}

interface ResourceResult {
  group: string
  version: string
  kind: string
  namespace: string
  name: string
  status: string
  message: string
  hookPhase: string
  syncPhase: string
}

interface Deployment {
  id: number
  revision?: string
  revisions?: string[]
  source?: Source
  sources?: Source[]
  deployStartedAt: string
  deployedAt: string
}

interface Application {
  metadata: { name: string; namespace: string; resourceVersion: string }
  spec: {
    project: string
    source: Source
    sources?: Source[]
    syncPolicy?: { automated: object }
  }
  operation?: Operation
  status: {
    reconciledAt: string
    sync: { status: string; revision: string }
    health: { status: string; message?: string }
    resources: { kind: string; name: string; status: string; health: { status: string; message?: string } }[]
    summary: { images: string[] }
    operationState?: {
      operation: Operation
      phase: string
      message: string
      startedAt: string
      finishedAt?: string
      syncResult: {
        revision: string
        revisions?: string[]
        source?: Source
        sources?: Source[]
        resources?: ResourceResult[]
      }
    }
    history?: Deployment[]
  }
}

export type ArgoCdServer = Awaited<ReturnType<typeof startArgoCd>>

type State = ReturnType<typeof initial>

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.robot.c2lnbmF0dXJl'
const revision = '53e28ff20cc530b9ada2173fbbd64d48338583ba'

const initial = () => ({
  applications: [newApplication('guestbook'), newApplication('cart', 'team-a')],
  may: { get: true, sync: true },
  /** A window of the project blocks every sync. */
  blocked: false,
  /** Number of operations that the API has started. */
  started: 0,
  /** Reads show these applications, which are older. */
  lagging: undefined as Application[] | undefined,
  /** The clock of the cluster, in milliseconds. */
  now: Date.now() - 60_000,
})

/**
 * The API server of Argo CD, with a controller that acts when a test says so. The fields come from assets/swagger.json of
 * argoproj/argo-cd, and the refusals from server/application/application.go.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/
 */
export const startArgoCd = definePlatform({
  base: '/api/v1',
  state: initial,
  refuses({ path, headers }) {
    if (headers['authorization'] === `Bearer ${TOKEN}`) return undefined
    if (path === '/api/v1/session/userinfo') return { status: 200, body: {} }
    return failure(401, 16, 'invalid session: token signature is invalid: signature is invalid')
  },
  routes: {
    'GET /session/userinfo': () => ({ loggedIn: true, username: 'proj:shop:robot', iss: 'argocd' }),
    'GET /applications/{name}': ({ state, params, query }) =>
      withApplication(state, params.name, Object.fromEntries(query), (found) => {
        if (query.get('refresh')) found.status.reconciledAt = found.status.operationState?.finishedAt ?? ''
        const { name, namespace } = found.metadata
        return find(state.lagging ?? [], name, namespace) ?? found
      }),
    'POST /applications/{name}/sync': ({ state, params, body }) =>
      withApplication(state, params.name, body, (found) => sync(state, found, body)),
    'POST /applications/{name}/rollback': ({ state, params, body }) =>
      withApplication(state, params.name, body, (found) => rollback(state, found, body)),
    'DELETE /applications/{name}/operation': ({ state, params, query }) =>
      withApplication(state, params.name, Object.fromEntries(query), (found) => terminate(state, found)),
  },
  notFound: failure(404, 5, 'Not Found'),
  members(state) {
    const application = (name = 'guestbook') => {
      const found = state.applications.find(({ metadata }) => metadata.name === name)
      if (!found) throw new Error(`There is no application ${name}`)
      return found
    }
    const members = {
      token: TOKEN,
      application,
      /** Starts the requested operation, as the controller does. */
      startOperation(name?: string) {
        const { operation, status, spec } = application(name)
        if (!operation) throw new Error('No operation was requested.')
        const { sync } = operation
        const { source, sources } = { ...spec, ...sync } as { source: Source; sources?: Source[] }
        status.operationState = {
          operation,
          phase: 'Running',
          message: 'waiting for healthy state of apps/Deployment/guestbook-ui',
          startedAt: nextTime(state),
          syncResult: sources
            ? { revision: '', revisions: sync.revisions ?? [], sources }
            : { revision: sync.revision, source },
        }
      },
      /** Completes the operation. The health of its resources does not matter. */
      finish(phase: string, message: string, resources: Partial<ResourceResult>[] = []) {
        finish(state, application(), phase, message, resources)
      },
      /** Lets the controller refresh the application. */
      reconcile(health: string, sync = 'Synced') {
        const reconciledAt = nextTime(state)
        const { status } = application()
        Object.assign(status, { health: { status: health }, sync: { status: sync, revision }, reconciledAt })
      },
      /** Runs an operation of another user. */
      operate(initiatedBy: Operation['initiatedBy'], sync: { revision: string } = { revision }) {
        application().operation = { sync, initiatedBy }
        members.startOperation()
        members.finish('Succeeded', 'successfully synced (all tasks run)')
      },
      /** Syncs the application to the current source, as another user. */
      deploy(revision: string, phase = 'Succeeded', source: Partial<Source> = {}) {
        Object.assign(application().spec.source, source)
        const sync = { revision, source: structuredClone(application().spec.source) }
        application().operation = { sync, initiatedBy: { username: 'mia' } }
        members.startOperation()
        members.finish(phase, '')
        members.reconcile('Healthy')
      },
    }
    return members
  },
})

function newApplication(name: string, namespace = 'argocd'): Application {
  return {
    metadata: { name, namespace, resourceVersion: '1' },
    spec: { project: 'shop', source: { repoURL: 'https://git.example.com/shop.git', targetRevision: 'HEAD' } },
    status: {
      reconciledAt: '2026-11-24T15:00:00Z',
      sync: { status: 'OutOfSync', revision },
      health: { status: 'Healthy' },
      resources: [{ kind: 'Deployment', name: 'guestbook-ui', status: 'Synced', health: { status: 'Healthy' } }],
      summary: { images: ['gcr.io/google-samples/gb-frontend:v5'] },
    },
  }
}

/** Each event is a second later than the previous one. */
function nextTime(state: State, seconds = 1): string {
  state.now += seconds * 1_000
  return new Date(state.now).toISOString().replace(/\.\d+/, '')
}

function finish(
  state: State,
  application: Application,
  phase: string,
  message: string,
  resources: Partial<ResourceResult>[],
): void {
  const { status } = application
  const { operationState } = status
  if (!operationState) throw new Error('There is no operation')
  const resource = { group: '', version: 'v1', kind: 'Service', namespace: 'shop', name: 'guestbook-ui' }
  const result = { ...resource, status: 'Synced', message: '', hookPhase: '', syncPhase: 'Sync' }
  Object.assign(operationState, { phase, message, finishedAt: nextTime(state, 12) })
  const { syncResult, startedAt: deployStartedAt, operation } = operationState
  syncResult.resources = resources.map((fields) => ({ ...result, ...fields }))
  delete application.operation
  if (phase !== 'Succeeded' || operation.sync['dryRun'] || operation.sync['resources']) return
  const { resources: _, ...deployed } = syncResult
  const history = status.history ?? []
  const id = (history.at(-1)?.id ?? -1) + 1
  // Argo CD keeps ten deployments.
  status.history = [...history, { id, deployStartedAt, deployedAt: nextTime(state), ...deployed }].slice(-10)
}

function find(applications: Application[], name: string, namespace: unknown): Application | undefined {
  return applications.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
}

function withApplication(
  { applications, may }: State,
  name: string,
  { appNamespace = 'argocd', project }: Record<string, unknown>,
  answer: (application: Application) => object,
): object | Reply {
  const found = find(applications, name, appNamespace)
  if (found && may.get && (project ?? found.spec.project) === found.spec.project) return answer(found)
  // Without a project, Argo CD does not reveal whether the application exists.
  return project && may.get
    ? failure(404, 5, `applications.argoproj.io "${name}" not found`)
    : failure(403, 7, 'permission denied')
}

interface SyncRequest extends Record<string, unknown> {
  infos: { name: string; value: string }[]
  syncOptions?: { items: string[] }
}

function sync(state: State, found: Application, request: SyncRequest): object | Reply {
  const { appNamespace: _, name: __, project: ___, infos, revision: target, strategy, syncOptions, ...fields } = request
  if (!state.may.sync) return failure(403, 7, 'permission denied: applications, sync, shop/guestbook, sub: robot')
  if (state.blocked) return failure(403, 7, 'cannot sync: blocked by sync window')
  const { source, syncPolicy } = found.spec
  if (syncPolicy && target && target !== source.targetRevision)
    return failure(400, 9, `Cannot sync to ${target}: auto-sync currently set to ${source.targetRevision}`)
  if (target === 'nope')
    return failure(400, 9, 'unable to resolve git revision : unable to resolve nope to a commit SHA')
  return operate(state, found, {
    sync: { revision, ...fields, syncOptions: syncOptions?.items, syncStrategy: strategy },
    initiatedBy: { username: 'proj:shop:robot' },
    info: infos,
  })
}

function rollback(state: State, found: Application, body: Record<string, unknown>): object | Reply {
  const { id, prune = false, ...request } = body
  // Go rejects unknown fields and values of another type.
  if (typeof id !== 'number') return failure(400, 3, 'json: cannot unmarshal string into Go value of type int64')
  const unknown = Object.keys(request).find((field) => !['name', 'appNamespace', 'project', 'dryRun'].includes(field))
  if (unknown) return failure(400, 3, `unknown field "${unknown}"`)
  if (!state.may.sync) return failure(403, 7, 'permission denied: applications, sync, shop/guestbook, sub: robot')
  if (found.spec.syncPolicy?.automated) return failure(400, 9, 'rollback cannot be initiated when auto-sync is enabled')
  const deployment = found.status.history?.find((deployment) => deployment.id === id)
  if (!deployment) return failure(400, 3, `application ${found.metadata.name} does not have deployment with id ${id}`)
  const { revision = '', revisions, source, sources } = deployment
  const sync = { revision, prune: prune as boolean, syncStrategy: { apply: {} } }
  const from = { ...(source ? { source } : {}), ...(sources ? { revisions, sources } : {}) }
  return operate(state, found, { sync: { ...sync, ...from }, initiatedBy: { username: 'proj:shop:robot' } })
}

function operate(state: State, found: Application, operation: Operation): object | Reply {
  if (found.operation) return failure(400, 9, 'another operation is already in progress')
  found.operation = operation
  state.started++
  delete found.status.operationState
  return found
}

function terminate(state: State, found: Application): object | Reply {
  if (!state.may.sync) return failure(403, 7, 'permission denied')
  const { operationState } = found.status
  if (!found.operation || !operationState)
    return failure(400, 3, 'Unable to terminate operation. No operation is in progress')
  operationState.phase = 'Terminating'
  return {}
}

/** Returns an error of gRPC in the form of the gateway. */
function failure(status: number, code: number, message: string): Reply {
  return { status, body: { error: message, code, message } }
}
