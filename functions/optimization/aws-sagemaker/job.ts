import { SageMakerClient } from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { type Failure, retryLater } from '../../../shared/errors.ts'
import type { Run } from '../../../shared/providers/job.ts'
import type { Client } from '../../../shared/providers/provider.ts'

/** How many digits of the idempotency key a name ends with. The name of a tuning has at most 32 characters. */
const KEY_DIGITS = 16
/** AWS returns the metrics of its own algorithms and of those on the Marketplace, but refuses them in a request. */
const refusesMetrics = /override the metric definitions/i
/** Other jobs use the quota and will end. With a utilization of 0, the quota is too small for any job. */
const quotaInUse = /with current utilization of [1-9]/i

type Command<Output> = Parameters<typeof Aws.prototype.write<Output>>[1]

/** Returns the name of a job that is created from a template: the template's name and digits of the idempotency key. */
export function nameAfter(template: string, key: string | undefined, maxLength: number): string {
  const digits = (key ?? crypto.randomUUID().replaceAll('-', '')).slice(-KEY_DIGITS)
  return `${template.slice(0, maxLength - KEY_DIGITS - 1).replace(/-+$/, '')}-${digits}`
}

/** Returns a job as a run, with the URL of its page in the console. */
export async function runOf(aws: Aws, kind: 'tuning' | 'training', name: string): Promise<Run> {
  const id = `${kind}/${name}`
  return { id, url: await consolePageOf(aws, kind, name) }
}

export async function consolePageOf(aws: Aws, kind: 'tuning' | 'training', name: string): Promise<string> {
  const page = kind === 'tuning' ? 'hyper-tuning-jobs' : 'jobs'
  return `${consoleUrl(await aws.region(SageMakerClient), 'sagemaker/home')}#/${page}/${name}`
}

/**
 * Creates a job unless one with its name exists. That one is from an earlier attempt, because the name contains the key.
 *
 * @param find reads the job with that name
 * @param create returns the request, with or without the metrics of the template
 */
export async function createOnce(
  { aws, isRetry }: Client,
  find: () => Promise<unknown>,
  create: (metrics: 'with metrics' | 'without metrics') => Command<unknown>,
): Promise<void> {
  // Creating it again would fail with a quota error instead of ResourceInUse if the existing job uses the quota.
  if (isRetry && (await exists(find))) return
  try {
    await aws.write(SageMakerClient, create('with metrics')).catch((error: unknown) => {
      if (!refusesMetrics.test(awsErrorOf(error)?.message ?? '')) throw error
      return aws.write(SageMakerClient, create('without metrics'))
    })
  } catch (error) {
    const { name, message } = awsErrorOf(error) ?? {}
    if (name === 'ResourceInUse') return
    if (name === 'ResourceLimitExceeded' && quotaInUse.test(message ?? ''))
      throw retryLater((error as Failure).message, { cause: error })
    throw error
  }
}

/** AWS returns the same error for a missing job and an invalid name. */
async function exists(find: () => Promise<unknown>): Promise<boolean> {
  try {
    await find()
    return true
  } catch (error) {
    if (['ValidationException', 'ResourceNotFound'].includes(awsErrorOf(error)?.name ?? '')) return false
    throw error
  }
}

/** Returns some fields of a response for a request that has the same fields. */
export function pick<T extends object, K extends keyof T>(from: T, names: Readonly<Record<K, true>>): Pick<T, K> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, from[name as K]])) as Pick<T, K>
}

/** Returns the specification of an algorithm with or without its metrics. */
export function withMetrics<S extends { MetricDefinitions?: unknown }>(
  specification: S | undefined,
  metrics: 'with metrics' | 'without metrics',
): S | undefined {
  return metrics === 'with metrics'
    ? specification
    : specification && { ...specification, MetricDefinitions: undefined }
}
