import * as z from 'zod/mini'
import { Failure, isTransient, toSentence } from '../errors.ts'
import { createdId, name, oneOf, optional, vendorFields } from '../fields.ts'
import type { CallEvent } from '../orchestrators/keptn/event.ts'
import { type Outcome, passed } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { Delegated, JobAction, JobProgress, PollResult, StartedJob } from './action.ts'
import { checkParameterNames, type JobVariables } from './job-variables.ts'
import { type Client, hasIdempotencyKey, type NoOtherMembers, type Provider } from './provider.ts'
import { checkThresholds, describeThreshold, thresholds } from './thresholds.ts'

/** A run of a job at the platform. */
export interface Run {
  /** What names it there, and what a stop takes as `id`. */
  id: string
  url?: string | undefined
  /** What it does, for people, where that is not plain from what was asked: `20 requests/s for 60 s`. */
  summary?: string | undefined
  /** What else it takes to look after it: JSON. */
  providerState?: unknown
  /** When it was started, in epoch milliseconds. Set by the actions below, not by a provider. */
  startedAt?: number
}

/** When a run started and ended, by the platform's clock: epoch milliseconds, a date or its text. */
interface Period {
  start: Date | number | string | null | undefined
  end: Date | number | string | null | undefined
}

/** What a state of the platform means. */
export type Verdict = 'running' | 'pass' | 'warning' | 'fail' | 'errored' | 'aborted'

/** A run as it is seen now. */
export interface RunStatus {
  /** The platform's own word, as in the provider's table. */
  state: string
  /** Where the state alone does not tell. */
  verdict?: Verdict
  /** How far it is, for people: `stage 2 of 4, deploy`. */
  progress?: string | undefined
  /** The run, where it is named otherwise now: a place in a queue has become a run. */
  run?: Run | undefined
  /** Whether to look again at once, since looking has taken its time. */
  pollImmediately?: boolean | undefined
  /** Seconds after which it must be looked at again at the latest. */
  maxSeconds?: number | undefined
  /** Why it is so, in the platform's words: the failing step, the reason of a stop. */
  reason?: string | undefined
  /** What people look for in the results; small, since it goes into every later event of the sequence. */
  data?: Record<string, unknown>
  links?: Record<string, string>
  /** What was measured, by name: for thresholds. */
  metrics?: Record<string, number>
  /** If the platform reports both times of a run that has ended; otherwise the times of our own steps are used. */
  period?: Period
}

const startInput = z.strictObject({
  target: optional(name('What to run: workflow, runbook, test .. as the platform names it')),
  project: optional(name("Where it is, as the platform names it; the connection's default where left out")),
  ref: optional(name('Which version of it: branch, tag, document version')),
  parameters: optional(vendorFields('What the run is given, by name')),
  thresholds: optional(thresholds('What must hold of the results: [{"metric":"p95","op":"<","value":500,"warn":400}]')),
  onDeadline: optional(
    oneOf(['stop', 'leave'], 'What becomes of a run that is not over at the deadline: stop or leave (it is)'),
  ),
})

const rollbackInput = z.strictObject({
  ...startInput.shape,
  target: optional(name('What goes back: application, pipeline .. as the platform names it')),
  ref: optional(name('What it goes back to, as the platform names it; to what was before where left out')),
})

const stopInput = z.strictObject({
  id: createdId('`data.id` of what was started; `last` for the newest run that the caller started in the same context'),
  project: startInput.shape.project,
})
export type StopJob = z.output<typeof stopInput>

export type StartJob = z.output<typeof startInput> & {
  target: string
  /** What the call is about, for a platform that answers it itself. */
  event?: EventToAnswer
}

/** The parts of an event that an answer to it needs. */
export interface EventToAnswer extends Pick<CallEvent, 'id' | 'type' | 'shkeptncontext'> {
  project: string | undefined
  stage: string | undefined
  service: string | undefined
}

