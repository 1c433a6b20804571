import type { Aws } from '../../shared/aws/aws.ts'
import type { Run, RunStatus, StartJob, Verdict } from '../../shared/providers/job.ts'
import type { Client } from '../../shared/providers/provider.ts'
import { clipSingleLine } from '../../shared/text/single-line.ts'

/** One kind of what SageMaker runs. */
export interface Kind {
  /** Looks at what would be run. */
  check(aws: Aws, name: string): Promise<unknown>
  start(client: Client, name: string, input: StartJob): Promise<Run>
  /** @param name of the run: of a job, or the ARN of an execution */
  look(aws: Aws, name: string): Promise<RunStatus>
  stop(client: Client, name: string): Promise<unknown>
}

/**
 * What the states mean, of all kinds; where a state alone does not tell, with what says more: the secondary status of a
 * training, and the first word of the reason why a job has failed.
 *
 * Failed is what came of it, whatever was wrong with code or data; only what AWS names as its own fault could not run.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipelineExecution.html
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeHyperParameterTuningJob.html
 * @see https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
 */
export const states: Readonly<Record<string, Verdict>> = {
  Executing: 'running',
  InProgress: 'running',
  Stopping: 'running',
  Succeeded: 'pass',
  Completed: 'pass',
  Failed: 'fail',
  'Failed/CapacityError': 'errored',
  'Failed/InternalServerError': 'errored',
  Stopped: 'aborted',
  // The limit that its definition sets: it ran, and did not do in that time what it should.
  'Stopped/MaxRuntimeExceeded': 'fail',
  // There were no spot instances for as long as it would wait.
  'Stopped/MaxWaitTimeExceeded': 'errored',
  // By somebody, while it was followed: how it had ended is not known any more.
  Deleting: 'running',
  DeleteFailed: 'errored',
}

const longestReason = 500

/** A state as the table has it: with what says more where that makes a difference. */
export function stateOf(status: string, more: string | undefined, reason: string | undefined): string {
  const cause = status === 'Failed' ? reason?.split(':', 1)[0] : more
  const both = `${status}/${cause}`
  return Object.hasOwn(states, both) ? both : status
}

export function reasonOf(...parts: (string | undefined)[]): string | undefined {
  return clipSingleLine(parts.filter(Boolean).join(': '), longestReason) || undefined
}

/** Seconds, where both times are known. */
export function durationOf(began: Date | undefined, ended: Date | undefined): Record<string, number> {
  return began && ended ? { duration: Math.max(0, Math.round((ended.getTime() - began.getTime()) / 1_000)) } : {}
}

interface Metric {
  MetricName: string
  Value: number
}

/** Metrics by their names. What is no finite number is none: a training that diverges reports NaN, which holds no threshold. */
export function metricsIn(
  metrics: readonly (Partial<Record<keyof Metric, unknown>> | undefined)[],
): Record<string, number> {
  const finite = metrics.filter((metric) => metric?.MetricName && Number.isFinite(metric.Value)) as Metric[]
  return Object.fromEntries(finite.map(({ MetricName: name, Value: value }) => [name, value]))
}
