import {
  DeleteFunctionCommand,
  type ExecutionStatus,
  type LambdaClient,
  ListDurableExecutionsByFunctionCommand,
  paginateListAliases,
  paginateListVersionsByFunction,
} from '@aws-sdk/client-lambda'
import { functionsOf } from './running-tasks.ts'

/** A published version of a function. */
export interface FunctionVersion {
  /** Logical id in the template: `CiCdTaskFunction1A2B3C4D`. */
  function: string
  functionArn: string
  version: string
  publishedAt: string
  /** Why it must not be deleted. Undefined if nothing uses it. */
  usedBy?: 'alias' | 'possible rollback' | 'running task' | 'recent failure' | undefined
}

/** The finisher may start a cleanup on the version of a failed task, and runs for at most two days. */
const RECENT_FAILURE_MS = 2 * 86_400_000
const FAILED: ExecutionStatus[] = ['FAILED', 'TIMED_OUT', 'STOPPED']

/**
 * Lists the published versions of the functions of a stack, and what uses them.
 *
 * @throws errors of the SDK
 */
export async function listVersions(lambda: LambdaClient, stackName: string): Promise<FunctionVersion[]> {
  const versions: FunctionVersion[] = []
  for await (const { arn, kind, logicalId } of functionsOf(lambda, stackName, ['webhook', 'task', 'finisher'])) {
    const aliased = await aliasedVersions(lambda, arn)
    const published = await publishedVersions(lambda, arn)
    const isOlder = ({ version }: { version: string }) => [...aliased].some((live) => Number(version) < Number(live))
    // Only webhooks are rolled back by hand: their calls are short.
    const previous = kind === 'webhook' ? published.filter(isOlder).at(-1)?.version : undefined
    for (const { version, publishedAt } of published) {
      let usedBy: FunctionVersion['usedBy']
      if (aliased.has(version)) usedBy = 'alias'
      else if (version === previous) usedBy = 'possible rollback'
      else if (kind !== 'webhook') usedBy = await executionOf(lambda, arn, version)
      versions.push({ function: logicalId, functionArn: arn, version, publishedAt, usedBy })
    }
  }
  return versions
}

/** Returns the versions of a function, oldest first. */
async function publishedVersions(
  lambda: LambdaClient,
  FunctionName: string,
): Promise<{ version: string; publishedAt: string }[]> {
  const published: { version: string; publishedAt: string }[] = []
  for await (const { Versions = [] } of paginateListVersionsByFunction({ client: lambda }, { FunctionName }))
    for (const { Version: version = '', LastModified: publishedAt = '' } of Versions)
      if (version !== '$LATEST') published.push({ version, publishedAt })
  return published.sort((a, b) => Number(a.version) - Number(b.version))
}

/**
 * Deletes a version.
 *
 * @throws errors of the SDK
 */
export async function deleteVersion(lambda: LambdaClient, { functionArn, version }: FunctionVersion): Promise<void> {
  // Without a qualifier, Lambda would delete the function.
  if (!/^\d+$/.test(version)) throw new Error(`"${version}" is not the number of a version.`)
  await lambda.send(new DeleteFunctionCommand({ FunctionName: functionArn, Qualifier: version }))
}

async function aliasedVersions(lambda: LambdaClient, FunctionName: string): Promise<Set<string>> {
  const used = new Set<string>()
  for await (const { Aliases = [] } of paginateListAliases({ client: lambda }, { FunctionName }))
    for (const { FunctionVersion, RoutingConfig } of Aliases)
      for (const version of [FunctionVersion, ...Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {})])
        if (version !== undefined) used.add(version)
  return used
}

async function executionOf(
  lambda: LambdaClient,
  FunctionName: string,
  Qualifier: string,
): Promise<FunctionVersion['usedBy']> {
  const newest = async (Statuses: ExecutionStatus[]) => {
    const query = { FunctionName, Qualifier, Statuses, MaxItems: 1 }
    const { DurableExecutions: [found] = [] } = await lambda.send(new ListDurableExecutionsByFunctionCommand(query))
    return found
  }
  if (await newest(['RUNNING'])) return 'running task'
  const failed = await newest(FAILED)
  const endedAt = failed?.EndTimestamp?.getTime() ?? 0
  return Date.now() - endedAt < RECENT_FAILURE_MS ? 'recent failure' : undefined
}
