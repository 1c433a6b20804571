import * as z from 'zod/mini'
import { Failure, invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import { oneOf, onOff, optional, secret, url, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { isRefusedBecause } from '../../../shared/http/refusal.ts'
import { defineJobProvider, type Run, type StartJob } from '../../../shared/providers/job.ts'
import { validate } from '../../../shared/validate.ts'
import {
  type Application,
  application,
  checkApplication,
  isApplication,
  nameOf,
  type Operation,
  pageOf,
  pathOf,
  read,
  revisionsOf,
  transientIfBusy,
} from './application.ts'
import { rollback } from './rollback.ts'
import { isDryRun, isHealthCurrent, statusOf } from './status.ts'

const connection = z.strictObject({
  baseUrl: url('URL of the API server, with its root path if it has one'),
  token: secret(
    'Token of a project role (argocd proj role create-token) or a local account with apiKey, with get and sync on applications',
  ),
  project: optional(word('Default Argo CD project; without a project, Argo CD returns 403 for an unknown application')),
  target: optional(word("Default application; namespace/application if it is not in Argo CD's namespace")),
})

const parameters = z.strictObject({
  prune: optional(onOff('Whether to delete resources that are no longer in the source')),
  dryRun: optional(onOff('Whether to apply nothing')),
  force: optional(onOff('Whether to delete and recreate resources that cannot be changed')),
  strategy: optional(oneOf(['apply', 'hook'], 'Whether to skip hooks (apply) or run them (hook). Defaults to hook')),
  resources: optional(words('Sync only these resources: group:kind:name or group:kind:namespace/name')),
  syncOptions: optional(words("Options such as Replace=true, instead of the application's own")),
})

const userInfo = z.object({ loggedIn: z.optional(z.boolean()) })

/** Name of the info entry that holds the marker of an operation. The UI shows it with the other entries. */
const MARKER_NAME = 'cloud-automation-webhooks'
/** Another operation that started this recently may have replaced ours before a poll saw it. */
const REPLACEMENT_WINDOW_MS = 600_000

/**
 * Argo CD: syncs an application, or rolls it back, and waits until the result is healthy.
 *
 * An application stores only its last operation, and an operation has no id. So each sync carries a marker that distinguishes
 * it from others. A rollback is identified by the deployment that it restores.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/
 */
export const argoCd = defineJobProvider({
  title: 'Argo CD',
  noun: 'sync',
  notifiedBy: { type: 'argo-cd', wakeId: ({ id }) => id.split('#')[0] },
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),

  // If anonymous access is enabled, Argo CD returns 200 without a valid token.
  async check({ http }) {
    const { body } = await http.get('api/v1/session/userinfo', { schema: userInfo })
    if (!body.loggedIn)
      throw new Failure(
        'credentials',
        'Argo CD treats this token as anonymous: it has no account. Create a token for a project role or an account.',
      )
  },

  // The phase of the operation, the health of the application, and whether it matches its source.
  states: {
    Pending: 'running',
    Running: 'running',
    Terminating: 'running',
    Failed: 'fail',
    Error: 'errored',
    Replaced: 'errored',
    Succeeded: 'running',
    'Succeeded/dry run': 'pass',
    'Succeeded/Healthy/Synced': 'pass',
    'Succeeded/Healthy/OutOfSync': 'warning',
    'Succeeded/Progressing/Synced': 'running',
    'Succeeded/Progressing/OutOfSync': 'running',
    'Succeeded/Suspended/Synced': 'running',
    'Succeeded/Suspended/OutOfSync': 'running',
    'Succeeded/Degraded/Synced': 'fail',
    'Succeeded/Degraded/OutOfSync': 'fail',
    'Succeeded/Missing/Synced': 'fail',
    'Succeeded/Missing/OutOfSync': 'fail',
  },

  checkStart(input) {
    checkApplication(input.target)
    parametersOf(input)
  },

  // Argo CD stores only the newest operation of an application.
  lookUp: { newest: 1 },

  async find({ http, idempotencyKey, isRetry }, { target, project }) {
    const operation = { application: target, marker: markerOf(idempotencyKey), project }
    const found = await read(http, operation)
    const state = found.status?.operationState
    const operations = [found.operation, state?.operation]
    if (operations.some((candidate) => hasMarker(candidate, operation.marker))) return runOf(http, found, operation)
    // Ours may have ended and been replaced by another operation.
    const isRecent = state && Date.now() - Date.parse(state.startedAt) < REPLACEMENT_WINDOW_MS
    return isRetry && isRecent ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey }, input) {
    const { target, project, ref } = input
    // A random marker still distinguishes the sync from others, but a retry cannot find it.
    const marker = markerOf(idempotencyKey ?? crypto.randomUUID().replaceAll('-', ''))
    const { appNamespace, name } = nameOf(target)
    // The response to a sync does not contain the previous operation.
    const found = await read(http, { application: target, project })
    if (ref !== undefined) checkOneSource(found, target)
    const body = {
      name,
      appNamespace,
      project,
      revision: ref,
      ...parametersOf(input),
      infos: [{ name: MARKER_NAME, value: marker }],
    }
    try {
      await http.post(`${pathOf(target)}/sync`, body, { schema: application })
    } catch (error) {
      throw transientIfBusy(error)
    }
    return runOf(http, found, { application: target, marker, project })
  },

  async getStatus({ http }, run) {
    const operation = operationOf(run)
    const current = await read(http, operation)
    const state = stateOf(current, operation)
    if (state === 'pending') return { state: 'Pending', progress: 'not started yet' }
    if (state === 'replaced') return { state: 'Replaced', reason: describeReplacement(current) }
    if (state.phase !== 'Succeeded' || isDryRun(state) || isHealthCurrent(current, state))
      return statusOf(current, state, operation.deployment !== undefined)
    // Without a refresh, Argo CD reassesses an unchanged application only after minutes.
    const refreshed = await read(http, operation, 'normal')
    const latest = stateOf(refreshed, operation)
    return typeof latest === 'object' && isHealthCurrent(refreshed, latest)
      ? statusOf(refreshed, latest, operation.deployment !== undefined)
      : { state: 'Succeeded', progress: 'synced; its health is not known yet' }
  },

  parseRunId({ id, project }) {
    const run = { id, providerState: { project } }
    operationOf(run)
    return run
  },

  async stop({ http }, run) {
    const operation = operationOf(run)
    const { application, project } = operation
    const state = stateOf(await read(http, operation), operation)
    // The request stops whichever operation is running, so never send it for an operation of another caller.
    if (state === 'replaced') return
    if (state === 'pending') throw retryLater(`Argo CD has not started sync ${run.id} yet, so it cannot be stopped.`)
    if (state.finishedAt)
      throw refused(`Sync ${run.id} has already been applied. Argo CD cannot stop the rollout in the cluster.`)
    const query = { appNamespace: nameOf(application).appNamespace, project }
    try {
      await http.delete(`${pathOf(application)}/operation`, { query })
    } catch (error) {
      // It may have ended in the meantime.
      if (!isRefusedBecause(error, 'No operation is in progress')) throw error
    }
  },

  rollback,
})

