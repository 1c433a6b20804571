import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { accountRegion, errorReason, isCredentialsError, serviceUrl } from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { invalidInput, retryLater } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'

const connection = z.strictObject({
  ...awsAccountFields,
  allow: allowList('Experiment templates that may run, by id'),
  target: optional(word('Default experiment template, by id')),
})
type Connection = z.output<typeof connection>

const PLATFORM = 'AWS FIS'
const SERVICE = 'fis'
/** Too many experiments are running, or another one is in conflict. Both are temporary. */
const BUSY = [402, 409]
/** Tag that contains the idempotency key. */
const KEY_TAG = 'cloud-automation-webhooks'
const UNKNOWN_EXPERIMENT = 'EXP000000000000000'
const MAX_REASON_LENGTH = 500
const MAX_ACTION_REASON_LENGTH = 200

const text = z.nullish(z.string())
const time = z.nullish(z.number())
const action = z.object({
  actionId: text,
  state: z.nullish(z.object({ status: text, reason: text })),
})
/** Times are in epoch seconds. */
const experiment = z.object({
  id: z.string(),
  experimentTemplateId: text,
  state: z.object({
    status: z.string(),
    reason: text,
    error: z.nullish(z.object({ code: text, location: text })),
  }),
  actions: z.nullish(z.record(z.string(), action)),
  targets: z.nullish(z.record(z.string(), z.object({ resourceType: text, selectionMode: text }))),
  stopConditions: z.nullish(z.array(z.object({ source: text, value: text }))),
  startTime: time,
  endTime: time,
  experimentOptions: z.nullish(z.object({ actionsMode: text })),
  targetAccountConfigurationsCount: z.nullish(z.number()),
})
type Experiment = z.output<typeof experiment>
const experimentResponse = z.object({ experiment })

/**
 * AWS Fault Injection Service: runs an experiment from a template. The idempotency key is the client token and a tag.
 *
 * @see https://docs.aws.amazon.com/fis/latest/APIReference/API_StartExperiment.html
 * @see https://docs.aws.amazon.com/fis/latest/userguide/experiments.html
 */
export const awsFis = defineJobProvider({
  title: PLATFORM,
  noun: 'experiment',
  notifiedBy: { type: 'eventbridge', wakeId: ({ id }) => id },
  connection,
  baseUrl: (account) => serviceUrl(account, { service: SERVICE, platform: PLATFORM }),
  authorization: (account: Connection) =>
    sigV4Authorization({
      service: SERVICE,
      platform: PLATFORM,
      account: { ...account, region: accountRegion(account, PLATFORM) },
    }),
  errorReason,
  isCredentialsError,
  states: {
    pending: 'running',
    initiating: 'running',
    running: 'running',
    stopping: 'running',
    completed: 'pass',
    stopped: 'aborted',
    cancelled: 'aborted',
    failed: 'errored',
  },
  stopping: ['stopping'],
  hasIdempotentStart: true as const,

  /** With permission to read experiments, an unknown id returns 404. */
  check: ({ http }) => http.get(`experiments/${segment(UNKNOWN_EXPERIMENT)}`, { accept: [404] }),

  checkStart(input, { allow }) {
    for (const field of ['project', 'ref'] as const)
      if (input[field] !== undefined)
        throw invalidInput(`input.${field}`, 'is not supported: a template is identified by its id')
    if (!/^EXT[A-Za-z0-9]{1,61}$/.test(input.target))
      throw invalidInput('input.target', 'must be an experiment template id such as EXT1a2b3c4d5e6f7')
    actionsModeOf(input)
    checkAllowed(allow, input.target)
  },

  async start({ http, connection, idempotencyKey }, input) {
    const actionsMode = actionsModeOf(input)
    const { status, body } = await http.post(
      'experiments',
      {
        clientToken: idempotencyKey ?? crypto.randomUUID(),
        experimentTemplateId: input.target,
        ...(actionsMode === undefined ? {} : { experimentOptions: { actionsMode } }),
        ...(idempotencyKey === undefined ? {} : { tags: { [KEY_TAG]: idempotencyKey } }),
      },
      { schema: experimentResponse, accept: BUSY },
    )
    if (BUSY.includes(status))
      throw retryLater(`${PLATFORM} cannot start ${input.target} yet: ${errorReason(body) ?? errorReasonIn(body)}`)
    return runOf(connection, body.experiment)
  },

  async getStatus({ http, connection }, { id }) {
    const current = await read(http, id)
    return { ...statusOf(current), run: runOf(connection, current) }
  },

  parseRunId({ id }) {
    if (!/^EXP[A-Za-z0-9]{1,61}$/.test(id))
      throw invalidInput('input.id', 'must be an experiment id such as EXPabc123DEFghi')
    return { id }
  },

  async stop({ http }, { id }) {
    await http.delete(`experiments/${segment(id)}`)
  },
})

/** With `skip-all`, an experiment resolves its targets and runs no action. */
function actionsModeOf({ parameters = {} }: StartJob): string | undefined {
  const { actionsMode, ...others } = parameters
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw invalidInput(
      `input.parameters.${other}`,
      'is not supported: only actionsMode can be set, the template defines everything else',
    )
  if (actionsMode === undefined || actionsMode === 'run-all' || actionsMode === 'skip-all') return actionsMode
  throw invalidInput('input.parameters.actionsMode', 'must be run-all, or skip-all to preview the targets')
}

