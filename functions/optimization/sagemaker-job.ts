import { SageMakerClient } from '@aws-sdk/client-sagemaker'
import type { Aws } from '../../shared/aws/aws.ts'
import { consoleUrl } from '../../shared/aws/console.ts'
import { awsErrorOf } from '../../shared/aws/failure.ts'
import { Failure } from '../../shared/errors.ts'
import type { Run } from '../../shared/providers/job.ts'
import type { Client } from '../../shared/providers/provider.ts'

/** Digits of the key that a name carries: the longest names of tunings have 32 characters. */
const keyDigits = 16
/** AWS shows the metrics of its own algorithms, and of those on the Marketplace, but takes none for them. */
const ownMetrics = /override the metric definitions/i
/** Others use a quota up and will end: the same error comes where a quota is too small for anything. */
const usedUp = /with current utilization of [1-9]/i

type Command<Output> = Parameters<typeof Aws.prototype.write<Output>>[1]

/** The name of what is made after something else: begins like that, and ends with the key of the call. */
export function nameAfter(template: string, key: string | undefined, longest: number): string {
  const digits = (key ?? crypto.randomUUID().replaceAll('-', '')).slice(-keyDigits)
  return `${template.slice(0, longest - keyDigits - 1).replace(/-+$/, '')}-${digits}`
}

/** A job as a run, with its page in the console. */
export async function runOf(aws: Aws, kind: 'tuning' | 'training', name: string): Promise<Run> {
  const id = `${kind}/${name}`
  return { id, url: await pageOf(aws, kind, name) }
}

export async function pageOf(aws: Aws, kind: 'tuning' | 'training', name: string): Promise<string> {
  const page = kind === 'tuning' ? 'hyper-tuning-jobs' : 'jobs'
  return `${consoleUrl(await aws.region(SageMakerClient), 'sagemaker/home')}#/${page}/${name}`
}

/**
 * Makes a job unless there is one of its name: that is the one of an earlier try, since the name carries the key.
 *
 * @param find looks at the job of that name
 * @param create the request, with the metrics that the template shows or without
 */
export async function createOnce(
  { aws, isRetry }: Client,
  find: () => Promise<unknown>,
  create: (metrics: 'kept' | 'left out') => Command<unknown>,
): Promise<void> {
  // Not only when the name is taken: by then the earlier job may have used up the quota, which AWS would say instead.
  if (isRetry && (await isThere(find))) return
  try {
    await aws.write(SageMakerClient, create('kept')).catch((error: unknown) => {
      if (!ownMetrics.test(awsErrorOf(error)?.message ?? '')) throw error
      return aws.write(SageMakerClient, create('left out'))
    })
  } catch (error) {
    const { name, message } = awsErrorOf(error) ?? {}
    // The name is taken.
    if (name === 'ResourceInUse') return
    if (name === 'ResourceLimitExceeded' && usedUp.test(message ?? ''))
      throw new Failure('platform', (error as Failure).message, { cause: error })
    throw error
  }
}

/** AWS answers a name that is not there as it answers one that is none. */
async function isThere(find: () => Promise<unknown>): Promise<boolean> {
  try {
    await find()
    return true
  } catch (error) {
    if (['ValidationException', 'ResourceNotFound'].includes(awsErrorOf(error)?.name ?? '')) return false
    throw error
  }
}

/** Some fields of an answer, for a request that takes the same. */
export function pick<T extends object, K extends keyof T>(from: T, names: Readonly<Record<K, true>>): Pick<T, K> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, from[name as K]])) as Pick<T, K>
}

/** How a job's algorithm is specified, with the metrics that it shows or without. */
export function specified<S extends { MetricDefinitions?: unknown }>(
  specification: S | undefined,
  metrics: 'kept' | 'left out',
): S | undefined {
  return metrics === 'kept' ? specification : specification && { ...specification, MetricDefinitions: undefined }
}
