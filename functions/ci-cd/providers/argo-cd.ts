import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { choice, onOff, optional, secret, url, word, words } from '../../../shared/fields.ts'
import { type Http, segment } from '../../../shared/http.ts'
import { clipLine } from '../../../shared/one-line.ts'
import { defineJobProvider, type Run, type Sight, type StartJob } from '../../../shared/shapes/job.ts'
import { validate } from '../../../shared/validate.ts'

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
  strategy: optional(choice(['apply', 'hook'], 'Whether hooks are left out (apply) or run (hook, as without it)')),
  resources: optional(words('What alone is synced, each as group:kind:name or group:kind:namespace/name')),
  syncOptions: optional(words("Options such as Replace=true, instead of the application's own")),
})

const info = z.object({ name: z.string(), value: z.string() })
const operation = z.object({
  info: z.nullish(z.array(info)),
  sync: z.nullish(z.object({ dryRun: z.nullish(z.boolean()) })),
  initiatedBy: z.nullish(z.object({ username: z.nullish(z.string()), automated: z.nullish(z.boolean()) })),
})
type Operation = z.output<typeof operation>
const health = z.nullish(z.object({ status: z.nullish(z.string()), message: z.nullish(z.string()) }))
const syncedResource = z.object({
  kind: z.string(),
  name: z.string(),
  status: z.nullish(z.string()),
  hookPhase: z.nullish(z.string()),
  message: z.nullish(z.string()),
})
const operationState = z.object({
  operation,
  phase: z.string(),
  message: z.nullish(z.string()),
  startedAt: z.string(),
  finishedAt: z.nullish(z.string()),
  syncResult: z.nullish(
    z.object({
      revision: z.nullish(z.string()),
      revisions: z.nullish(z.array(z.string())),
      resources: z.nullish(z.array(syncedResource)),
    }),
  ),
})
type OperationState = z.output<typeof operationState>
const application = z.object({
  metadata: z.object({ name: z.string(), namespace: optional(z.string()) }),
  spec: optional(z.object({ sources: z.nullish(z.array(z.unknown())) })),
  operation: z.nullish(operation),
  status: z.nullish(
    z.object({
      reconciledAt: z.nullish(z.string()),
      sync: z.nullish(z.object({ status: z.string() })),
      health,
      operationState: z.nullish(operationState),
      resources: z.nullish(z.array(z.object({ kind: z.string(), name: z.string(), health }))),
      summary: z.nullish(z.object({ images: z.nullish(z.array(z.string())) })),
    }),
  ),
})
type Application = z.output<typeof application>
const userInfo = z.object({ loggedIn: z.optional(z.boolean()) })

/** Under this name an operation carries its mark, beside what else the user interface shows of it. */
const markName = 'cloud-automation-webhooks'
/** So lately another operation may have taken the place of ours before anybody could see it, in milliseconds. */
const lately = 600_000
const longestReason = 500
const mostNamed = 10

/**
 * Argo CD: a sync of an application, until what it has applied is healthy.
 *
 * An application keeps its last operation only, and an operation has no id: ours carries a mark of its own, so that
 * another is never taken for it.
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
    const { body } = await http.get('api/v1/session/userinfo', { answer: userInfo })
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
    if (!/^(?:[a-z0-9-]+\/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(input.target))
      throw invalid('target', 'is no application: write it like guestbook, or namespace/guestbook')
    parametersOf(input)
  },

  async find({ http, key, repeated }, { target, project }) {
    const place = { application: target, mark: markOf(key), project }
    const found = await read(http, place)
    const state = found.status?.operationState
    if ([found.operation, state?.operation].some((one) => carries(one, place.mark))) return runOf(http, found, place)
    // Ours may have come to its end, and another has taken its place.
    return repeated && state && Date.now() - Date.parse(state.startedAt) < lately ? 'unknown' : undefined
  },

  async start({ http, key }, input) {
    const { target, project, ref } = input
    // Without a key it is told from others all the same, but not found again.
    const mark = markOf(key ?? crypto.randomUUID().replaceAll('-', ''))
    const { appNamespace, name } = nameOf(target)
    if (ref !== undefined) await confirmOneSource(http, { application: target, mark, project })
    const body = {
      name,
      appNamespace,
      project,
      revision: ref,
      ...parametersOf(input),
      infos: [{ name: markName, value: mark }],
    }
    try {
      const { body: synced } = await http.post(`${pathOf(target)}/sync`, body, { answer: application })
      return runOf(http, synced, { application: target, mark, project })
    } catch (error) {
      // It is refused while another operation goes on, which will end.
      if (!isRefusal(error, 'another operation is already in progress')) throw error
      throw new Failure('platform', error.message, { cause: error })
    }
  },

  async look({ http }, run) {
    const place = placeOf(run)
    const seen = await read(http, place)
    const state = stateOf(seen, place)
    if (state === 'pending') return { state: 'Pending', step: 'not begun yet' }
    if (state === 'replaced') return { state: 'Replaced', reason: replacedBy(seen) }
    if (state.phase !== 'Succeeded' || isDryRun(state) || isJudged(seen, state)) return sightOf(seen, state)
    // Left alone, it is looked at anew only after minutes where nothing has changed.
    const judged = await read(http, place, 'normal')
    const now = stateOf(judged, place)
    return typeof now === 'object' && isJudged(judged, now)
      ? sightOf(judged, now)
      : { state: 'Succeeded', step: 'synced; its health is not known yet' }
  },

  locate({ id, project }) {
    const run = { id, handle: { project } }
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
})

/** What it takes to find an operation again. */
interface Place {
  application: string
  mark: string
  project: string | undefined
  /** When the operation before ours began, null for none; where a read lags, it is seen in place of ours. */
  before?: string | null
}

