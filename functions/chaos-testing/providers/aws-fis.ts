import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { endpointOf, errorReason, isCredentialsError, regionOf } from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { errorReasonIn } from '../../../shared/http/error-reason.ts'
import { segment } from '../../../shared/http/segment.ts'
import { defineJobProvider, type Run, type RunStatus, type StartJob } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { allowed, refuseOutside } from '../blast-radius.ts'

const connection = z.strictObject({
  ...awsAccountFields,
  allow: allowed('Experiment templates that may be run, by their id'),
  target: optional(word('Default experiment template, by its id')),
})
type Connection = z.output<typeof connection>

const platform = 'AWS FIS'
const service = 'fis'
/** As many experiments are on as may be, and something else stands in the way: both end. */
const busy = [402, 409]
/** The name of the tag that holds the key of a call. */
const keyTag = 'cloud-automation-webhooks'
const stoppable = ['pending', 'initiating', 'running']
const noExperiment = 'EXP000000000000000'
const longestReason = 500
const longestActionReason = 200

const text = z.nullish(z.string())
const time = z.nullish(z.number())
const action = z.object({
  actionId: text,
  state: z.nullish(z.object({ status: text, reason: text })),
})
/** Times are in seconds. */
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
const answer = z.object({ experiment })

/**
 * AWS Fault Injection Service: an experiment of a template. It carries the key of its call as its client token, and in a tag.
 *
 * @see https://docs.aws.amazon.com/fis/latest/APIReference/API_StartExperiment.html
 * @see https://docs.aws.amazon.com/fis/latest/userguide/experiments.html
 */
export const awsFis = defineJobProvider({
  title: platform,
  noun: 'experiment',
  connection,
  baseUrl: (account) => endpointOf(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: regionOf(account, platform) } }),
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
  hasIdempotentStart: true as const,

  /** Whoever may look at experiments is answered that there is none. */
  check: ({ http }) => http.get(`experiments/${segment(noExperiment)}`, { accept: [404] }),

  checkStart(input, { allow }) {
    for (const field of ['project', 'ref'] as const)
      if (input[field] !== undefined)
        throw invalid(field, 'is of no use, since a template is known by its id: leave it out')
    if (!/^EXT[A-Za-z0-9]{1,61}$/.test(input.target))
      throw invalid('target', 'is no experiment template: write its id, like EXT1a2b3c4d5e6f7')
    actionsModeOf(input)
    refuseOutside(allow, input.target)
  },

  async start({ http, connection, idempotencyKey: key }, input) {
    const actionsMode = actionsModeOf(input)
    const { status, body } = await http.post(
      'experiments',
      {
        clientToken: key ?? crypto.randomUUID(),
        experimentTemplateId: input.target,
        ...(actionsMode === undefined ? {} : { experimentOptions: { actionsMode } }),
        ...(key === undefined ? {} : { tags: { [keyTag]: key } }),
      },
      { schema: answer, accept: busy },
    )
    if (busy.includes(status))
      throw new Failure(
        'platform',
        `${platform} can not start ${input.target} yet: ${errorReason(body) ?? errorReasonIn(body)}`,
      )
    return runOf(connection, body.experiment)
  },

  async getStatus({ http, connection }, { id }) {
    const seen = await read(http, id)
    return { ...sightOf(seen), run: runOf(connection, seen) }
  },

  parseRunId({ id }) {
    if (!/^EXP[A-Za-z0-9]{1,61}$/.test(id)) throw invalid('id', 'is no experiment: write it like EXPabc123DEFghi')
    return { id }
  },

  async stop({ http }, { id }) {
    try {
      await http.delete(`experiments/${segment(id)}`)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'refused') throw error
      // It may have come to its end in the meantime, or be stopping already: the next look shows which.
      const { state } = await read(http, id)
      if (stoppable.includes(state.status)) throw error
    }
  },
})

/** A run that skips all actions shows what would be touched, and touches nothing. */
function actionsModeOf({ parameters = {} }: StartJob): string | undefined {
  const { actionsMode, ...others } = parameters
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw invalid(`parameters.${other}`, 'is of no use: all but actionsMode stands in the experiment template')
  if (actionsMode === undefined || actionsMode === 'run-all' || actionsMode === 'skip-all') return actionsMode
  throw invalid('parameters.actionsMode', 'must be run-all, or skip-all for a preview of the targets')
}

async function read(http: Http, id: string): Promise<Experiment> {
  return (await http.get(`experiments/${segment(id)}`, { schema: answer })).body.experiment
}

function runOf(connection: Connection, { id, actions, experimentOptions }: Experiment): Run {
  const names = Object.entries(actions ?? {}).map(([name, { actionId }]) => `${name} (${actionId})`)
  const preview = isPreview(experimentOptions) ? 'a preview of ' : ''
  return {
    id,
    url: `${consoleUrl(regionOf(connection, platform), 'fis/home')}#ExperimentDetails:ExperimentId=${id}`,
    summary: names.length > 0 ? `${preview}${names.join(', ')}` : undefined,
  }
}

