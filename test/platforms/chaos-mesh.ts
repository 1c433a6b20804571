import { randomUUID } from 'node:crypto'
import {
  type Call,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/sandbox/platforms/loopback-server.ts'
import { type Chaos, FAULT_KINDS, faultError, nameError, workflowError } from './chaos-mesh-resources.ts'

interface Node {
  name: string
  type: string
  state: string
  template: string
}

interface StoredChaos extends Chaos {
  uid: string
  status: string
  failedMessage: string | undefined
  createdAt: string
  endTime: string
  finishTime: string | null
  nodes: Node[]
}

/** A record in the database of the dashboard. */
interface ArchivedChaos {
  uid: string
  kind: string
  namespace: string
  name: string
  archived: boolean
}

/** The state of the fake. Tests read and change it. */
interface ChaosMeshState {
  /** The objects in the cluster, newest last. */
  objects: StoredChaos[]
  records: ArchivedChaos[]
  events: { object_id: string; namespace: string; type: string; reason: string; message: string }[]
  namespaces: string[]
  /** Whether the dashboard takes note at once of what is made. */
  collects: boolean
  /** Whether a deleted object stays until its faults are removed. */
  slow: boolean
  /** Verbs that the token may not do. */
  forbidden: string[]
  /** Whether the token may list every kind, which archives and events need. */
  mayListAll: boolean
  /** Whether workflows with status checks are shown as older versions do: with nothing in them. */
  old: boolean
}

export interface ChaosMeshServer extends Served {
  token: string
  state: ChaosMeshState
  /** The newest object. */
  newest(): StoredChaos
  /** Adds an event of the newest object. */
  addEvent(reason: string, message: string): void
  /** Takes an object out of the cluster, as when the last of its finalizers is gone. */
  remove(object: StoredChaos): void
}

/**
 * The API of the dashboard of Chaos Mesh 2, as its sources have it: names are unique in the cluster, ids are looked up in a
 * database that is filled a little later; an error of Kubernetes becomes a 500.
 *
 * @see https://github.com/chaos-mesh/chaos-mesh/tree/master/pkg/dashboard/apiserver
 */
export async function startChaosMesh(): Promise<ChaosMeshServer> {
  const token = 'a-token-of-a-service-account'
  const state: ChaosMeshState = {
    objects: [],
    records: [],
    events: [],
    namespaces: ['shop', 'shop-db', 'chaos'],
    collects: true,
    slow: false,
    forbidden: [],
    mayListAll: true,
    old: false,
  }
  const served = await serve((call) => {
    const given = /^Bearer (.*)$/.exec(String(call.headers['authorization'] ?? ''))?.[1]
    if (!given) return failed(400, 'bad_request', 'token is empty')
    if (given !== token) return failed(500, 'internal_server_error', 'Unauthorized')
    return createDashboard(state).answer(call)
  })
  const newest = () => newestOf(state.objects)
  return {
    ...served,
    token,
    state,
    newest,
    addEvent(reason, message) {
      const { uid, metadata } = newest()
      const type = reason === 'Failed' ? 'Warning' : 'Normal'
      state.events.unshift({ object_id: uid, namespace: metadata.namespace, type, reason, message })
    },
    remove: (object) => createDashboard(state).remove(object),
  }
}

function failed(code: number, type: string, cause: string): Reply {
  const name = `error.api.${type}`
  return {
    status: code,
    body: { code, type: name, message: `${name}: ${cause}`, full_text: `${name}: ${cause}\n at ..` },
  }
}

function createDashboard(state: ChaosMeshState) {
  function answer({ method, path, query, body }: Call): Reply {
    const [, what, uid] =
      /^\/api\/(experiments|workflows|archives\/workflows|archives|events)(?:\/([^/]+))?$/.exec(path) ?? []
    const namespace = query.get('namespace') ?? ''
    if (what === undefined) return { status: 404, body: '404 page not found' }
    if (what === 'events' || what.startsWith('archives')) {
      if (!state.mayListAll)
        return failed(401, 'no_namespace_privilege', `can't list resource in namespace ${namespace}`)
      return what === 'events' ? listEvents(query) : listArchives(what.endsWith('workflows'), query)
    }
    const isWorkflow = what === 'workflows'
    if (method === 'POST') return create((body ?? {}) as Chaos, isWorkflow)
    if (uid === undefined) return list(isWorkflow, query)
    return getOne(method, uid, isWorkflow)
  }

  function remove(object: StoredChaos): void {
    state.objects = state.objects.filter((one) => one !== object)
    const record = state.records.find(({ uid }) => uid === object.uid)
    if (record) record.archived = true
  }

  function create({ apiVersion, kind, metadata, spec }: Chaos, isWorkflow: boolean): Reply {
    if (isWorkflow ? kind !== 'Workflow' : !FAULT_KINDS.includes(kind))
      return failed(400, 'bad_request', `Kind ${kind} is not supported`)
    const resource = resourceOf(kind)
    const { name, namespace } = metadata
    const may = isAllowed('create', resource, namespace)
    if (may) return may
    if (!state.namespaces.includes(namespace))
      return failed(404, 'resource_not_found', `namespaces "${namespace}" not found`)
    const error = (isWorkflow ? workflowError(spec) : faultError(kind, name, spec)) ?? nameError(kind, name)
    if (error) return failed(500, 'internal_server_error', error)
    if (find(kind, namespace, name))
      return failed(500, 'internal_server_error', `${resource}.chaos-mesh.org "${name}" already exists`)
    const made: StoredChaos = {
      apiVersion,
      kind,
      metadata,
      spec,
      uid: randomUUID(),
      status: isWorkflow ? 'unknown' : 'injecting',
      failedMessage: undefined,
      createdAt: new Date().toISOString().replace(/\.\d+/, ''),
      endTime: '',
      finishTime: null,
      nodes: [],
    }
    state.objects.push(made)
    if (state.collects) state.records.push({ uid: made.uid, kind, namespace, name, archived: false })
    return ok(isWorkflow ? detailResponse(made) : { apiVersion, kind, metadata, spec })
  }

  function list(isWorkflow: boolean, query: URLSearchParams): Reply {
    const [namespace, name, kind] = ['namespace', 'name', 'kind'].map((one) => query.get(one) || undefined)
    const may = isAllowed('list', isWorkflow ? 'workflows' : 'podchaos', namespace)
    if (may) return may
    const found = state.objects.filter(
      (one) =>
        (one.kind === 'Workflow') === isWorkflow &&
        one.metadata.namespace === (namespace ?? one.metadata.namespace) &&
        (isWorkflow || one.metadata.name === (name ?? one.metadata.name)) &&
        (isWorkflow || one.kind === (kind ?? one.kind)),
    )
    return ok(found.map((one) => toResponse(one)))
  }

  function getOne(method: string, uid: string, isWorkflow: boolean): Reply {
    const record = state.records.find((one) => one.uid === uid && (one.kind === 'Workflow') === isWorkflow)
    if (!record)
      return isWorkflow
        ? failed(500, 'internal_server_error', 'record not found')
        : failed(404, 'resource_not_found', `Experiment ${uid} not found`)
    const { kind, namespace, name } = record
    const resource = resourceOf(kind)
    const may = isAllowed(method === 'DELETE' ? 'delete' : 'get', resource, namespace)
    if (may) return may
    const object = find(kind, namespace, name)
    if (!object) return failed(404, 'resource_not_found', `${resource}.chaos-mesh.org "${name}" not found`)
    if (method === 'GET') return ok(detailResponse(object))
    if (!state.slow) remove(object)
    else if (isWorkflow) Object.assign(object, { finishTime: new Date().toISOString() })
    else object.status = 'deleting'
    return ok({ status: 'success' })
  }

  function listArchives(ofWorkflows: boolean, query: URLSearchParams): Reply {
    const conditions = ['namespace', 'name', 'kind'].filter((one) => query.has(one))
    if (conditions.length > 1)
      return { status: 500, body: { code: 500, type: 'error.api.internal_server_error', message: '', full_text: '' } }
    const found = state.records.filter(
      (one) =>
        one.archived &&
        (one.kind === 'Workflow') === ofWorkflows &&
        one.namespace === (query.get('namespace') ?? one.namespace),
    )
    return ok(found.map(({ archived: _, ...one }) => ({ ...one, created_at: '2026-11-02T10:00:00Z' })))
  }

  function listEvents(query: URLSearchParams): Reply {
    const [id, namespace] = ['object_id', 'namespace'].map((one) => query.get(one))
    const found = state.events.filter((one) => one.object_id === id && one.namespace === namespace)
    return ok(found.slice(0, Number(query.get('limit') ?? 100)))
  }

  function isAllowed(verb: string, resource: string, namespace: string | undefined): Reply | undefined {
    if (!state.forbidden.includes(verb)) return undefined
    const user = 'User "system:serviceaccount:chaos:webhooks"'
    const where = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope'
    const text = `${resource}.chaos-mesh.org is forbidden: ${user} cannot ${verb} resource "${resource}" in API group "chaos-mesh.org" ${where}`
    return failed(401, namespace ? 'no_namespace_privilege' : 'no_cluster_privilege', text)
  }

  function find(kind: string, namespace: string, name: string): StoredChaos | undefined {
    return state.objects.find(
      (one) => one.kind === kind && one.metadata.namespace === namespace && one.metadata.name === name,
    )
  }

  function toResponse({
    kind,
    metadata,
    uid,
    status,
    createdAt,
    failedMessage,
    endTime,
    finishTime,
    spec,
  }: StoredChaos) {
    const { namespace, name } = metadata
    const base = { namespace, name, uid, created_at: createdAt, status }
    if (kind === 'Workflow') return { ...base, id: 1, entry: spec.entry, end_time: endTime, finish_time: finishTime }
    return { ...base, kind, ...(failedMessage === undefined ? {} : { failed_message: failedMessage }) }
  }

  function detailResponse(object: StoredChaos) {
    const { apiVersion, kind, metadata, spec, nodes } = object
    const { old } = state
    const shown = { apiVersion, kind, metadata: { labels: null, annotations: null, ...metadata }, spec }
    if (kind !== 'Workflow') return { ...toResponse(object), kube_object: shown }
    const nothing = { metadata: { name: '', namespace: '' }, spec: null }
    return { ...toResponse(object), topology: { nodes: old ? null : nodes }, kube_object: old ? nothing : shown }
  }

  return { answer, remove }
}

function resourceOf(kind: string): string {
  return kind === 'Workflow' ? 'workflows' : kind.toLowerCase()
}
