import type * as z from 'zod/mini'
import { type Call, requestLine, type Served } from '../../../infra/testing/loopback-server.ts'
import type { StartedJob } from '../../../shared/providers/action.ts'
import type { JobProvider } from '../../../shared/providers/job.ts'
import { type Once, onceOf } from '../../../shared/providers/once.ts'
import type { ClientOptions } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'
import { Clock } from '../common/clock.ts'
import type { JobPlatform, PlayedJobs } from '../job-platform.ts'
import { hasPlatformKey, isFindable } from '../once.ts'
import type { JobOptions } from './options.ts'

export type JobActions = ConstructorParameters<typeof Job>[1]
type AnyJob = Pick<Job<z.ZodMiniObject>, 'check' | 'start' | 'poll' | 'end' | 'stop' | 'stopAtDeadline'>
export type AnyJobProvider = Pick<JobProvider, 'title' | 'connection' | 'states' | 'requiresTask'> & { stop?: unknown }

/** A job provider, and the platform of the current test. */
export class JobFixture<S extends Served = Served> {
  readonly provider: AnyJobProvider
  readonly platform: JobPlatform<S>
  readonly options: JobOptions<S>
  /** The provider's statement about a start whose response was lost. */
  readonly once: Once
  /** Runs the actions with the connection of the platform. */
  readonly job: AnyJob
  readonly #connect: (connection: () => object) => AnyJob
  readonly #current: () => PlayedJobs<S>
  readonly #clock = new Clock()

  /** @param current returns the platform of the current test */
  constructor({ provider, actions, platform, options }: JobSubject<S>, current: () => PlayedJobs<S>) {
    this.provider = provider
    this.platform = platform
    this.options = options
    this.once = onceOf(provider as JobProvider, actions.start.isRollback ? 'rollback' : 'start')
    this.#connect = (connection) => new Job(provider as JobProvider, actions, () => ({ ...connection() }))
    this.#current = current
    this.job = this.connected()
  }

  /** The platform of the current test. */
  get current(): PlayedJobs<S> {
    return this.#current()
  }

  /** Whether a retry can find the run of an attempt whose response was lost. */
  get isFindable(): boolean {
    return isFindable(this.once)
  }

  /** Whether the platform itself treats two starts with one key as one. */
  get hasPlatformKey(): boolean {
    return hasPlatformKey(this.once)
  }

  /** Lets time pass for the code under test. */
  advance(seconds: number): void {
    this.#clock.advance(seconds)
  }

  /** Runs the actions with other fields of the connection. */
  connected(fields: object = {}): AnyJob {
    return this.#connect(() => ({ ...this.current.connection, ...fields }))
  }

  /** Runs the actions with other fields of a connection that allows every target. */
  unlimited(fields: object = {}): AnyJob {
    return this.#connect(() => {
      const { connection } = this.current
      return { ...connection, ...('allow' in connection && { allow: '*' }), ...fields }
    })
  }

  /** Returns the input of a start with other fields. */
  input(fields: object = {}): Record<string, unknown> {
    return { ...this.current.input, ...fields }
  }

  start(options?: ClientOptions): Promise<StartedJob> {
    return this.job.start(this.input(), options)
  }

  /** Starts a run, and lets it run with a reliable state. */
  async startRun(options?: ClientOptions): Promise<StartedJob> {
    const started = await this.start(options)
    await this.current.letStart()
    this.advance(this.platform.reliableAfter ?? 0)
    return started
  }

  /** Whether a request starts a run. */
  readonly isStart = (call: Call): boolean => this.platform.starts.test(requestLine(call))

  /** The requests that started runs. */
  starts(): Call[] {
    return this.current.server.calls.filter(this.isStart)
  }

  /** Returns the id that the run of a start has now. */
  idOf({ outcome }: StartedJob): unknown {
    return this.platform.changesId ? this.current.id() : outcome.data['id']
  }

  /** Resets the time after each test, and before a platform starts. */
  resetTime(): void {
    this.#clock.reset()
  }
}

/** The arguments of `jobConformance`. */
export interface JobSubject<S extends Served> {
  provider: AnyJobProvider
  actions: JobActions
  platform: JobPlatform<S>
  options: JobOptions<S>
}
