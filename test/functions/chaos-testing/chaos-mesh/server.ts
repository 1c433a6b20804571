import { randomUUID } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { newestOf, type Reply } from '../../../../infra/testing/loopback-server.ts'
import { type Chaos, FAULT_KINDS, faultError, nameError, workflowError } from './resources.ts'

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

interface Event {
  object_id: string
  namespace: string
  type: string
  reason: string
  message: string
}

export type ChaosMeshServer = Awaited<ReturnType<typeof startChaosMesh>>
type State = ReturnType<typeof initial>
type Collection = 'experiments' | 'workflows'

const TOKEN = 'a-token-of-a-service-account'

const initial = () => ({
  /** The objects in the cluster, newest last. */
  objects: [] as StoredChaos[],
  records: [] as ArchivedChaos[],
  events: [] as Event[],
  namespaces: ['shop', 'shop-db', 'chaos'],
  /** The dashboard records a new object at once. */
  collects: true,
  /** A deleted object stays until its faults are removed. */
  slow: false,
  /** Verbs that the token may not use. */
  forbidden: [] as string[],
  /** The token may list every kind, which archives and events require. */
  mayListAll: true,
  /** Workflows with status checks are empty in responses, as in older versions. */
  old: false,
})

/**
 * A fake of the API of the dashboard of Chaos Mesh 2. It follows the sources: names are unique in the cluster, ids are
 * looked up in a database that is filled a little later, and an error of Kubernetes becomes a 500.
 *
 * @see https://github.com/chaos-mesh/chaos-mesh/tree/master/pkg/dashboard/apiserver
 */
export const startChaosMesh = definePlatform({
  base: '/api',
  state: initial,
  refuses: ({ headers }) => {
    const [, token] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? []
    if (!token) return failed(400, 'bad_request', 'token is empty')
    return token === TOKEN ? undefined : internalError('Unauthorized')
  },
  routes: {
    'GET /experiments': ({ state, query }) => list(state, 'experiments', query),
    'POST /experiments': ({ state, body }) => create(state, body, FAULT_KINDS),
    'GET /experiments/{uid}': ({ state, params }) => read(state, 'experiments', params.uid),
    'DELETE /experiments/{uid}': ({ state, params }) => deleteObject(state, 'experiments', params.uid),
    'GET /workflows': ({ state, query }) => list(state, 'workflows', query),
    'POST /workflows': ({ state, body }) => create(state, body, ['Workflow']),
    'GET /workflows/{uid}': ({ state, params }) => read(state, 'workflows', params.uid),
    'DELETE /workflows/{uid}': ({ state, params }) => deleteObject(state, 'workflows', params.uid),
    'GET /archives': ({ state, query }) => listArchives(state, 'experiments', query),
    'GET /archives/workflows': ({ state, query }) => listArchives(state, 'workflows', query),
    'GET /events': ({ state, query }) => listEvents(state, query),
  },
  notFound: { status: 404, body: '404 page not found' },
  members: (state) => ({
    token: TOKEN,
    /** Returns the newest object. */
    newest: () => newestOf(state.objects),
    /** Adds an event of the newest object. */
    addEvent(reason: string, message: string) {
      const { uid, metadata } = newestOf(state.objects)
      const type = reason === 'Failed' ? 'Warning' : 'Normal'
      state.events.unshift({ object_id: uid, namespace: metadata.namespace, type, reason, message })
    },
    /** Removes an object from the cluster, as happens after its last finalizer. */
    remove: (object: StoredChaos) => remove(state, object),
  }),
})

function failed(code: number, type: string, cause: string): Reply {
  const name = `error.api.${type}`
  const message = `${name}: ${cause}`
  return { status: code, body: { code, type: name, message, full_text: `${message}\n at ..` } }
}

function internalError(cause: string): Reply {
  return failed(500, 'internal_server_error', cause)
}

function missing(cause: string): Reply {
  return failed(404, 'resource_not_found', cause)
}

/** Returns the refusal if the token may not use a verb. */
function findForbidden({ forbidden }: State, verb: string, resource: string, namespace?: string): Reply | undefined {
  if (!forbidden.includes(verb)) return undefined
  const user = 'User "system:serviceaccount:chaos:webhooks"'
  const where = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope'
  const text = `${resource}.chaos-mesh.org is forbidden: ${user} cannot ${verb} resource "${resource}" in API group "chaos-mesh.org" ${where}`
  return failed(401, namespace ? 'no_namespace_privilege' : 'no_cluster_privilege', text)
}

function list(state: State, collection: Collection, query: URLSearchParams): object {
  const [namespace, name, kind] = ['namespace', 'name', 'kind'].map((field) => query.get(field) || undefined)
  const resource = collection === 'workflows' ? collection : 'podchaos'
  const found = state.objects.filter(
    (object) =>
      collectionOf(object) === collection &&
      object.metadata.namespace === (namespace ?? object.metadata.namespace) &&
      // The dashboard ignores the other filters of workflows.
      (collection === 'workflows' || object.metadata.name === (name ?? object.metadata.name)) &&
      (collection === 'workflows' || object.kind === (kind ?? object.kind)),
  )
  return findForbidden(state, 'list', resource, namespace) ?? found.map(toSummary)
}

