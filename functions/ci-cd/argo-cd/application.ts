import * as z from 'zod/mini'
import { invalidInput, retryLater } from '../../../shared/errors.ts'
import { optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { segment } from '../../../shared/http/segment.ts'

const text = z.nullish(z.string())
const texts = z.nullish(z.array(z.string()))
const revisioned = { revision: text, revisions: texts }
/** The source includes settings, so the same revision can have different content. */
const sourced = { ...revisioned, source: optional(z.unknown()), sources: optional(z.unknown()) }

const operation = z.object({
  info: z.nullish(z.array(z.object({ name: z.string(), value: z.string() }))),
  sync: z.nullish(z.object({ ...revisioned, dryRun: z.nullish(z.boolean()) })),
  initiatedBy: z.nullish(z.object({ username: text, automated: z.nullish(z.boolean()) })),
})
export type Operation = z.output<typeof operation>

const health = z.nullish(z.object({ status: text, message: text }))
const syncedResource = z.object({ kind: z.string(), name: z.string(), status: text, hookPhase: text, message: text })
const operationState = z.object({
  operation,
  phase: z.string(),
  message: text,
  startedAt: z.string(),
  finishedAt: text,
  syncResult: z.nullish(z.object({ ...sourced, resources: z.nullish(z.array(syncedResource)) })),
})
export type OperationState = z.output<typeof operationState>

const deployment = z.object({ id: z.int(), deployedAt: text, ...sourced })
export type Deployment = z.output<typeof deployment>

export const application = z.object({
  metadata: z.object({ name: z.string(), namespace: optional(z.string()) }),
  spec: optional(z.object({ sources: z.nullish(z.array(z.unknown())) })),
  operation: z.nullish(operation),
  status: z.nullish(
    z.object({
      reconciledAt: text,
      sync: z.nullish(z.object({ status: z.string() })),
      health,
      operationState: z.nullish(operationState),
      history: z.nullish(z.array(deployment)),
      resources: z.nullish(z.array(z.object({ kind: z.string(), name: z.string(), health }))),
      summary: z.nullish(z.object({ images: texts })),
    }),
  ),
})
export type Application = z.output<typeof application>

/** Returns true for an application name, with or without a namespace. */
export function isApplication(text: string): boolean {
  return /^(?:[a-z0-9-]+\/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(text)
}

/** @throws Failure `invalid` */
export function checkApplication(target: string): void {
  if (!isApplication(target))
    throw invalidInput('input.target', 'must be an application such as guestbook or namespace/guestbook')
}

export function nameOf(application: string): { name: string; appNamespace?: string } {
  const [first = '', second] = application.split('/')
  return second === undefined ? { name: first } : { name: second, appNamespace: first }
}

export function pathOf(application: string): string {
  return `api/v1/applications/${segment(nameOf(application).name)}`
}

interface ApplicationId {
  /** Its name, with its namespace if it has one. */
  application: string
  project: string | undefined
}

export async function read(
  http: Http,
  { application: path, project }: ApplicationId,
  refresh?: 'normal',
): Promise<Application> {
  const query = { appNamespace: nameOf(path).appNamespace, project, refresh }
  return (await http.get(pathOf(path), { query, schema: application })).body
}

/** Returns the URL of its page in the UI. */
export function pageOf({ baseUrl }: Http, { metadata: { name, namespace } }: Application): string {
  const page = [namespace, name].flatMap((part) => (part ? [segment(part)] : [])).join('/')
  return `${baseUrl}/applications/${page}`
}

/** Returns the revisions of an operation or a deployment: one per source. */
export function revisionsOf({ revision, revisions }: { revision?: string | null; revisions?: string[] | null }) {
  if (revisions && revisions.length > 0) return revisions
  return revision ? [revision] : []
}

/** Returns a transient failure if another operation is in progress, since that operation will end. */
export function transientIfBusy(error: unknown): unknown {
  if (!isRefusedBecause(error, 'another operation is already in progress')) return error
  return retryLater(error.message, { cause: error })
}
