import * as z from 'zod/mini'
import { Failure, type FailureKind } from '../../shared/errors.ts'
import type { Http, RequestOptions } from '../../shared/http/client.ts'
import type { HttpResponse } from '../../shared/http/exchange.ts'
import { segment } from '../../shared/http/segment.ts'
import { invalid } from './chaos-mesh-objects.ts'

const named = z.object({ uid: z.string(), name: z.string() })
/** An object by the name that it has in its namespace, and by what names it for good. */
type Named = z.output<typeof named>
/** A list that is empty may be null. */
const listed = z.nullable(z.array(named))
const events = z.nullable(z.array(z.object({ reason: z.string(), message: z.string() })))

/** What Kubernetes refuses, and that a name is taken, the dashboard answers with 500. */
const refusals: [RegExp, FailureKind][] = [
  [/: Unauthorized$/, 'credentials'],
  [/denied the request| is invalid: | is forbidden|already exists|record not found/, 'refused'],
]
const mostEvents = 1_000

/** Where an object is. */
interface Place {
  /** `PodChaos`, `Workflow` .. */
  kind: string
  namespace: string
}

/**
 * A request to the dashboard.
 *
 * @throws Failure as Http does, but `refused` and `credentials` for what is answered with 500 and is no fault
 */
export async function ask<T>(
  http: Http,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: RequestOptions<T> = {},
): Promise<HttpResponse<T>> {
  try {
    return await http.request(method, path, options)
  } catch (error) {
    const meant = error instanceof Failure && error.kind === 'platform' ? error.message : ''
    const [, kind] = refusals.find(([words]) => words.test(meant)) ?? []
    throw kind ? new Failure(kind, meant) : error
  }
}

/** Whether the dashboard would not do it, or knows of no such thing. */
export function isRefusal(error: unknown): error is Failure {
  return error instanceof Failure && error.kind === 'refused'
}

/** Makes an object, unless there is one of that name. */
export async function create(http: Http, kind: string, object: object): Promise<void> {
  try {
    await ask(http, 'POST', listOf(kind), { body: object })
  } catch (error) {
    if (!isRefusal(error) || !error.message.includes('already exists')) throw error
  }
}

/** What of a kind is in the cluster now, of that name where one is given; of any kind of fault where none is. */
export async function inCluster(http: Http, { kind, namespace }: Partial<Place>, name?: string): Promise<Named[]> {
  const query = kind === 'Workflow' ? { namespace } : { namespace, kind, name }
  const { body } = await ask(http, 'GET', listOf(kind), { query, schema: listed })
  return body?.filter((one) => name === undefined || one.name === name) ?? []
}

/** What was deleted from the cluster, for as long as the dashboard remembers it. */
export async function archived(http: Http, { kind, namespace }: Partial<Place>): Promise<Named[]> {
  const path = kind === 'Workflow' ? 'api/archives/workflows' : 'api/archives'
  // Some versions fail at a second condition.
  const { body } = await ask(http, 'GET', path, { query: { namespace }, schema: listed })
  return body ?? []
}

/** Events are shown to who may list all kinds. */
const notShown = [401, 403]

/** What happened to an experiment, the newest first; undefined where the token may not see it. */
export async function eventsOf(http: Http, id: string) {
  const { namespace, uid } = placeOf(id)
  const query = { object_id: uid, namespace, limit: mostEvents }
  const { status, body } = await ask(http, 'GET', 'api/events', { query, accept: notShown, schema: events })
  return notShown.includes(status) ? undefined : (body ?? [])
}

/** An id is `PodChaos/shop/8f1d3c0e-..`: the kind, the namespace and what Kubernetes calls it for good. */
export function idOf({ kind, namespace }: Place, { uid }: Named): string {
  return `${kind}/${namespace}/${uid}`
}

/** @throws Failure `invalid` */
export function placeOf(id: string): Place & { uid: string; path: string } {
  const [, kind, namespace, uid] = /^([A-Z]\w{1,40})\/([a-z0-9][-a-z0-9]{0,62})\/([\w-]{1,64})$/.exec(id) ?? []
  if (kind && namespace && uid) return { kind, namespace, uid, path: `${listOf(kind)}/${segment(uid)}` }
  throw invalid('id', 'is no experiment: write it like PodChaos/shop/8f1d3c0e-2a51-4c0b-9d3f-6f0c1c7f7a10')
}

function listOf(kind: string | undefined): string {
  return kind === 'Workflow' ? 'api/workflows' : 'api/experiments'
}