/** A platform that runs jobs: vendor knowledge only, the promises are kept by the actions below. */
export interface JobProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'job'
  /** What a run is called here: `execution`. */
  noun: string
  /** What each state means. A state that is not here is never taken for an end. */
  states: Readonly<Record<string, Verdict>>
  /** Whether two starts with the same `client.key` are one run. Without that, and without `find`, a start is never repeated. */
  hasIdempotentStart?: true
  /** If the parameters of a start become environment variables of the job: then unsafe names are refused. */
  variables?: JobVariables<z.output<S>>
  /** Throws Failure `invalid` for what this platform has nothing for, `refused` for what its connection does not allow. */
  checkStart?(input: StartJob, connection: z.output<S>): void
  /**
   * The run that carries `client.key`, if there is one. Must see what was started a second ago; what it can not see, as
   * where the connection names no place for the key, it must answer as `unknown`: then a start is never repeated.
   */
  find?(client: Client<z.output<S>> & { idempotencyKey: string }, input: StartJob): Promise<Run | undefined | 'unknown'>
  /** Starts a run that carries `client.key` where the platform has a place for it. */
  start(client: Client<z.output<S>>, input: StartJob): Promise<Run>
  getStatus(client: Client<z.output<S>>, run: Run): Promise<RunStatus>
  /** The run that an id names, with the project, where the id alone is not enough. Throws Failure `invalid`. */
  parseRunId?(input: StopJob): Run
  /** Asks for the end of a run; absent where the platform has no way to. */
  stop?(client: Client<z.output<S>>, run: Run): Promise<void>
  /** Of one that is `onlyInteractive`: ends the run that carries `client.key`, if there is one, which no task looks after. */
  cleanUp?(client: Client<z.output<S>> & { idempotencyKey: string }, input: StartJob): Promise<void>
  /** How it goes back to what was before, for the action `rollback`: a start of another kind, looked after as any other run. */
  rollback?: Pick<JobProvider<S>, 'hasIdempotentStart' | 'checkStart' | 'find' | 'start'>
}

/** Declares a job provider; the schema of its connection types the client of each of its functions. */
export function defineJobProvider<S extends z.ZodMiniObject, P extends Omit<JobProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, JobProvider>,
): P & { kind: 'job' } {
  return { kind: 'job', ...provider }
}

const hour = 3_600

/** The parts of a start that categories differ in. */
interface StartJobOptions {
  summary: string
  /** Whether a silent call waits for the end for as long as it may, or answers the id at once. */
  silent: 'waits' | 'answers'
  /** Seconds. */
  deadline?: number
  /** What becomes of a run at the deadline where the caller does not say; where it can not be stopped, it is left. */
  onDeadline?: 'stop' | 'leave'
}

