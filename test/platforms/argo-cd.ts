import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

interface Source {
  repoURL: string
  targetRevision: string
  helm?: { parameters: { name: string; value: string }[] }
}

interface Operation {
  sync: { revision: string; revisions?: string[]; prune?: boolean; dryRun?: boolean; [more: string]: unknown }
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

/** The state of the fake. Tests read and change it. */
interface ArgoCdState {
  applications: Application[]
  may: { get: boolean; sync: boolean }
  /** A window of the project in which nothing may be synced. */
  blocked: boolean
  /** How many operations the API has started. */
  started: number
  /** Reads show the applications as they were then. */
  lagging: Application[] | undefined
}

export interface ArgoCdServer extends Served {
  token: string
  state: ArgoCdState
  application(name?: string): Application
  /** Starts the requested operation, as the controller does. */
  startOperation(name?: string): void
  /** Completes the operation. The health of its resources does not matter. */
  finish(phase: string, message: string, resources?: Partial<ResourceResult>[]): void
  /** Lets the controller look at the application. */
  reconcile(health: string, sync?: string): void
  /** Runs an operation of another user. */
  operate(by: Operation['initiatedBy'], sync?: { revision: string }): void
  /** Syncs the application to the current source, as another user. */
  deploy(revision: string, phase?: string, source?: Partial<Source>): void
}

const revision = '53e28ff20cc530b9ada2173fbbd64d48338583ba'

/**
 * Argo CD as its API server answers, with a controller that acts when a test says so. Fields are those of
 * assets/swagger.json of argoproj/argo-cd, refusals those of server/application/application.go there.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/
 */
export async function startArgoCd(): Promise<ArgoCdServer> {
  const application = (name: string, namespace = 'argocd'): Application => ({
    metadata: { name, namespace, resourceVersion: '1' },
    spec: { project: 'shop', source: { repoURL: 'https://git.example.com/shop.git', targetRevision: 'HEAD' } },
    status: {
      reconciledAt: '2026-11-24T15:00:00Z',
      sync: { status: 'OutOfSync', revision },
      health: { status: 'Healthy' },
      resources: [{ kind: 'Deployment', name: 'guestbook-ui', status: 'Synced', health: { status: 'Healthy' } }],
      summary: { images: ['gcr.io/google-samples/gb-frontend:v5'] },
    },
  })
  const state: ArgoCdState = {
    applications: [application('guestbook'), application('cart', 'team-a')],
    may: { get: true, sync: true },
    blocked: false,
    started: 0,
    lagging: undefined,
  }
  const token = 'eyJhbGciOiJIUzI1NiJ9.robot.c2lnbmF0dXJl'
  const served = await serve((call) => createArgoCd(state, token).answer(call))
  const find = (name = 'guestbook') => {
    const found = state.applications.find(({ metadata }) => metadata.name === name)
    if (!found) throw new Error(`There is no application ${name}`)
    return found
  }
  const running = () => {
    const { operationState } = find().status
    if (!operationState) throw new Error('There is no operation')
    return operationState
  }
  const server: ArgoCdServer = {
    ...served,
    token,
    state,
    application: find,
    startOperation(name) {
      const { operation, status } = find(name)
      if (!operation) throw new Error('No operation was requested.')
      const startedAt = clock()
      const message = 'waiting for healthy state of apps/Deployment/guestbook-ui'
      const { sync } = operation
      const { source, sources } = { ...find(name).spec, ...sync } as { source: Source; sources?: Source[] }
      const from = sources
        ? { revision: '', revisions: sync.revisions ?? [], sources }
        : { revision: sync.revision, source }
      status.operationState = { operation, phase: 'Running', message, startedAt, syncResult: from }
    },
    finish(phase, message, resources = []) {
      const core = { group: '', version: 'v1', namespace: 'shop', message: '', hookPhase: '', syncPhase: 'Sync' }
      Object.assign(running(), { phase, message, finishedAt: clock(12) })
      running().syncResult.resources = resources.map((one) => ({
        ...core,
        kind: 'Service',
        name: 'guestbook-ui',
        status: 'Synced',
        ...one,
      }))
      delete find().operation
      const { startedAt: deployStartedAt, operation, syncResult } = running()
      const { dryRun, resources: some } = operation.sync
      if (phase !== 'Succeeded' || dryRun || some) return
      const { resources: _, ...from } = syncResult
      const history = find().status.history ?? []
      find().status.history = history
      history.push({ id: (history.at(-1)?.id ?? -1) + 1, deployStartedAt, deployedAt: clock(), ...from })
      // As many as Argo CD keeps.
      history.splice(0, history.length - 10)
    },
    reconcile(health, sync = 'Synced') {
      const { status } = find()
      Object.assign(status, { health: { status: health }, sync: { status: sync, revision }, reconciledAt: clock() })
    },
    operate(initiatedBy, sync = { revision }) {
      find().operation = { sync, initiatedBy }
      server.startOperation()
      server.finish('Succeeded', 'successfully synced (all tasks run)')
    },
    deploy(revision, phase = 'Succeeded', source = {}) {
      Object.assign(find().spec.source, source)
      const sync = { revision, source: structuredClone(find().spec.source) }
      find().operation = { sync, initiatedBy: { username: 'mia' } }
      server.startOperation()
      server.finish(phase, '')
      server.reconcile('Healthy')
    },
  }
  // The clock of the cluster: each event is a second after the one before.
  let now = Date.now() - 60_000
  const clock = (seconds = 1) => {
    now += seconds * 1_000
    return new Date(now).toISOString().replace(/\.\d+/, '')
  }
  return server
}

function createArgoCd(state: ArgoCdState, token: string) {
  function answer(call: Call): Reply {
    const { method, path, headers } = call
    const given = headers['authorization']
    const isUser = given === `Bearer ${token}`
    if (path === '/api/v1/session/userinfo')
      return ok(isUser ? { loggedIn: true, username: 'proj:shop:robot', iss: 'argocd' } : {})
    if (!isUser) return failure(401, 16, 'invalid session: token signature is invalid: signature is invalid')
    const [, name, what] = /^\/api\/v1\/applications\/([^/]+)(?:\/(.+))?$/.exec(path) ?? []
    if (!name) return failure(404, 5, 'Not Found')
    const asked = method === 'POST' ? (call.body as Record<string, unknown>) : Object.fromEntries(call.query)
    const isAsked = ({ metadata }: Application) =>
      metadata.name === name && metadata.namespace === (asked['appNamespace'] ?? 'argocd')
    const found = state.applications.find(isAsked)
    // Without a project, Argo CD does not reveal whether the application exists.
    if (!found || (asked['project'] ?? found.spec.project) !== found.spec.project || !state.may.get)
      return asked['project'] && state.may.get
        ? failure(404, 5, `applications.argoproj.io "${name}" not found`)
        : failure(403, 7, 'permission denied')
    if (method === 'GET' && what === undefined) {
      if (asked['refresh']) found.status.reconciledAt = found.status.operationState?.finishedAt ?? ''
      return ok(state.lagging?.find(isAsked) ?? found)
    }
    if (method === 'POST' && what === 'sync') return sync(found, call.body)
    if (method === 'POST' && what === 'rollback') return rollback(found, call.body)
    if (method === 'DELETE' && what === 'operation') return terminate(found)
    return failure(501, 12, 'Method Not Allowed')
  }

  function sync(found: Application, body: unknown): Reply {
    if (!state.may.sync) return failure(403, 7, 'permission denied: applications, sync, shop/guestbook, sub: robot')
    if (state.blocked) return failure(403, 7, 'cannot sync: blocked by sync window')
    const { infos, revision: asked, strategy, ...request } = body as Record<string, unknown>
    const { source, syncPolicy } = found.spec
    if (syncPolicy && asked && asked !== source.targetRevision)
      return failure(400, 9, `Cannot sync to ${asked}: auto-sync currently set to ${source.targetRevision}`)
    if (asked === 'nope')
      return failure(400, 9, 'unable to resolve git revision : unable to resolve nope to a commit SHA')
    const { appNamespace: _, name: __, project: ___, syncOptions, ...rest } = request
    return operate(found, {
      sync: {
        revision,
        ...rest,
        ...(syncOptions ? { syncOptions: (syncOptions as { items: string[] }).items } : {}),
        ...(strategy ? { syncStrategy: strategy } : {}),
      },
      initiatedBy: { username: 'proj:shop:robot' },
      info: infos as Operation['info'] & object,
    })
  }

  function rollback(found: Application, body: unknown): Reply {
    const { id, prune = false, ...request } = body as Record<string, unknown>
    // Go rejects unknown fields and values of another type.
    if (typeof id !== 'number') return failure(400, 3, 'json: cannot unmarshal string into Go value of type int64')
    const strange = Object.keys(request).find((field) => !['name', 'appNamespace', 'project', 'dryRun'].includes(field))
    if (strange) return failure(400, 3, `unknown field "${strange}"`)
    if (!state.may.sync) return failure(403, 7, 'permission denied: applications, sync, shop/guestbook, sub: robot')
    if (found.spec.syncPolicy?.automated)
      return failure(400, 9, 'rollback cannot be initiated when auto-sync is enabled')
    const deployment = found.status.history?.find((one) => one.id === id)
    if (!deployment) return failure(400, 3, `application ${found.metadata.name} does not have deployment with id ${id}`)
    const { revision = '', revisions, source, sources } = deployment
    const sync = { revision, prune: prune as boolean, syncStrategy: { apply: {} } }
    const from = { ...(source ? { source } : {}), ...(sources ? { revisions, sources } : {}) }
    return operate(found, { sync: { ...sync, ...from }, initiatedBy: { username: 'proj:shop:robot' } })
  }

  function operate(found: Application, operation: Operation): Reply {
    if (found.operation) return failure(400, 9, 'another operation is already in progress')
    found.operation = operation
    state.started++
    delete found.status.operationState
    return ok(found)
  }

  function terminate(found: Application): Reply {
    if (!state.may.sync) return failure(403, 7, 'permission denied')
    const { operationState } = found.status
    if (!found.operation || !operationState)
      return failure(400, 3, 'Unable to terminate operation. No operation is in progress')
    operationState.phase = 'Terminating'
    return ok({})
  }

  return { answer }
}

/** As the gateway makes it of an error of gRPC. */
function failure(status: number, code: number, message: string): Reply {
  return { status, body: { error: message, code, message } }
}