/** An id is `guestbook#0a1b2c3d4e5f`: the application, and the mark that its operation carries. */
function placeOf({ id, handle }: Run): Place {
  const [, application, mark] = /^((?:[a-z0-9-]+\/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)#([0-9a-f]{12})$/.exec(id) ?? []
  if (!application || !mark) throw invalid('id', 'is no sync: write it like guestbook#0a1b2c3d4e5f')
  return { application, mark, ...(handle as Pick<Place, 'project' | 'before'>) }
}

function runOf(http: Http, found: Application, { application, mark, project }: Place): Run {
  const { name, namespace } = found.metadata
  const state = found.status?.operationState
  const page = [namespace, name].flatMap((part) => (part ? [segment(part)] : [])).join('/')
  return {
    id: `${application}#${mark}`,
    url: `${http.baseUrl}/applications/${page}`,
    handle: { project, ...(carries(state?.operation, mark) ? {} : { before: state?.startedAt ?? null }) },
  }
}

function markOf(key: string): string {
  return key.slice(0, 12)
}

function carries(operation: Operation | null | undefined, mark: string): boolean {
  return operation?.info?.some(({ name, value }) => name === markName && value === mark) ?? false
}

function nameOf(application: string): { name: string; appNamespace?: string } {
  const [first = '', second] = application.split('/')
  return second === undefined ? { name: first } : { name: second, appNamespace: first }
}

function pathOf(application: string): string {
  return `api/v1/applications/${segment(nameOf(application).name)}`
}

async function read(http: Http, { application: path, project }: Place, refresh?: 'normal'): Promise<Application> {
  const query = { appNamespace: nameOf(path).appNamespace, project, refresh }
  return (await http.get(pathOf(path), { query, answer: application })).body
}

/** Of several sources it would leave our revision out without a word. Throws Failure `refused`. */
async function confirmOneSource(http: Http, place: Place): Promise<void> {
  const { spec } = await read(http, place)
  if (!spec?.sources || spec.sources.length < 2) return
  throw new Failure('refused', `${place.application} has several sources, and input.ref is one revision: leave it out.`)
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
function stateOf({ operation, status }: Application, { application, mark, before }: Place) {
  const state = status?.operationState
  if (state && carries(state.operation, mark)) return state
  if (carries(operation, mark) || (before !== undefined && before === (state?.startedAt ?? null))) return 'pending'
  if (state) return 'replaced'
  throw new Failure('refused', `Argo CD shows no operation ${mark} of ${application}, nor any other.`)
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

function sightOf(seen: Application, state: OperationState): Sight {
  const { phase, message, finishedAt } = state
  if (!finishedAt) return { state: phase, step: message || undefined }
  if (phase !== 'Succeeded') {
    // A sync that somebody ended has failed, too.
    const ended =
      phase === 'Failed' && message?.startsWith('Operation terminated') ? { verdict: 'aborted' as const } : {}
    return { state: phase, ...ended, ...resultsOf(seen, state, failingOf(state), message) }
  }
  if (isDryRun(state)) return { state: 'Succeeded/dry run', ...resultsOf(seen, state, []) }
  const { health, sync } = seen.status ?? {}
  const word = `Succeeded/${health?.status ?? 'Unknown'}/${sync?.status ?? 'Unknown'}`
  return {
    state: word,
    step: health?.status === 'Healthy' ? undefined : (health?.message ?? health?.status ?? undefined),
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
): Partial<Sight> {
  const duration = Math.round((Date.parse(finishedAt ?? startedAt) - Date.parse(startedAt)) / 1_000)
  const revision = syncResult?.revision || syncResult?.revisions?.join(', ')
  const images = status?.summary?.images ?? []
  const named = troubles.slice(0, mostNamed)
  const why = named.map(({ kind, name, why }) => [`${kind} ${name}`, why].filter(Boolean).join(': '))
  return {
    reason: clipLine([message, ...why].filter(Boolean).join('; '), longestReason) || undefined,
    data: {
      duration,
      ...(revision ? { revision } : {}),
      ...(images.length > 0 ? { images: images.slice(0, mostNamed) } : {}),
      ...(named.length > 0 ? { failedResources: named.map(({ kind, name }) => `${kind}/${name}`) } : {}),
    },
    metrics: { duration, failedResources: troubles.length },
  }
}

function isRefusal(error: unknown, words: string): error is Failure {
  return error instanceof Failure && error.kind === 'refused' && error.message.includes(words)
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