/** Starts a job, at most once per event, and follows it to its end. */
export function startJob({
  summary,
  silent,
  deadline = hour,
  onDeadline = 'leave',
}: StartJobOptions): JobAction<JobProvider, StartJob> {
  return {
    type: 'job',
    kind: 'job',
    needs: ['last-runs'],
    summary,
    startsJob: true,
    input: startInput,
    outputs: ['id', 'url', 'state', 'start', 'end'],
    deadline,
    isDeduplicated: ({ hasIdempotentStart = false }) => hasIdempotentStart,
    complete(input, { event, connection, provider }) {
      const target = input.target ?? (connection['target'] as string | undefined)
      if (target === undefined) {
        const message = `missing, and the connection has no default: name the ${provider.title} job to run`
        throw new Failure('invalid', `input.target is ${message}`, { errors: [{ path: 'input.target', message }] })
      }
      const project = input.project ?? (connection['project'] as string | undefined)
      const toAnswer = provider.sendsFinished?.(connection) ? { event: eventToAnswer(event) } : {}
      const completed = { ...input, target, project, ...toAnswer }
      if (input.onDeadline === 'stop' && !provider.stop) {
        const message = `not possible, since ${provider.title} has no way to stop ${article(provider.noun)}: write leave`
        throw new Failure('invalid', `input.onDeadline is ${message}`, {
          errors: [{ path: 'input.onDeadline', message }],
        })
      }
      if (input.onDeadline === 'leave' && provider.requiresTask) {
        const message = `not possible, since ${article(provider.noun)} does not outlive its task: write stop`
        throw new Failure('invalid', `input.onDeadline is ${message}`, {
          errors: [{ path: 'input.onDeadline', message }],
        })
      }
      checkParameterNames(completed.parameters, connection, provider.variables)
      provider.checkStart?.(completed, connection)
      const unlessAsked = provider.requiresTask ? 'stop' : provider.stop ? onDeadline : 'leave'
      return { ...completed, onDeadline: input.onDeadline ?? unlessAsked }
    },
    async run(provider, client, input) {
      const startedAt = Date.now()
      const run: Run = { ...(await startOnce(provider, client, input)), startedAt }
      if (client.lastRunKey !== undefined) {
        const { saveLastRun } = await import('../state/save-last-run.ts')
        await saveLastRun(client.lastRunKey, run.id)
      }
      const outcome = startedOutcome(provider, run, silent)
      if (!input.event) return { outcome, job: run } satisfies StartedJob
      const message = `${toSentence(outcome.message)} ${provider.title} sends the finished event itself.`
      return { outcome: { ...outcome, message }, delegatedTo: provider.title } satisfies Delegated
    },
    job: {
      silent,
      async getStatus(provider, client, input, run) {
        return lookAt(provider, input, run as Run, await provider.getStatus(client, run as Run))
      },
      async stop(provider, client, _input, run) {
        if (!provider.stop) return false
        await provider.stop(client, run as Run)
        return true
      },
      onDeadline: (input) => input.onDeadline ?? 'leave',
      async cleanUp(provider, client, input) {
        await provider.cleanUp?.(client, input)
      },
    },
  }
}

/** Goes back to what was before, at most once per event, and follows that to its end. */
export function rollbackJob(options: Pick<StartJobOptions, 'summary' | 'deadline'>): JobAction<JobProvider, StartJob> {
  const start = startJob({ ...options, silent: 'waits' })
  const { job } = start
  return {
    ...start,
    input: rollbackInput,
    complete: (input, { provider, ...from }) => start.complete(input, { ...from, provider: asRollback(provider) }),
    isDeduplicated: ({ rollback }) => rollback?.hasIdempotentStart ?? false,
    run: (provider, client, input) => start.run(asRollback(provider), client, input),
    job: {
      ...job,
      getStatus: (provider, client, input, run) => job.getStatus(asRollback(provider), client, input, run),
    },
  }
}

/** The provider, whose start is its rollback. Throws Failure `invalid` where it has none. */
function asRollback(provider: JobProvider): JobProvider {
  const { hasIdempotentStart: _, checkStart: __, find: ___, ...others } = provider
  if (provider.rollback) return { ...others, ...provider.rollback, noun: 'rollback' }
  const { title, noun } = provider
  throw new Failure('invalid', `${title} has no rollback: start ${article(noun)} of what was before instead.`)
}

