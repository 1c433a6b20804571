import type { Aws } from '../../../shared/aws/aws.ts'
import type { Run, RunStatus, StartJob, Verdict } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** A kind of SageMaker run: a pipeline execution, a tuning or a training. */
export interface SageMakerKind {
  /** Reads the pipeline or job that would be run. */
  check(aws: Aws, name: string): Promise<unknown>
  start(client: Client, name: string, input: StartJob): Promise<Run>
  /** @param name the name of a job or the ARN of an execution */
  getStatus(aws: Aws, name: string): Promise<RunStatus>
  stop(client: Client, name: string): Promise<unknown>
}

/**
 * The meaning of the states of all kinds. Some states are followed by the secondary status of a training or by the first word of
 * the failure reason. A failed job is a failure of its code or data, unless AWS names its own fault.
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
  // The time limit of its definition.
  'Stopped/MaxRuntimeExceeded': 'fail',
  // No spot instance was available.
  'Stopped/MaxWaitTimeExceeded': 'errored',
  // The job is being deleted, so its result is unknown.
  Deleting: 'running',
  DeleteFailed: 'errored',
}

const MAX_REASON = 500

/** Returns a state as in the table, with the detail if the table has that combination. */
export function stateOf(status: string, detail: string | undefined, reason: string | undefined): string {
  const cause = status === 'Failed' ? reason?.split(':', 1)[0] : detail
  const combined = `${status}/${cause}`
  return Object.hasOwn(states, combined) ? combined : status
}

export function reasonOf(...parts: (string | undefined)[]): string | undefined {
  return clipSingleLine(parts.filter(Boolean).join(': '), MAX_REASON) || undefined
}

interface Metric {
  MetricName: string
  Value: number
}

/** Returns the metrics by name, without values such as NaN, which a training that diverges reports. */
export function metricsIn(
  metrics: readonly (Partial<Record<keyof Metric, unknown>> | undefined)[],
): Record<string, number> {
  const finite = metrics.filter((metric) => metric?.MetricName && Number.isFinite(metric.Value)) as Metric[]
  return Object.fromEntries(finite.map(({ MetricName: name, Value: value }) => [name, value]))
}