/** Identifies an operation. */
interface OperationId {
  application: string
  /** For a sync. */
  marker?: string | undefined
  /** For a rollback: the id of the deployment that it restores. */
  deployment?: number | undefined
  /** For a rollback: the revisions of that deployment. */
  revisions?: string[]
  project: string | undefined
  /** Start time of the previous operation, or null if there was none. A stale read can still return that operation. */
  before?: string | null
}

/** The id of a run is the application with the marker of a sync, or with the deployment that a rollback restores. */
function operationOf({ id, providerState }: Run): OperationId {
  const [, application, marker, deployment] = /^([^#]+)#(?:([0-9a-f]{12})|rollback-(\d{1,15}))$/.exec(id) ?? []
  if (!application || !isApplication(application))
    throw invalidInput('input.id', 'must be a sync id such as guestbook#0a1b2c3d4e5f or guestbook#rollback-12')
  const known = providerState as Pick<OperationId, 'project' | 'before' | 'revisions'>
  return { application, marker, deployment: deployment === undefined ? undefined : Number(deployment), ...known }
}

function runOf(http: Http, found: Application, { application, marker, project }: OperationId): Run {
  const state = found.status?.operationState
  return {
    id: `${application}#${marker}`,
    url: pageOf(http, found),
    providerState: { project, ...(hasMarker(state?.operation, marker) ? {} : { before: state?.startedAt ?? null }) },
  }
}

function markerOf(idempotencyKey: string): string {
  return idempotencyKey.slice(0, 12)
}

function hasMarker(operation: Operation | null | undefined, marker: string | undefined): boolean {
  return operation?.info?.some(({ name, value }) => name === MARKER_NAME && value === marker) ?? false
}

/** Returns true if the operation is ours. Rollbacks to the same revision cannot be distinguished. */
function isOurs(operation: Operation | null | undefined, { status }: Application, ours: OperationId): boolean {
  if (ours.marker) return hasMarker(operation, ours.marker)
  if (!operation?.sync || operation.info?.length || operation.initiatedBy?.automated) return false
  const revisions = ours.revisions ?? revisionsOf(status?.history?.find(({ id }) => id === ours.deployment) ?? {})
  return revisions.length > 0 && revisionsOf(operation.sync).join() === revisions.join()
}

/** With several sources, Argo CD silently ignores a single revision. Throws Failure `refused`. */
function checkOneSource({ spec }: Application, target: string): void {
  if (!spec?.sources || spec.sources.length < 2) return
  throw refused(`${target} has several sources, but input.ref is a single revision. Remove input.ref.`)
}

/** Returns the parameters of a sync in the names of Argo CD. Throws Failure `invalid`. */
function parametersOf(input: StartJob) {
  const path = 'input.parameters'
  const values = validate(parameters, input.parameters ?? {}, { what: path, root: path, isNullUnset: true })
  const { prune, dryRun, force, strategy, resources, syncOptions } = values
  return {
    ...(prune ? { prune: prune === 'on' } : {}),
    ...(dryRun ? { dryRun: dryRun === 'on' } : {}),
    ...(force || strategy ? { strategy: { [strategy ?? 'hook']: { force: force === 'on' } } } : {}),
    ...(resources ? { resources: resources.map(resourceOf) } : {}),
    ...(syncOptions ? { syncOptions: { items: syncOptions } } : {}),
  }
}

/** The group is empty for core resources of Kubernetes, as in `:Service:guestbook`. */
function resourceOf(text: string) {
  const [, group = '', kind, namespace, name] = /^([^:/]*):([^:/]+):(?:([^:/]+)\/)?([^:/]+)$/.exec(text) ?? []
  if (kind && name) return { group, kind, name, ...(namespace ? { namespace } : {}) }
  throw invalidInput(
    'input.parameters.resources',
    `contains the invalid resource "${text}": use <group>:<kind>:<name>, such as apps:Deployment:guestbook`,
  )
}

/** Returns the state of our operation. Throws Failure `refused` if Argo CD reports no operation. */
function stateOf(current: Application, ours: OperationId) {
  const { application, marker, deployment, before } = ours
  const state = current.status?.operationState
  const isPrevious = before !== undefined && before === (state?.startedAt ?? null)
  if (state && !isPrevious && isOurs(state.operation, current, ours)) return state
  if (isPrevious || isOurs(current.operation, current, ours)) return 'pending'
  if (state) return 'replaced'
  const name = marker ? `operation ${marker}` : `rollback to deployment ${deployment}`
  throw refused(`Argo CD reports no ${name} of ${application}, and no other operation.`)
}

function describeReplacement({ status }: Application): string {
  const { operation, startedAt } = status?.operationState ?? {}
  const { username, automated } = operation?.initiatedBy ?? {}
  const actor = username ?? (automated ? 'auto-sync' : 'an unknown user')
  return `the operation that ${actor} started at ${startedAt} replaced it, so its result is unknown`
}