/** Stops a run, and waits until it has stopped. */
export function stopJob({
  summary,
  deadline = hour,
}: Pick<StartJobOptions, 'summary' | 'deadline'>): JobAction<JobProvider, StopJob> {
  return {
    type: 'job',
    kind: 'job',
    summary,
    input: stopInput,
    outputs: ['id', 'url', 'state'],
    deadline,
    idempotent: true,
    complete(input, { connection, provider }) {
      if (!provider.stop)
        throw new Failure('invalid', `${provider.title} has no way to stop ${article(provider.noun)}.`)
      const project = input.project ?? (connection['project'] as string | undefined)
      runOf(provider, { ...input, project })
      return { ...input, project }
    },
    async run(provider, client, input) {
      const run = runOf(provider, input)
      const sight = await provider.getStatus(client, run)
      const verdict = verdictOf(provider, sight)
      const now = sight.run ?? run
      if (verdict !== undefined && verdict !== 'running') {
        return stoppedOutcome(
          provider,
          now,
          sight,
          `${capital(named(provider, now))} had ended already (${sight.state})`,
        )
      }
      await provider.stop?.(client, now)
      const asked = stoppedOutcome(provider, now, sight, `Asked ${named(provider, now)} to stop, which it has not yet`)
      return { outcome: { ...asked, result: 'warning' }, job: now } satisfies StartedJob
    },
    job: {
      silent: 'waits',
      async getStatus(provider, client, _input, run) {
        const sight = await provider.getStatus(client, run as Run)
        const verdict = verdictOf(provider, sight)
        if (verdict === undefined || verdict === 'running') return goingOn(sight, verdict)
        const now = sight.run ?? (run as Run)
        return { outcome: stoppedOutcome(provider, now, sight, `Stopped ${named(provider, now)} (${sight.state})`) }
      },
      stop: async () => false,
      onDeadline: () => 'leave',
    },
  }
}

function eventToAnswer({ id, type, shkeptncontext, data }: CallEvent): EventToAnswer {
  const { project, stage, service } = data
  return { id, type, shkeptncontext, project, stage, service }
}

function runOf(provider: JobProvider, input: StopJob): Run {
  return provider.parseRunId?.(input) ?? { id: input.id }
}

function stoppedOutcome(provider: JobProvider, run: Run, { state }: RunStatus, message: string): Outcome {
  return passed(message, { id: run.id, ...(run.url ? { url: run.url } : {}), state }, linksTo(provider, run))
}

/** At most once: a second run is worse than none. */
async function startOnce(provider: JobProvider, client: Client, input: StartJob): Promise<Run> {
  if (provider.hasIdempotentStart) return provider.start(client, input)
  const found = await lookUp(provider, client, input)
  if (found !== 'unknown') return found ?? provider.start(client, input)
  if (client.isRetry) throw outcomeUnknown(provider, 'An earlier try to start it broke off')
  try {
    return await provider.start(client, input)
  } catch (error) {
    if (!isTransient(error) || !(error as Failure).afterWrite) throw error
    const answered = client.acceptedResponse === undefined ? [] : [`It answered ${toSentence(client.acceptedResponse)}`]
    throw outcomeUnknown(provider, [toSentence((error as Failure).message), ...answered].join(' '))
  }
}

/** The run of an earlier try. A call without a key had none that could be told from another. */
async function lookUp(provider: JobProvider, client: Client, input: StartJob): Promise<Run | undefined | 'unknown'> {
  if (!provider.find) return 'unknown'
  return hasIdempotencyKey(client) ? provider.find(client, input) : undefined
}

/** For a start that may have been made and cannot be looked up: it is never repeated. */
export function outcomeUnknown({ title, noun }: Pick<JobProvider, 'title' | 'noun'>, why: string): Failure {
  return new Failure(
    'doubtful',
    `${toSentence(why)} Whether ${article(noun)} was started is not known, and can not be looked up, so it was not tried again: look at ${title} before you repeat it.`,
  )
}

/** What a silent call hears that does not see the end: where it is the end that was asked for, that is no pass. */
function startedOutcome(provider: JobProvider, run: Run, silent: 'waits' | 'answers'): Outcome {
  const message = `Started ${named(provider, run)}${run.summary ? `: ${run.summary}` : ''}`
  const data = {
    id: run.id,
    ...(run.url ? { url: run.url } : {}),
    state: 'started',
    ...(run.startedAt === undefined ? {} : { start: timestamp(run.startedAt) }),
  }
  const started = passed(message, data, linksTo(provider, run))
  if (silent === 'answers') return started
  return { ...started, result: 'warning', message: `${message}, which goes on: mode=interactive waits for its end` }
}

