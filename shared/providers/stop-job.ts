import { Failure } from '../errors.ts'
import { completed, type JobAction } from './action.ts'
import { type JobProvider, type Run, type RunStatus, type StopJob, stopInput, withArticle } from './job.ts'
import { capitalize, describeRun, progressOf, stoppedOutcome, verdictOfState, wakeIdOf } from './job-outcome.ts'
import type { Client } from './provider.ts'

/**
 * Returns an action that stops a run and polls it until it has ended.
 *
 * @example 'stop-report': stopJob({ summary: 'Stops a report' })
 */
export function stopJob({
  summary,
  deadline = 3_600,
}: {
  summary: string
  /** Seconds. Defaults to an hour. */
  deadline?: number
}): JobAction<JobProvider, StopJob> {
  return {
    type: 'job',
    kind: 'job',
    // A stopped run cannot be continued.
    effect: 'irreversible',
    summary,
    input: stopInput,
    outputs: ['id', 'url', 'state'],
    deadline,
    idempotent: true,
    isSupportedBy: ({ stop }) => stop !== undefined,
    complete(input, { connection, provider }) {
      if (!provider.stop) throw new Failure('invalid', `${provider.title} cannot stop ${withArticle(provider.noun)}.`)
      const project = input.project ?? (connection['project'] as string | undefined)
      runOf(provider, { ...input, project })
      return { ...input, project }
    },
    async run(provider, client, input) {
      const run = runOf(provider, input)
      const status = await provider.getStatus(client, run)
      const verdict = verdictOfState(provider, status)
      const current = status.run ?? run
      const name = describeRun(provider, current)
      if (verdict !== undefined && verdict !== 'running')
        return completed(
          stoppedOutcome(provider, current, status, `${capitalize(name)} had ended already (${status.state})`),
        )
      await requestStop(provider, client, current)
      const outcome = stoppedOutcome(provider, current, status, `Asked ${name} to stop. It is still running`)
      return {
        type: 'started',
        outcome: { ...outcome, result: 'warning' },
        job: current,
        wakeId: wakeIdOf(provider, current),
      }
    },
    job: {
      silent: 'waits',
      async getStatus(provider, client, _input, run) {
        const status = await provider.getStatus(client, run as Run)
        const verdict = verdictOfState(provider, status)
        if (verdict === undefined || verdict === 'running')
          return { ...progressOf(status, verdict), wakeId: status.run && wakeIdOf(provider, status.run) }
        const current = status.run ?? (run as Run)
        const message = `Stopped ${describeRun(provider, current)} (${status.state})`
        return { outcome: stoppedOutcome(provider, current, status, message) }
      },
      stop: async () => false,
      onDeadline: () => 'leave',
    },
  }
}

/**
 * Asks the platform to stop a run.
 *
 * @returns false if the platform cannot stop it
 * @throws Failure unless the run has ended in the meantime or is stopping: the next poll returns its outcome
 */
export async function requestStop(provider: JobProvider, client: Client, run: Run): Promise<boolean> {
  if (!provider.stop) return false
  try {
    await provider.stop(client, run)
  } catch (error) {
    if (!(error instanceof Failure) || error.transient) throw error
    if (!isEnding(provider, await provider.getStatus(client, run))) throw error
  }
  return true
}

function isEnding(provider: JobProvider, status: RunStatus): boolean {
  return provider.stopping?.includes(status.state) || !['running', undefined].includes(verdictOfState(provider, status))
}

function runOf(provider: JobProvider, input: StopJob): Run {
  return provider.parseRunId?.(input) ?? { id: input.id }
}