function sightOf(seen: Experiment): RunStatus {
  const { state, startTime, endTime } = seen
  const actions = Object.entries(seen.actions ?? {}).map(([name, { actionId, state }]) => ({
    name,
    actionId: actionId ?? '',
    state: state?.status ?? '',
    reason: clipSingleLine(state?.reason ?? '', longestActionReason),
  }))
  const alarms = (seen.stopConditions ?? []).flatMap(({ value }) => value?.split(':alarm:')[1] ?? [])
  const failing = actions.find(({ state }) => state === 'failed')
  const metrics: Record<string, number> = startTime && endTime ? { duration: Math.round(endTime - startTime) } : {}
  const ending = endingOf(seen, { actions, alarms, failing })
  return {
    state: state.status,
    ...ending,
    reason: ending.reason ? clipSingleLine(ending.reason, longestReason) : undefined,
    progress: stepOf(actions),
    data: {
      template: seen.experimentTemplateId,
      ...(isPreview(seen.experimentOptions) ? { preview: true } : {}),
      actions: Object.fromEntries(actions.map(({ name, ...action }) => [name, shown(action)])),
      targets: Object.fromEntries(
        Object.entries(seen.targets ?? {}).map(([name, { resourceType, selectionMode }]) => [
          name,
          [resourceType, selectionMode].filter(Boolean).join(', '),
        ]),
      ),
      ...(seen.targetAccountConfigurationsCount ? { accounts: seen.targetAccountConfigurationsCount } : {}),
      ...(alarms.length > 0 ? { alarms } : {}),
      ...(failing ? { failedAction: failing.name } : {}),
      ...metrics,
    },
    metrics,
    ...(startTime && endTime ? { period: { start: startTime * 1_000, end: endTime * 1_000 } } : {}),
  }
}

interface Action {
  name: string
  actionId: string
  state: string
  reason: string
}

/** What is said of an action that did what it should is only that. */
function shown({ actionId, state, reason }: Omit<Action, 'name'>) {
  return { actionId, state, ...(state !== 'completed' && reason ? { reason } : {}) }
}

interface Found {
  actions: Action[]
  alarms: string[]
  failing: Action | undefined
}

/** Why it has ended so; and its verdict where the state alone does not tell. */
function endingOf(
  { state, stopConditions, experimentOptions }: Experiment,
  { actions, alarms, failing }: Found,
): Pick<RunStatus, 'verdict' | 'reason'> {
  const said = state.reason ?? undefined
  switch (state.status) {
    case 'completed': {
      if (isPreview(experimentOptions)) return { reason: 'a preview: its actions were skipped' }
      // Where a target matches nothing, a template may have its actions skipped.
      const nothing = actions.length > 0 && actions.every(({ state }) => state === 'skipped')
      return nothing ? { verdict: 'warning', reason: 'nothing was injected, since all actions were skipped' } : {}
    }
    case 'stopped':
      if (!isRefuted(said, stopConditions)) return { reason: said }
      return { verdict: 'fail', reason: withNote(said, alarms.length > 0 ? `alarms: ${alarms.join(', ')}` : '') }
    case 'cancelled':
      return { reason: withNote(said, 'as AWS does while the safety lever is engaged') }
    case 'failed': {
      const why = failing ? `action ${failing.name} failed: ${failing.reason}` : said
      return { reason: withNote(why, [state.error?.code, state.error?.location].filter(Boolean).join(', ')) }
    }
    default:
      return {}
  }
}

function withNote(reason: string | undefined, note: string): string {
  return [reason, note && `(${note})`].filter(Boolean).join(' ')
}

/**
 * Whether it was a stop condition that stopped it. What AWS says then is seen in practice, and in none of its pages:
 * `Experiment halted by stop condition.` Where it says nothing, it is whether there was a condition.
 */
function isRefuted(reason: string | undefined, stopConditions: Experiment['stopConditions']): boolean {
  if (reason) return /stop condition|alarm/i.test(reason)
  return (stopConditions ?? []).some(({ source }) => source !== 'none')
}

function isPreview(options: Experiment['experimentOptions']): boolean {
  return options?.actionsMode === 'skip-all'
}

function stepOf(actions: Action[]): string | undefined {
  if (actions.length === 0) return undefined
  const named = (...states: string[]) => actions.filter(({ state }) => states.includes(state)).map(({ name }) => name)
  const ended = named('completed', 'skipped', 'cancelled', 'stopped', 'failed').length
  const now = named('initiating', 'running', 'stopping')
  return `${ended} of ${actions.length} actions ended${now.length > 0 ? `, ${now.join(', ')} under way` : ''}`
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