function lookAt(provider: JobProvider, input: StartJob, run: Run, sight: RunStatus): PollResult {
  const verdict = verdictOf(provider, sight)
  const { startedAt } = run
  const now = sight.run && startedAt !== undefined ? { ...sight.run, startedAt } : sight.run
  if (verdict === undefined || verdict === 'running') return goingOn({ ...sight, run: now }, verdict)
  return { outcome: endOf(provider, input, now ?? run, sight, verdict) }
}

/** Undefined for a state that is not in the provider's table. */
function verdictOf({ states }: JobProvider, { state, verdict }: RunStatus): Verdict | undefined {
  return verdict ?? (Object.hasOwn(states, state) ? states[state] : undefined)
}

function goingOn(
  { state, progress, run, pollImmediately, maxSeconds }: RunStatus,
  verdict: 'running' | undefined,
): JobProgress {
  return {
    status: verdict ? state : `${state} (which is not known here)`,
    progress,
    job: run,
    pollImmediately,
    maxSeconds,
  }
}

const results: Record<Exclude<Verdict, 'running'>, Pick<Outcome, 'status' | 'result'>> = {
  pass: { status: 'succeeded', result: 'pass' },
  warning: { status: 'succeeded', result: 'warning' },
  fail: { status: 'succeeded', result: 'fail' },
  errored: { status: 'errored', result: 'fail' },
  aborted: { status: 'aborted', result: 'fail' },
}
const severity: readonly Outcome['result'][] = ['pass', 'warning', 'fail']

function endOf(
  provider: JobProvider,
  { thresholds = [] }: StartJob,
  run: Run,
  sight: RunStatus,
  verdict: Exclude<Verdict, 'running'>,
): Outcome {
  const { state, reason, data = {}, links = {}, metrics = {} } = sight
  const { status, result } = results[verdict]
  const judged = status === 'succeeded' ? checkThresholds(thresholds, metrics) : []
  const why = [reason, ...judged.filter((one) => one.result !== 'pass').map(describeThreshold)]
    .filter(Boolean)
    .join('; ')
  return {
    status,
    result: worst([result, ...judged.map((one) => one.result)]),
    message: `${capital(named(provider, run))} ended as ${state}${why ? `: ${why}` : ''}`,
    data: {
      id: run.id,
      ...(run.url ? { url: run.url } : {}),
      state,
      ...timesOf(run, sight),
      ...data,
      ...(judged.length > 0 ? { thresholds: judged } : {}),
    },
    links: { ...linksTo(provider, run), ...links },
  }
}

/**
 * The times that an evaluation after a test is made for: lighthouse-service reads `start` and `end` of `data.test`.
 * Runs in a step, so that a replay reads the recorded times.
 */
function timesOf({ startedAt }: Run, { period }: RunStatus): { start?: string; end: string } {
  const start = millisecondsOf(period?.start)
  const end = millisecondsOf(period?.end)
  if (start <= end) return { start: timestamp(start), end: timestamp(end) }
  return { ...(startedAt === undefined ? {} : { start: timestamp(startedAt) }), end: timestamp(Date.now()) }
}

function millisecondsOf(time: Period['start']): number {
  return new Date(time ?? Number.NaN).getTime()
}

/** RFC 3339, in UTC. */
function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function worst(results: readonly Outcome['result'][]): Outcome['result'] {
  return results.reduce((a, b) => (severity.indexOf(b) > severity.indexOf(a) ? b : a), 'pass')
}

function named({ noun }: JobProvider, { id }: Run): string {
  return `${noun} ${id}`
}

function linksTo({ title }: JobProvider, { id, url }: Run): Record<string, string> {
  return url ? { [`${slug(title)} ${id}`]: url } : {}
}

function article(noun: string): string {
  return `${/^[aeio]/i.test(noun) ? 'an' : 'a'} ${noun}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
