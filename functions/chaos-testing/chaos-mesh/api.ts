import * as z from 'zod/mini'
import { Failure, type FailureKind } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import type { HttpResponse } from '../../../shared/http/exchange.ts'
import type { RequestOptions } from '../../../shared/http/options.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'

const kubernetesObject = z.object({ uid: z.string(), name: z.string() })
type KubernetesObject = z.output<typeof kubernetesObject>
/** The dashboard returns null for an empty list. */
const objects = z.nullable(z.array(kubernetesObject))
const events = z.nullable(z.array(z.object({ reason: z.string(), message: z.string() })))

/** The dashboard returns 500 for errors of Kubernetes that are not faults of the dashboard. */
const kubernetesErrors: [RegExp, FailureKind][] = [
  [/(?:^|: )Unauthorized$/, 'credentials'],
  [/denied the request| is invalid: | is forbidden|already exists|record not found/, 'refused'],
]
const MAX_EVENTS = 1_000

interface ObjectPath {
  /** `PodChaos`, `Workflow` .. */
  kind: string
  namespace: string
}

/**
 * Sends a request to the dashboard.
 *
 * @throws Failure as `Http` does, with `refused` or `credentials` for errors of Kubernetes that have the status 500
 */
export async function send<T>(
  http: Http,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: RequestOptions<T> = {},
): Promise<HttpResponse<T>> {
  try {
    return await http.request(method, path, options)
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== 'platform' || !error.response) throw error
    const { message, response } = error
    const reason = errorReasonIn(response.body)
    const [, kind] = kubernetesErrors.find(([pattern]) => pattern.test(reason)) ?? []
    throw kind ? new Failure(kind, message, { response }) : error
  }
}

/** Returns true if the dashboard rejected the request or does not know the object. */
export function isRefusal(error: unknown): error is Failure {
  return error instanceof Failure && error.kind === 'refused'
}

/** Creates an object unless one with this name exists. */
export async function create(http: Http, kind: string, object: object): Promise<void> {
  try {
    await send(http, 'POST', collectionPath(kind), { body: object })
  } catch (error) {
    if (!isRefusedBecause(error, 'already exists')) throw error
  }
}

/** Lists objects in the cluster. Without a kind, it lists faults of every kind; a name filters the list. */
export async function listObjects(
  http: Http,
  { kind, namespace }: Partial<ObjectPath>,
  name?: string,
): Promise<KubernetesObject[]> {
  const query = kind === 'Workflow' ? { namespace } : { namespace, kind, name }
  const { body } = await send(http, 'GET', collectionPath(kind), { query, schema: objects })
  return body?.filter((object) => name === undefined || object.name === name) ?? []
}

/** Lists objects that were deleted from the cluster, for as long as the dashboard stores them. */
export async function listArchived(http: Http, { kind, namespace }: Partial<ObjectPath>): Promise<KubernetesObject[]> {
  const path = kind === 'Workflow' ? 'api/archives/workflows' : 'api/archives'
  // Some versions return an error if there is a second filter.
  const { body } = await send(http, 'GET', path, { query: { namespace }, schema: objects })
  return body ?? []
}

/** Events require permission to list all kinds. */
const FORBIDDEN = [401, 403]

/** Returns the events of an experiment, newest first, or undefined if the token may not read them. */
export async function readEvents(http: Http, id: string) {
  const { namespace, uid } = partsOf(id)
  const query = { object_id: uid, namespace, limit: MAX_EVENTS }
  const { status, body } = await send(http, 'GET', 'api/events', { query, accept: FORBIDDEN, schema: events })
  return FORBIDDEN.includes(status) ? undefined : (body ?? [])
}

/**
 * Returns the id of a run: kind, namespace and UID.
 *
 * @example formatId({ kind: 'PodChaos', namespace: 'shop' }, { uid: '8f1d3c0e-..' }) // PodChaos/shop/8f1d3c0e-..
 */
export function formatId({ kind, namespace }: ObjectPath, { uid }: KubernetesObject): string {
  return `${kind}/${namespace}/${uid}`
}

export const RUN_ID = /^([A-Z]\w{1,40})\/([a-z0-9][-a-z0-9]{0,62})\/([\w-]{1,64})$/

export function partsOf(id: string): ObjectPath & { uid: string; path: string } {
  const [kind = '', namespace = '', uid = ''] = id.split('/')
  return { kind, namespace, uid, path: `${collectionPath(kind)}/${segment(uid)}` }
}

function collectionPath(kind: string | undefined): string {
  return kind === 'Workflow' ? 'api/workflows' : 'api/experiments'
}
