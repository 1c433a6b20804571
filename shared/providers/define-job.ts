import type * as z from 'zod/mini'
import { invalidInput } from '../errors.ts'
import { sleep } from '../sleep.ts'
import { clipSingleLine } from '../text/single-line.ts'
import type { JobProvider, Run, RunStatus, StartJob, StopJob } from './job.ts'
import { verdictOfState } from './job-outcome.ts'
import type { LookUp } from './look-up.ts'
import { type ProjectFormat, resolveProject } from './project.ts'
import type { Client } from './provider.ts'
import { searchSince } from './search-window.ts'

const MAX_REASON_LENGTH = 500
const ONE_PAGE = { first: 1, retry: 1 }

/** How the id of a run looks. */
interface RunIdFormat {
  /** Matches a complete id. */
  pattern: Pick<RegExp, 'test'>
  /** Completes `input.id must be`, with an example: `a run id such as acme/shop#7`. */
  description: string
  /**
   * The platform numbers runs within a project or a target, so an id is the project or target, `#`, and the platform's id. A stop
   * may omit the project if the input or the connection has it.
   */
  within?: 'project' | 'target'
}

/** A run, with the parts of its id. */
export interface IdentifiedRun extends Run {
  /** The project or target that the id starts with; empty if runs are not numbered within one. */
  parent: string
  /** The platform's id. */
  localId: string
}

type JobClient<C> = Client<C> & { idempotencyKey: string }

/** A page of the list of runs. */
interface RunPage<L> {
  /** Undefined if the response has no list: the platform omits an empty list, or the response is not that of the list. */
  runs: readonly L[] | null | undefined
  /** Requests the next page, if there is one. */
  next?: string | null | undefined
}

/** Searches the list of runs for the idempotency key, the newest runs first. */
export interface RunSearch<C, L> extends Omit<LookUp, 'newest'> {
  /**
   * Reads a page. Returns `unknown` if the runs of this connection do not carry the key.
   *
   * @param page `size` is that of `pageSize`
   */
  list(
    client: JobClient<C>,
    input: StartJob,
    page: { token: string | undefined; since: Date; size: number },
  ): Promise<RunPage<L> | 'unknown'>
  hasKey(run: NoInfer<L>, client: JobClient<C>, input: StartJob): boolean | undefined | Promise<boolean>
  /** How many runs a page has. `all` if the platform searches for the key, or if the list has no pages. */
  pageSize: number | { first: number; retry: number } | 'all'
  /** Defaults to one page. */
  maxPages?: { first: number; retry: number }
}

/** The status of a run, as a provider reads it. */
interface JobStatus<R> extends Omit<RunStatus, 'run'> {
  run?: R | undefined
  /** The parts of `reason`. Empty ones are omitted, and the text is cut. */
  reasons?: readonly unknown[]
  /** Reads more about a run that has ended. */
  results?(): Promise<RunResults> | RunResults
}
export type RunResults = Omit<JobStatus<never>, 'state' | 'run' | 'results'>

/** How a retry finds the run of the first attempt, if the platform does not treat two starts as one. */
type Findable<C, R, L> =
  | { search: RunSearch<C, L>; find?: undefined; lookUp?: undefined }
  | {
      /** Finds the run with `client.idempotencyKey`, if that is not a search of a list: see `find` of a job provider. */
      find(client: JobClient<C>, input: StartJob): Promise<NoInfer<R> | undefined | 'unknown'>
      lookUp: LookUp
      search?: undefined
    }
  | { search?: undefined; find?: undefined; lookUp?: undefined }

type Replaced = 'lookUp' | 'find' | 'start' | 'getStatus' | 'parseRunId' | 'stop'

/** The facts about the runs of a platform. The lifecycle of a run is the same for all platforms. */
interface Job<S extends z.ZodMiniObject, R extends object, C = z.output<S>>
  extends Omit<JobProvider<S>, 'kind' | Replaced> {
  connection: S
  /** The projects of the platform, if each run needs one. */
  project?: ProjectFormat
  runId: RunIdFormat
  /** Returns the platform's id and the link of a run. */
  identify(run: R, client: Client<C>, parent: string): Run | Promise<Run>
  start(client: Client<C>, input: StartJob): Promise<NoInfer<R>>
  getStatus(client: Client<C>, run: IdentifiedRun): Promise<JobStatus<NoInfer<R>>>
  stop?(client: Client<C>, run: IdentifiedRun): Promise<void>
}

/**
 * Declares a job provider by what the platform says about its runs: how an id looks, how a run is identified, listed, read and stopped.
 *
 * @example
 * export const acme = defineJob({
 *   ..,
 *   states: { running: 'running', done: 'pass', broken: 'fail' },
 *   runId: { pattern: /^\d{1,15}$/, description: 'the number of a run, such as 7' },
 *   identify: ({ id, page }: AcmeRun) => ({ id: String(id), url: page }),
 *   search: { pageSize: 100, list: ({ http }) => pageOf(http), hasKey: ({ ref }, { idempotencyKey }) => ref === idempotencyKey },
 *   start: ({ http, idempotencyKey }, { target }) => startOf(http, target, idempotencyKey),
 *   async getStatus({ http }, { id }) {
 *     const run = await read(http, id)
 *     return { state: run.status, run, reasons: [run.error], period: { start: run.started, end: run.ended } }
 *   },
 * })
 */
