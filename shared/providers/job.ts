import * as z from 'zod/mini'
import { checkFirst, type Failure, outcomeUnknown, toSentence } from '../errors.ts'
import { createdId, name, oneOf, optional, vendorFields } from '../fields.ts'
import type { CallEvent } from '../orchestrators/event/event.ts'
import type { SourceTypeName } from '../sources/load-source-type.ts'
import type { JobVariables } from './job-variables.ts'
import type { StatesLookUp } from './look-up.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'
import { thresholds } from './thresholds.ts'

/** A run of a job at the platform. */
export interface Run {
  /** The platform's id, which `stop` accepts as `input.id`. */
  id: string
  url?: string | undefined
  /** Describes the run to people, if the input does not: `20 requests/s for 60 s`. */
  summary?: string | undefined
  /** Opaque JSON that the provider needs to poll the run. */
  providerState?: unknown
  /** The id by which notifications of the platform name the run, if it does not follow from `id`: see `notifiedBy`. */
  wakeId?: string | undefined
  /** Epoch milliseconds. Set by the action, not by the provider. */
  startedAt?: number
}

/** When a run started and ended, by the platform's clock: epoch milliseconds, a date or its text. Ignored unless both are valid. */
export interface Period {
  start: Date | number | string | null | undefined
  end: Date | number | string | null | undefined
}

/** The meaning of a platform's state. */
export type Verdict = 'running' | 'pass' | 'warning' | 'fail' | 'errored' | 'aborted'

/** The status of a run, as its platform reports it. */
export interface RunStatus {
  /** The platform's own word, as in `states` of the provider. */
  state: string
  /** Overrides the meaning of the state. */
  verdict?: Verdict
  /** Progress for people: `stage 2 of 4, deploy`. */
  progress?: string | undefined
  /** Replaces the run, if its id or provider state has changed: a queued item has become a build. */
  run?: Run | undefined
  /** Poll again at once, because this poll already waited. */
  pollImmediately?: boolean | undefined
  /** Maximum seconds until the next poll. */
  maxSeconds?: number | undefined
  /** The platform's explanation: the failed step, who stopped it. */
  reason?: string | undefined
  /** The results that later tasks need. Keep it small: every later event of the sequence contains it. */
  data?: Record<string, unknown>
  links?: Record<string, string>
  /** Measured values by name, for thresholds. */
  metrics?: Record<string, number>
  /**
   * The times of a completed run, if the platform reports both. Defaults to the times of our own steps. `duration` in the data
   * and in the metrics follows from them, unless the provider sets it.
   */
  period?: Period | undefined
}

export const startInput = z.strictObject({
  target: optional(
    name("What to run: a workflow, runbook or test, by the platform's name. Defaults to the connection's target"),
  ),
  project: optional(name("Project, by the platform's name. Defaults to the connection's project")),
  ref: optional(name('Branch, tag or version to run')),
  parameters: optional(vendorFields('Parameters of the run, by name. In a form: input.parameters.<name>')),
  thresholds: optional(
    thresholds(
      'Limits for the results: [{"metric":"p95","op":"<","value":500,"warn":400}]. What meets warn passes, what meets only value is a warning, everything else fails, including a missing metric',
    ),
  ),
  onDeadline: optional(oneOf(['stop', 'leave'], 'What happens to a run at the deadline')),
})

export const rollbackInput = z.strictObject({
  ...startInput.shape,
  target: optional(name("What to roll back: an application or pipeline, by the platform's name")),
  ref: optional(name('Version to roll back to. Defaults to the previous version')),
})

export const stopInput = z.strictObject({
  id: createdId(
    '`data.id` of the start, the id of the task that started the run, for agents only that one, or `last` for the newest run that the same caller started with the same connection in the same context (shkeptncontext)',
  ),
  project: startInput.shape.project,
})
/** The input of an action that stops a run. */
export type StopJob = z.output<typeof stopInput>

/** The input of an action that starts a job. */
export type StartJob = z.output<typeof startInput> & {
  target: string
  /** The event to answer, if the platform sends the `finished` event itself. */
  event?: EventToAnswer
}

/** The parts of a `triggered` event that its `finished` event repeats. */
export interface EventToAnswer extends Pick<CallEvent, 'id' | 'type'> {
  shkeptncontext: string | undefined
  project: string | undefined
  stage: string | undefined
  service: string | undefined
}

