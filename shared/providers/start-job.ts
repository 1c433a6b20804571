import type { ActionEffect } from '../action-effect.ts'
import { Failure, invalidInput, isTransient, toSentence } from '../errors.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import type { CallContext, JobAction } from './action.ts'
import {
  type EventToAnswer,
  type JobProvider,
  type Run,
  rollbackInput,
  type StartJob,
  startInput,
  startOutcomeUnknown,
  withArticle,
} from './job.ts'
import { pollResult, startedOutcome, wakeIdOf } from './job-outcome.ts'
import { checkParameterNames } from './job-variables.ts'
import { type Client, hasIdempotencyKey } from './provider.ts'
import { requestStop } from './stop-job.ts'

interface StartJobOptions {
  summary: string
  /** Whether a silent call waits for the end of the run as long as it can, or returns the id at once. */
  silent: 'waits' | 'answers'
  /** Seconds. Defaults to an hour. */
  deadline?: number
  /** Default for `onDeadline` of the input, which decides about a running job at the deadline. Defaults to `leave`. */
  onDeadline?: 'stop' | 'leave'
  /** The effect of the job at the platform. Defaults to `irreversible`: a job can do anything. */
  effect?: ActionEffect
}

/**
 * Returns an action that starts a job, at most once per event, and polls it until it ends.
 *
 * @example 'start-report': startJob({ summary: 'Starts a report', silent: 'answers' })
 */
export function startJob({
  summary,
  silent,
  deadline = 3_600,
  onDeadline = 'leave',
  effect = 'irreversible',
}: StartJobOptions): JobAction<JobProvider, StartJob> {
  return {
    type: 'job',
    kind: 'job',
    effect,
    needs: ['last-runs'],
    summary,
    startsJob: true,
    input: startInput,
    outputs: ['id', 'url', 'state', 'start', 'end'],
    deadline,
    isDeduplicated: ({ hasIdempotentStart = false }) => hasIdempotentStart,
    complete: (input, context) => completeStart(input, context, onDeadline),
    async run(provider, client, input) {
      const startedAt = Date.now()
      const run: Run = { ...(await startOnce(provider, client, input)), startedAt }
      if (client.lastRunKey !== undefined) {
        const { saveLastRun } = await import('../state/save-last-run.ts')
        await saveLastRun(client.lastRunKey, run.id)
      }
      const outcome = startedOutcome(provider, run, silent)
      if (!input.event) return { type: 'started', outcome, job: run, wakeId: wakeIdOf(provider, run) }
      const message = `${toSentence(outcome.message)} ${provider.title} sends the finished event itself.`
      return { type: 'delegated', outcome: { ...outcome, message }, delegatedTo: provider.title }
    },
    job: {
      silent,
      async getStatus(provider, client, input, run) {
        return pollResult(provider, input, run as Run, await provider.getStatus(client, run as Run))
      },
      stop: (provider, client, _input, run) => requestStop(provider, client, run as Run),
      onDeadline: (input) => input.onDeadline ?? 'leave',
      async cleanUp(provider, client, input) {
        await provider.cleanUp?.(client, input)
      },
    },
  }
}

/**
 * Adds the defaults to the input of a start, and checks it.
 *
 * @param onDeadline default of a job that can be stopped and left
 */
function completeStart(
  input: StartJob,
  { event, connection, provider }: CallContext<JobProvider>,
  onDeadline: 'stop' | 'leave',
): StartJob {
  const { title, noun } = provider
  const target = input.target ?? (connection['target'] as string | undefined)
  if (target === undefined) {
    throw invalidInput(
      'input.target',
      `is required, because the connection has no default: name the ${title} job to run`,
    )
  }
  const project = input.project ?? (connection['project'] as string | undefined)
  const toAnswer = provider.sendsFinished?.(connection) ? { event: eventToAnswer(event) } : {}
  const completed = { ...input, target, project, ...toAnswer }
  if (input.onDeadline === 'stop' && !provider.stop) {
    throw invalidInput('input.onDeadline', `must be leave: ${title} cannot stop ${withArticle(noun)}`)
  }
  if (input.onDeadline === 'leave' && provider.requiresTask) {
    throw invalidInput('input.onDeadline', `must be stop: ${withArticle(noun)} ends with its task`)
  }
  checkParameterNames(completed.parameters, connection, provider.variables)
  provider.checkStart?.(completed, connection)
  const defaultAtDeadline = provider.requiresTask ? 'stop' : provider.stop ? onDeadline : 'leave'
  return { ...completed, onDeadline: input.onDeadline ?? defaultAtDeadline }
}

/**
 * Returns an action that starts a rollback, at most once per event, and polls it until it ends.
 *
 * @example 'roll-back': rollbackJob({ summary: 'Rolls back a deployment' })
 */
export function rollbackJob(options: Pick<StartJobOptions, 'summary' | 'deadline'>): JobAction<JobProvider, StartJob> {
  const start = startJob({ ...options, silent: 'waits' })
  const { job } = start
  return {
    ...start,
    isRollback: true,
    input: rollbackInput,
    complete: (input, { provider, ...context }) =>
      start.complete(input, { ...context, provider: asRollback(provider) }),
    isSupportedBy: ({ rollback }) => rollback !== undefined,
    isDeduplicated: ({ rollback }) => rollback?.hasIdempotentStart ?? false,
    run: (provider, client, input) => start.run(asRollback(provider), client, input),
    job: {
      ...job,
      getStatus: (provider, client, input, run) => job.getStatus(asRollback(provider), client, input, run),
    },
  }
}

/** Returns a provider whose start is its rollback. Throws Failure `invalid` if it has none. */
function asRollback(provider: JobProvider): JobProvider {
  const { hasIdempotentStart: _, checkStart: __, find: ___, lookUp: ____, ...others } = provider
  if (provider.rollback) return { ...others, ...provider.rollback, noun: 'rollback' }
  const { title, noun } = provider
  throw new Failure('invalid', `${title} has no rollback: start ${withArticle(noun)} of the previous version instead.`)
}

function eventToAnswer({ id, type, context: shkeptncontext, data }: CallEvent): EventToAnswer {
  const { project, stage, service } = data
  return { id, type, shkeptncontext, project, stage, service }
}

/** Starts a run at most once: no run is better than two. */
async function startOnce(provider: JobProvider, client: Client, input: StartJob): Promise<Run> {
  if (provider.hasIdempotentStart) return provider.start(client, input)
  const found = await findRun(provider, client, input)
  if (found !== 'unknown') return found ?? provider.start(client, input)
  if (client.isRetry) throw startOutcomeUnknown(provider, 'An earlier attempt to start it was interrupted')
  try {
    return await provider.start(client, input)
  } catch (error) {
    if (!isTransient(error) || !(error as Failure).mayHaveWritten) throw error
    const accepted =
      client.acceptedResponse === undefined ? [] : [`The response was ${toSentence(client.acceptedResponse)}`]
    throw startOutcomeUnknown(provider, [toSentence((error as Failure).message), ...accepted].join(' '))
  }
}

/** Returns the run of an earlier attempt. Without an idempotency key, there is none that could be recognized. */
async function findRun(provider: JobProvider, client: Client, input: StartJob): Promise<Run | undefined | 'unknown'> {
  if (!provider.find) return 'unknown'
  return hasIdempotencyKey(client) ? provider.find(client, input) : undefined
}
