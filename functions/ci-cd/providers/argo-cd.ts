import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { oneOf, onOff, optional, secret, url, word, words } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { validate } from '../../../shared/validate.ts'
import {
  type Application,
  application,
  checkApplication,
  invalid,
  isApplication,
  isRefusal,
  nameOf,
  type Operation,
  type OperationState,
  pageOf,
  pathOf,
  read,
  revisionsOf,
  unlessBusy,
} from '../argo-cd-application.ts'
import { rollback } from '../argo-cd-rollback.ts'

const connection = z.strictObject({
  baseUrl: url('Where the API server is, with its root path where it has one'),
  token: secret('A token of a project role or of a local account; it needs get and sync on applications'),
  project: optional(word('Default project of Argo CD; without one an application that is not there is a 403')),
  target: optional(word('Default application; namespace/application where it is not in the namespace of Argo CD')),
})

const parameters = z.strictObject({
  prune: optional(onOff('Whether what is no longer in the source is deleted')),
  dryRun: optional(onOff('Whether nothing is applied')),
  force: optional(onOff('Whether what can not be changed is deleted and made anew')),
  strategy: optional(oneOf(['apply', 'hook'], 'Whether hooks are left out (apply) or run (hook, as without it)')),
  resources: optional(words('What alone is synced, each as group:kind:name or group:kind:namespace/name')),
  syncOptions: optional(words("Options such as Replace=true, instead of the application's own")),
})

const userInfo = z.object({ loggedIn: z.optional(z.boolean()) })

/** Under this name an operation carries its mark, beside what else the user interface shows of it. */
const markName = 'cloud-automation-webhooks'
/** So lately another operation may have taken the place of ours before anybody could see it, in milliseconds. */
const lately = 600_000
const longestReason = 500
const mostNamed = 10

/**
 * Argo CD: a sync of an application, or its rollback, until what that has applied is healthy.
 *
 * An application keeps its last operation only, and an operation has no id: a sync of ours carries a mark of its own, so that
 * another is never taken for it. A rollback is known by what it goes back to.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/developer-guide/api-docs/
 */
export const argoCd = defineJobProvider({
  title: 'Argo CD',
  noun: 'sync',
  connection,
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),

  // Where strangers may look, no token at all is answered with 200.
  async check({ http }) {
    const { body } = await http.get('api/v1/session/userinfo', { schema: userInfo })
    if (!body.loggedIn) throw new Failure('credentials', 'Argo CD takes the token for that of nobody.')
  },

  // The phase of the operation, then the health of the application, then whether it is as its source says.
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

  async find({ http, idempotencyKey: key, isRetry: repeated }, { target, project }) {
    const place = { application: target, mark: markOf(key), project }
    const found = await read(http, place)
    const state = found.status?.operationState
    if ([found.operation, state?.operation].some((one) => carries(one, place.mark))) return runOf(http, found, place)
    // Ours may have come to its end, and another has taken its place.
    return repeated && state && Date.now() - Date.parse(state.startedAt) < lately ? 'unknown' : undefined
  },

  async start({ http, idempotencyKey: key }, input) {
    const { target, project, ref } = input
    // Without a key it is told from others all the same, but not found again.
    const mark = markOf(key ?? crypto.randomUUID().replaceAll('-', ''))
    const { appNamespace, name } = nameOf(target)
    // What its answer shows is without the operation before.
    const found = await read(http, { application: target, project })
    if (ref !== undefined) checkOneSource(found, target)
    const body = {
      name,
      appNamespace,
      project,
      revision: ref,
      ...parametersOf(input),
      infos: [{ name: markName, value: mark }],
    }
    try {
      await http.post(`${pathOf(target)}/sync`, body, { schema: application })
    } catch (error) {
      throw unlessBusy(error)
    }
    return runOf(http, found, { application: target, mark, project })
  },

  async getStatus({ http }, run) {
    const place = placeOf(run)
    const seen = await read(http, place)
    const state = stateOf(seen, place)
    if (state === 'pending') return { state: 'Pending', progress: 'not begun yet' }
    if (state === 'replaced') return { state: 'Replaced', reason: replacedBy(seen) }
    if (state.phase !== 'Succeeded' || isDryRun(state) || isJudged(seen, state)) return sightOf(seen, state, place)
    // Left alone, it is looked at anew only after minutes where nothing has changed.
    const judged = await read(http, place, 'normal')
    const now = stateOf(judged, place)
    return typeof now === 'object' && isJudged(judged, now)
      ? sightOf(judged, now, place)
      : { state: 'Succeeded', progress: 'synced; its health is not known yet' }
  },

  parseRunId({ id, project }) {
    const run = { id, providerState: { project } }
    placeOf(run)
    return run
  },

  async stop({ http }, run) {
    const place = placeOf(run)
    const { application, project } = place
    const state = stateOf(await read(http, place), place)
    // The call ends whatever operation there is: so never that of somebody else.
    if (state === 'replaced') return
    if (state === 'pending')
      throw new Failure('platform', `Argo CD has not begun sync ${run.id} yet, and can not stop it.`)
    if (state.finishedAt)
      throw new Failure(
        'refused',
        `Sync ${run.id} has been applied: what goes on is in the cluster, and nothing that Argo CD could stop.`,
      )
    const query = { appNamespace: nameOf(application).appNamespace, project }
    try {
      await http.delete(`${pathOf(application)}/operation`, { query })
    } catch (error) {
      // It has come to its end in the meantime.
      if (!isRefusal(error, 'No operation is in progress')) throw error
    }
  },

  rollback,
})