export function defineJob<S extends z.ZodMiniObject, R extends object, L extends R = R>(
  job: Job<S, R> & Findable<z.output<S>, R, L>,
): JobProvider<S> {
  const { project, runId, identify, search, find, lookUp, start, getStatus, stop, ...others } = job

  async function runOf(client: Client<z.output<S>>, run: R, parent: string): Promise<Run> {
    const { id, ...identified } = await identify(run, client, parent)
    return { id: runId.within ? `${parent}#${id}` : id, ...identified }
  }

  const parentOf = (input: StartJob): string => (runId.within && input[runId.within]) ?? ''

  return {
    kind: 'job',
    ...others,

    checkStart(input, connection) {
      if (project) resolveProject(input.project, connection, { title: job.title, project }, true)
      job.checkStart?.(input, connection)
    },

    ...((find || search) && {
      lookUp: search ? lookUpOf(search) : lookUp,
      async find(client, input) {
        const found = find ? await find(client, input) : search && (await searchRuns(search, client, input))
        return found === 'unknown' ? 'unknown' : found && runOf(client, found, parentOf(input))
      },
    }),

    async start(client, input) {
      return runOf(client, await start(client, input), parentOf(input))
    },

    async getStatus(client, run) {
      const identified = partsOf(runId, run)
      const { run: current, results, ...status } = await getStatus(client, identified)
      const hasEnded = !['running', undefined].includes(verdictOfState(job, status))
      const {
        reasons,
        ...details
      }: Omit<JobStatus<R>, 'run' | 'results'> = results && hasEnded ? { ...status, ...(await results()) } : status
      return {
        ...details,
        ...(reasons && { reason: joinReasons(reasons) ?? details.reason }),
        ...(current && { run: { ...run, ...(await runOf(client, current, identified.parent)) } }),
      }
    },

    parseRunId: (input) => parseRunId(runId, project, input),

    ...(stop && { stop: (client, run) => stop(client, partsOf(runId, run)) }),
  }
}

/**
 * Returns the run that carries the idempotency key.
 *
 * @param delaysMs delays before each search. Defaults to one search on the first attempt
 * @returns `unknown` on a retry whose list has no list or more pages than are read
 */
export async function searchRuns<C, L>(
  search: RunSearch<C, L>,
  client: JobClient<C>,
  input: StartJob,
  delaysMs: readonly number[] = (client.isRetry && search.delaysMs) || [0],
): Promise<L | undefined | 'unknown'> {
  const { maxPages = ONE_PAGE } = search
  const sizes = pageSizesOf(search)
  const size = client.isRetry ? sizes.retry : sizes.first
  const since = searchSince(client.isRetry)
  let isComplete = false
  for (const delay of delaysMs) {
    await sleep(delay)
    let token: string | undefined
    for (let page = 0; page < (client.isRetry ? maxPages.retry : maxPages.first); page++) {
      const listed = await search.list(client, input, { token, since, size })
      if (listed === 'unknown') return 'unknown'
      for (const run of listed.runs ?? []) if (await search.hasKey(run, client, input)) return run
      token = listed.next ?? undefined
      isComplete = listed.runs != null && token === undefined
      if (isComplete || !listed.runs) break
    }
  }
  return isComplete || !client.isRetry ? undefined : 'unknown'
}

function pageSizesOf({ pageSize }: Pick<RunSearch<never, never>, 'pageSize'>): { first: number; retry: number } {
  if (typeof pageSize === 'object') return pageSize
  const size = pageSize === 'all' ? Number.POSITIVE_INFINITY : pageSize
  return { first: size, retry: size }
}

function lookUpOf(search: Omit<RunSearch<never, never>, 'list' | 'hasKey'>): LookUp {
  const { maxPages = ONE_PAGE, delaysMs, needs, keyLasts } = search
  const newest = pageSizesOf(search).retry * maxPages.retry
  return {
    newest: Number.isFinite(newest) ? newest : 'all',
    ...(delaysMs && { delaysMs }),
    ...(needs && { needs }),
    ...(keyLasts && { keyLasts }),
  }
}

function joinReasons(reasons: readonly unknown[]): string | undefined {
  return clipSingleLine(reasons.filter(Boolean).join('; '), MAX_REASON_LENGTH) || undefined
}

/** Accepts every id that a start returned, even one that a stop would refuse. */
function partsOf({ within }: RunIdFormat, run: Run): IdentifiedRun {
  const index = within ? run.id.lastIndexOf('#') : -1
  return { ...run, parent: run.id.slice(0, Math.max(0, index)), localId: run.id.slice(index + 1) }
}

/** @throws Failure `invalid` */
function parseRunId(runId: RunIdFormat, project: ProjectFormat | undefined, input: StopJob): Run {
  const named = partsOf(runId, { id: input.id })
  const parent = named.parent || (runId.within === 'project' ? (input.project ?? '') : '')
  const id = runId.within ? `${parent}#${named.localId}` : input.id
  const isInProject = runId.within !== 'project' || project?.pattern.test(parent)
  if (isInProject && runId.pattern.test(id)) return { id }
  throw invalidInput('input.id', `must be ${runId.description}`)
}