async function read(http: Http, id: string): Promise<Experiment> {
  return (await http.get(`experiments/${segment(id)}`, { schema: experimentResponse })).body.experiment
}

function runOf(connection: Connection, { id, actions, experimentOptions }: Experiment): Run {
  const names = Object.entries(actions ?? {}).map(([name, { actionId }]) => `${name} (${actionId})`)
  const preview = isPreview(experimentOptions) ? 'a preview of ' : ''
  return {
    id,
    url: `${consoleUrl(accountRegion(connection, PLATFORM), 'fis/home')}#ExperimentDetails:ExperimentId=${id}`,
    summary: names.length > 0 ? `${preview}${names.join(', ')}` : undefined,
  }
}

function statusOf(current: Experiment): RunStatus {
  const { state, startTime, endTime } = current
  const actions = Object.entries(current.actions ?? {}).map(([name, { actionId, state }]) => ({
    name,
    actionId: actionId ?? '',
    state: state?.status ?? '',
    reason: clipSingleLine(state?.reason ?? '', MAX_ACTION_REASON_LENGTH),
  }))
  const alarms = (current.stopConditions ?? []).flatMap(({ value }) => value?.split(':alarm:')[1] ?? [])
  const failing = actions.find(({ state }) => state === 'failed')
  const ending = explainEnd(current, { actions, alarms, failing })
  return {
    state: state.status,
    ...ending,
    reason: ending.reason ? clipSingleLine(ending.reason, MAX_REASON_LENGTH) : undefined,
    progress: describeProgress(actions),
    data: {
      template: current.experimentTemplateId,
      ...(isPreview(current.experimentOptions) ? { preview: true } : {}),
      actions: Object.fromEntries(actions.map(({ name, ...action }) => [name, summarize(action)])),
      targets: Object.fromEntries(
        Object.entries(current.targets ?? {}).map(([name, { resourceType, selectionMode }]) => [
          name,
          [resourceType, selectionMode].filter(Boolean).join(', '),
        ]),
      ),
      ...(current.targetAccountConfigurationsCount ? { accounts: current.targetAccountConfigurationsCount } : {}),
      ...(alarms.length > 0 ? { alarms } : {}),
      ...(failing ? { failedAction: failing.name } : {}),
    },
    ...(startTime && endTime ? { period: { start: startTime * 1_000, end: endTime * 1_000 } } : {}),
  }
}

interface Action {
  name: string
  actionId: string
  state: string
  reason: string
}

/** Omits the reason of a completed action. */
function summarize({ actionId, state, reason }: Omit<Action, 'name'>) {
  return { actionId, state, ...(state !== 'completed' && reason ? { reason } : {}) }
}

interface Findings {
  actions: Action[]
  alarms: string[]
  failing: Action | undefined
}

/** Returns why an experiment ended, and its verdict if the state alone is not enough. */
function explainEnd(
  { state, stopConditions, experimentOptions }: Experiment,
  { actions, alarms, failing }: Findings,
): Pick<RunStatus, 'verdict' | 'reason'> {
  const reason = state.reason ?? undefined
  switch (state.status) {
    case 'completed': {
      if (isPreview(experimentOptions)) return { reason: 'a preview: its actions were skipped' }
      // A template can skip its actions if a target matches no resource.
      const allSkipped = actions.length > 0 && actions.every(({ state }) => state === 'skipped')
      return allSkipped ? { verdict: 'warning', reason: 'no fault was injected: all actions were skipped' } : {}
    }
    case 'stopped':
      if (!hasStopConditionMet(reason, stopConditions)) return { reason }
      return { verdict: 'fail', reason: withNote(reason, alarms.length > 0 ? `alarms: ${alarms.join(', ')}` : '') }
    case 'cancelled':
      return { reason: withNote(reason, 'AWS cancels experiments while the safety lever is engaged') }
    case 'failed': {
      const cause = failing ? `action ${failing.name} failed: ${failing.reason}` : reason
      return { reason: withNote(cause, [state.error?.code, state.error?.location].filter(Boolean).join(', ')) }
    }
    default:
      return {}
  }
}

function withNote(reason: string | undefined, note: string): string {
  return [reason, note && `(${note})`].filter(Boolean).join(' ')
}

/**
 * Returns true if a stop condition stopped the experiment. The reason `Experiment halted by stop condition.` is observed, not
 * documented. Without a reason, the presence of a stop condition decides.
 */
function hasStopConditionMet(reason: string | undefined, stopConditions: Experiment['stopConditions']): boolean {
  if (reason) return /stop condition|alarm/i.test(reason)
  return (stopConditions ?? []).some(({ source }) => source !== 'none')
}

function isPreview(options: Experiment['experimentOptions']): boolean {
  return options?.actionsMode === 'skip-all'
}

function describeProgress(actions: Action[]): string | undefined {
  if (actions.length === 0) return undefined
  const named = (...states: string[]) => actions.filter(({ state }) => states.includes(state)).map(({ name }) => name)
  const ended = named('completed', 'skipped', 'cancelled', 'stopped', 'failed').length
  const now = named('initiating', 'running', 'stopping')
  return `${ended} of ${actions.length} actions ended${now.length > 0 ? `, running: ${now.join(', ')}` : ''}`
}