/** What it takes to find an operation again. */
interface Place {
  application: string
  /** Of a sync: what its operation carries. */
  mark?: string | undefined
  /** Of a rollback: the id of the deployment that it goes back to, and the revisions of that. */
  deployment?: number | undefined
  revisions?: string[]
  project: string | undefined
  /** When the operation before ours began, null for none; where a read lags, it is seen in place of ours. */
  before?: string | null
}

/** An id is the application with the mark that its operation carries, or with the deployment that a rollback goes back to. */
function placeOf({ id, providerState }: Run): Place {
  const [, application, mark, deployment] = /^([^#]+)#(?:([0-9a-f]{12})|rollback-(\d{1,15}))$/.exec(id) ?? []
  if (!application || !isApplication(application))
    throw invalid('id', 'is no sync: write it like guestbook#0a1b2c3d4e5f, or guestbook#rollback-12')
  const known = providerState as Pick<Place, 'project' | 'before' | 'revisions'>
  return { application, mark, deployment: deployment === undefined ? undefined : Number(deployment), ...known }
}

function runOf(http: Http, found: Application, { application, mark, project }: Place): Run {
  const state = found.status?.operationState
  return {
    id: `${application}#${mark}`,
    url: pageOf(http, found),
    providerState: { project, ...(carries(state?.operation, mark) ? {} : { before: state?.startedAt ?? null }) },
  }
}

function markOf(key: string): string {
  return key.slice(0, 12)
}

function carries(operation: Operation | null | undefined, mark: string | undefined): boolean {
  return operation?.info?.some(({ name, value }) => name === markName && value === mark) ?? false
}

/** Whether an operation is ours. A rollback of ours can not be told from another to the same revision. */
function isOurs(operation: Operation | null | undefined, { status }: Application, place: Place): boolean {
  if (place.mark) return carries(operation, place.mark)
  if (!operation?.sync || operation.info?.length || operation.initiatedBy?.automated) return false
  const revisions = place.revisions ?? revisionsOf(status?.history?.find(({ id }) => id === place.deployment) ?? {})
  return revisions.length > 0 && revisionsOf(operation.sync).join() === revisions.join()
}

/** Of several sources it would leave our revision out without a word. Throws Failure `refused`. */
function checkOneSource({ spec }: Application, target: string): void {
  if (!spec?.sources || spec.sources.length < 2) return
  throw new Failure('refused', `${target} has several sources, and input.ref is one revision: leave it out.`)
}

/** What a sync is asked for beside its revision. Throws Failure `invalid`. */
function parametersOf(input: StartJob) {
  const where = 'input.parameters'
  const given = validate(parameters, input.parameters ?? {}, { what: where, root: where })
  const { prune, dryRun, force, strategy, resources, syncOptions } = given
  return {
    ...(prune ? { prune: prune === 'on' } : {}),
    ...(dryRun ? { dryRun: dryRun === 'on' } : {}),
    ...(force || strategy ? { strategy: { [strategy ?? 'hook']: { force: force === 'on' } } } : {}),
    ...(resources ? { resources: resources.map(resourceOf) } : {}),
    ...(syncOptions ? { syncOptions: { items: syncOptions } } : {}),
  }
}

/** The group is empty for the core of Kubernetes, as in `:Service:guestbook`. */
function resourceOf(text: string) {
  const [, group = '', kind, namespace, name] = /^([^:/]*):([^:/]+):(?:([^:/]+)\/)?([^:/]+)$/.exec(text) ?? []
  if (kind && name) return { group, kind, name, ...(namespace ? { namespace } : {}) }
  throw invalid('parameters.resources', `has "${text}", which is no resource: write it like apps:Deployment:guestbook`)
}

/** How our operation stands, as far as that can be seen. Throws Failure `refused` where there is nothing of it. */
function stateOf(seen: Application, place: Place) {
  const { application, mark, deployment, before } = place
  const state = seen.status?.operationState
  const isBefore = before !== undefined && before === (state?.startedAt ?? null)
  if (state && !isBefore && isOurs(state.operation, seen, place)) return state
  if (isBefore || isOurs(seen.operation, seen, place)) return 'pending'
  if (state) return 'replaced'
  const what = mark ? `operation ${mark}` : `rollback to deployment ${deployment}`
  throw new Failure('refused', `Argo CD shows no ${what} of ${application}, nor any other.`)
}

function replacedBy({ status }: Application): string {
  const { operation, startedAt } = status?.operationState ?? {}
  const { username, automated } = operation?.initiatedBy ?? {}
  const who = username ?? (automated ? 'auto-sync' : 'somebody')
  return `the operation that ${who} began at ${startedAt} has taken its place, so how it ended is not known`
}

function isDryRun({ operation }: OperationState): boolean {
  return operation.sync?.dryRun ?? false
}

/** Whether the health is that of what the operation has applied, and not of what was there before. */
function isJudged({ status }: Application, { finishedAt }: OperationState): boolean {
  const { reconciledAt } = status ?? {}
  return Boolean(finishedAt && reconciledAt && Date.parse(reconciledAt) >= Date.parse(finishedAt))
}

function sightOf(seen: Application, state: OperationState, { deployment }: Place): RunStatus {
  const { phase, message, finishedAt } = state
  if (!finishedAt) return { state: phase, progress: message || undefined }
  if (phase !== 'Succeeded') {
    // A sync that somebody ended has failed, too.
    const ended =
      phase === 'Failed' && message?.startsWith('Operation terminated') ? { verdict: 'aborted' as const } : {}
    return { state: phase, ...ended, ...resultsOf(seen, state, failingOf(state), message) }
  }
  if (isDryRun(state)) return { state: 'Succeeded/dry run', ...resultsOf(seen, state, []) }
  const { health, sync } = seen.status ?? {}
  const isHealthy = health?.status === 'Healthy'
  return {
    state: `Succeeded/${health?.status ?? 'Unknown'}/${sync?.status ?? 'Unknown'}`,
    // What has gone back is not as its source says, which is still at the later revision.
    ...(deployment !== undefined && isHealthy ? { verdict: 'pass' } : {}),
    progress: isHealthy ? undefined : (health?.message ?? health?.status ?? undefined),
    ...resultsOf(seen, state, unhealthyOf(seen), health?.message),
  }
}

/** A resource that stands in the way, and why. */
interface Trouble {
  kind: string
  name: string
  why: string | null | undefined
}

function failingOf({ syncResult }: OperationState): Trouble[] {
  return (syncResult?.resources ?? [])
    .filter(({ status, hookPhase }) => status === 'SyncFailed' || /^(?:Failed|Error)$/.test(hookPhase ?? ''))
    .map(({ kind, name, message }) => ({ kind, name, why: message }))
}

function unhealthyOf({ status }: Application): Trouble[] {
  return (status?.resources ?? [])
    .filter(({ health }) => health?.status === 'Degraded' || health?.status === 'Missing')
    .map(({ kind, name, health }) => ({ kind, name, why: health?.message || health?.status }))
}

function resultsOf(
  { status }: Application,
  { startedAt, finishedAt, syncResult }: OperationState,
  troubles: Trouble[],
  message?: string | null,
): Partial<RunStatus> {
  const duration = Math.round((Date.parse(finishedAt ?? startedAt) - Date.parse(startedAt)) / 1_000)
  const revision = syncResult?.revision || syncResult?.revisions?.join(', ')
  const images = status?.summary?.images ?? []
  const named = troubles.slice(0, mostNamed)
  const why = named.map(({ kind, name, why }) => [`${kind} ${name}`, why].filter(Boolean).join(': '))
  return {
    reason: clipSingleLine([message, ...why].filter(Boolean).join('; '), longestReason) || undefined,
    data: {
      duration,
      ...(revision ? { revision } : {}),
      ...(images.length > 0 ? { images: images.slice(0, mostNamed) } : {}),
      ...(named.length > 0 ? { failedResources: named.map(({ kind, name }) => `${kind}/${name}`) } : {}),
    },
    metrics: { duration, failedResources: troubles.length },
  }
}
