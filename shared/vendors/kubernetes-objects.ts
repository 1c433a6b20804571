import * as z from 'zod/mini'
import { invalidInput } from '../errors.ts'
import type { Http } from '../http/client.ts'
import { refuseUnsupported } from '../providers/unsupported-input.ts'
import { resourcePath } from './kubernetes.ts'

/** An object to create. */
export interface NewObject {
  /** Group and version, such as `batch/v1`. */
  api: string
  kind: string
  /** The plural in paths. */
  resource: string
  /** Labels and annotations in addition to those that identify the call. */
  metadata?: {
    labels?: Record<string, string> | null | undefined
    annotations?: Record<string, string> | null | undefined
  }
  spec: object
}

interface Cluster {
  http: Http
  idempotencyKey: string | undefined
  connection: { namespace: string }
}

const NAME_PREFIX = 'wh-'
const createdObject = z.object({ metadata: z.object({ name: z.string() }) })

/**
 * Creates an object whose name is derived from the idempotency key. Names are unique, so Kubernetes creates it once.
 *
 * @returns the name, even if an earlier attempt has created the object
 */
export async function createObject(
  { http, idempotencyKey: key, connection: { namespace } }: Cluster,
  { api, kind, resource, metadata: { labels, annotations } = {}, spec }: NewObject,
): Promise<string> {
  const metadata = {
    ...(key === undefined ? { generateName: NAME_PREFIX } : { name: nameOf(key) }),
    labels: { ...labels, 'app.kubernetes.io/managed-by': 'cloud-automation-webhooks' },
    annotations: { ...annotations, ...(key === undefined ? {} : { 'cloud-automation-webhooks/key': key }) },
  }
  const path = resourcePath(`apis/${api}`, namespace, resource)
  const options = { accept: [409], schema: createdObject }
  const { status, body } = await http.post(path, { apiVersion: api, kind, metadata, spec }, options)
  return status === 409 && key !== undefined ? nameOf(key) : body.metadata.name
}

/**
 * Parses the id of a run: the name of an object that a call has created. Other objects must not be stopped.
 *
 * @throws Failure `invalid`
 */
export function parseObjectId(
  platform: string,
  noun: string,
  { id, project }: { id: string; project?: string | undefined },
): { id: string } {
  refuseUnsupported(platform, { project })
  if (/^wh-[a-z0-9]{1,50}$/.test(id)) return { id }
  throw invalidInput('input.id', `must be the name of a ${noun} that a call has created, such as wh-0123456789abcdef`)
}

function nameOf(key: string): string {
  return `${NAME_PREFIX}${key.slice(0, 40)}`
}