function create(state: State, { apiVersion, kind, metadata, spec }: Chaos, kinds: readonly string[]): object {
  if (!kinds.includes(kind)) return failed(400, 'bad_request', `Kind ${kind} is not supported`)
  const isWorkflow = kind === 'Workflow'
  const resource = resourceOf(kind)
  const { name, namespace } = metadata
  const forbidden = findForbidden(state, 'create', resource, namespace)
  if (forbidden) return forbidden
  if (!state.namespaces.includes(namespace)) return missing(`namespaces "${namespace}" not found`)
  const error = (isWorkflow ? workflowError(spec) : faultError(kind, name, spec)) ?? nameError(kind, name)
  if (error) return internalError(error)
  if (findObject(state, kind, namespace, name))
    return internalError(`${resource}.chaos-mesh.org "${name}" already exists`)
  const created: StoredChaos = {
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
  state.objects.push(created)
  if (state.collects) state.records.push({ uid: created.uid, kind, namespace, name, archived: false })
  return isWorkflow ? toDetail(state, created) : { apiVersion, kind, metadata, spec }
}

function read(state: State, collection: Collection, uid: string): object {
  const found = findRecorded(state, collection, uid, 'get')
  return 'uid' in found ? toDetail(state, found) : found
}

function deleteObject(state: State, collection: Collection, uid: string): object {
  const found = findRecorded(state, collection, uid, 'delete')
  if (!('uid' in found)) return found
  if (!state.slow) remove(state, found)
  else if (collection === 'workflows') found.finishTime = new Date().toISOString()
  else found.status = 'deleting'
  return { status: 'success' }
}

/** Returns the object with an id of the database, or the refusal. */
function findRecorded(state: State, collection: Collection, uid: string, verb: string): StoredChaos | Reply {
  const record = state.records.find((one) => one.uid === uid && collectionOf(one) === collection)
  if (!record)
    return collection === 'workflows' ? internalError('record not found') : missing(`Experiment ${uid} not found`)
  const { kind, namespace, name } = record
  const resource = resourceOf(kind)
  return (
    findForbidden(state, verb, resource, namespace) ??
    findObject(state, kind, namespace, name) ??
    missing(`${resource}.chaos-mesh.org "${name}" not found`)
  )
}

function findObject({ objects }: State, kind: string, namespace: string, name: string): StoredChaos | undefined {
  return objects.find(
    (object) => object.kind === kind && object.metadata.namespace === namespace && object.metadata.name === name,
  )
}

function remove(state: State, object: StoredChaos): void {
  state.objects = state.objects.filter((other) => other !== object)
  const record = state.records.find(({ uid }) => uid === object.uid)
  if (record) record.archived = true
}

function listArchives({ records, mayListAll }: State, collection: Collection, query: URLSearchParams): object {
  const namespace = query.get('namespace')
  if (!mayListAll) return cannotListAll(namespace)
  const conditions = ['namespace', 'name', 'kind'].filter((field) => query.has(field))
  if (conditions.length > 1)
    return { status: 500, body: { code: 500, type: 'error.api.internal_server_error', message: '', full_text: '' } }
  return records
    .filter((record) => record.archived && collectionOf(record) === collection)
    .filter((record) => record.namespace === (namespace ?? record.namespace))
    .map(({ archived: _, ...record }) => ({ ...record, created_at: '2026-11-02T10:00:00Z' }))
}

function listEvents({ events, mayListAll }: State, query: URLSearchParams): object {
  const [id, namespace] = [query.get('object_id'), query.get('namespace')]
  if (!mayListAll) return cannotListAll(namespace)
  return events
    .filter((event) => event.object_id === id && event.namespace === namespace)
    .slice(0, Number(query.get('limit') ?? 100))
}

function cannotListAll(namespace: string | null): Reply {
  return failed(401, 'no_namespace_privilege', `can't list resource in namespace ${namespace ?? ''}`)
}

function collectionOf({ kind }: { kind: string }): Collection {
  return kind === 'Workflow' ? 'workflows' : 'experiments'
}

function resourceOf(kind: string): string {
  return kind === 'Workflow' ? 'workflows' : kind.toLowerCase()
}

function toSummary({ kind, metadata, uid, status, createdAt, failedMessage, endTime, finishTime, spec }: StoredChaos) {
  const { namespace, name } = metadata
  const base = { namespace, name, uid, created_at: createdAt, status }
  if (kind === 'Workflow') return { ...base, id: 1, entry: spec.entry, end_time: endTime, finish_time: finishTime }
  return { ...base, kind, failed_message: failedMessage }
}

function toDetail({ old }: State, object: StoredChaos) {
  const { apiVersion, kind, metadata, spec, nodes } = object
  const shown = { apiVersion, kind, metadata: { labels: null, annotations: null, ...metadata }, spec }
  if (kind !== 'Workflow') return { ...toSummary(object), kube_object: shown }
  const empty = { metadata: { name: '', namespace: '' }, spec: null }
  return { ...toSummary(object), topology: { nodes: old ? null : nodes }, kube_object: old ? empty : shown }
}