/**
 * How the notifications of a platform name a run.
 *
 * @example notifiedBy: { type: 'github', wakeId: ({ id }) => id.split('#')[1] }
 */
interface NotifiedBy {
  type: SourceTypeName
  /** Returns the id of a run in notifications. Undefined if it is not known yet. */
  wakeId(run: Run): string | undefined
}

/** A platform that runs jobs. The actions `startJob`, `rollbackJob` and `stopJob` do everything else. */
export interface JobProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'job'
  /** The platform's word for a run: `execution`. */
  noun: string
  /** The meaning of each state. A state that is not listed never ends a run. */
  states: Readonly<Record<string, Verdict>>
  /** The states of a run that a stop ends at the moment: the platform refuses another stop, which is then no error. */
  stopping?: readonly string[]
  /** Two starts with the same `client.idempotencyKey` are one run. Without this and without `find`, a start is never retried. */
  hasIdempotentStart?: true
  /** Set if the parameters become environment variables of the job. Unsafe names are then refused. */
  variables?: JobVariables<z.output<S>>
  /** Throws Failure `invalid` for input that the platform does not support, `refused` for input that the connection forbids. */
  checkStart?(input: StartJob, connection: z.output<S>): void
  /**
   * Returns the run with `client.idempotencyKey`. Must find a run that was started a second ago.
   *
   * @returns undefined if there is none; `unknown` if the platform has no way to find it, so a start is never retried
   */
  find?(client: Client<z.output<S>> & { idempotencyKey: string }, input: StartJob): Promise<Run | undefined | 'unknown'>
  /** Starts a run, and stores `client.idempotencyKey` on it if the platform has a place for it. */
  start(client: Client<z.output<S>>, input: StartJob): Promise<Run>
  /** Returns the status or throws. The task retries transient failures. */
  getStatus(client: Client<z.output<S>>, run: Run): Promise<RunStatus>
  /** Returns the run with an id, if the id alone does not identify it. Throws Failure `invalid`. */
  parseRunId?(input: StopJob): Run
  /** Asks the platform to stop a run. Omit it if the platform cannot. A refusal because the run has ended or is `stopping` needs no code. */
  stop?(client: Client<z.output<S>>, run: Run): Promise<void>
  /** Required with `requiresTask`: stops the run with `client.idempotencyKey`, if there is one, because no task polls it. */
  cleanUp?(client: Client<z.output<S>> & { idempotencyKey: string }, input: StartJob): Promise<void>
  notifiedBy?: NotifiedBy
  /** Replaces the members of a start for the action `rollback`. */
  rollback?: Pick<JobProvider<S>, 'hasIdempotentStart' | 'checkStart' | 'start'> &
    (Required<Pick<JobProvider<S>, 'find' | 'lookUp'>> | { find?: never; lookUp?: never })
}

/**
 * Declares a job provider. The schema of its connection types the client of each function.
 *
 * @example
 * export const acme = defineJobProvider({
 *   title: 'Acme',
 *   noun: 'run',
 *   connection: z.strictObject({ baseUrl: url('URL of the API'), token: secret('API token') }),
 *   headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
 *   check: ({ http }) => http.get('me'),
 *   states: { running: 'running', done: 'pass', broken: 'fail' },
 *   find: async ({ http, idempotencyKey }) => (await http.get('runs', { query: { ref: idempotencyKey }, schema })).body[0],
 *   lookUp: { newest: 'all' },
 *   start: async ({ http, idempotencyKey }, { target }) =>
 *     (await http.post(`jobs/${segment(target)}/runs`, { ref: idempotencyKey }, { schema: run })).body,
 *   getStatus: async ({ http }, { id }) => (await http.get(`runs/${segment(id)}`, { schema: run })).body,
 * })
 */
export function defineJobProvider<S extends z.ZodMiniObject, P extends Omit<JobProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, JobProvider> & StatesLookUp<P>,
): P & { kind: 'job' } {
  return { kind: 'job', ...provider }
}

/** Returns the failure of a start that may have succeeded and cannot be looked up. Such a start is never retried. */
export function startOutcomeUnknown({ title, noun }: Pick<JobProvider, 'title' | 'noun'>, why: string): Failure {
  return outcomeUnknown(
    `${toSentence(why)} It is unknown whether ${withArticle(noun)} was started. The start was not retried. ${checkFirst(title)}`,
  )
}

export function withArticle(noun: string): string {
  return `${/^[aeio]/i.test(noun) ? 'an' : 'a'} ${noun}`
}
