import { setTimeout as sleep } from 'node:timers/promises'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import { functionsOf } from '../../aws/running-tasks.ts'
import { LogReader } from '../../local/console/stack/logs.ts'
import { UsageError } from '../../project/usage-error.ts'
import type { AuditRecords, Period } from './records.ts'

/** A line reaches CloudWatch after it was written. */
const MARGIN_MS = 60_000
/** CloudWatch Logs allows a few reads per second in an account, which other readers share. */
const MAX_ATTEMPTS = 8
const MIN_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000
const REPORT_INTERVAL_MS = 5_000

const TRANSIENT = /Throttl|LimitExceeded|ServiceUnavailable|InternalFailure|InternalServer|TimeoutError/

/**
 * Reads the audit records of a deployed stack from the logs of its functions.
 *
 * @param report receives the progress
 * @throws UsageError if the stack has no functions; errors of AWS
 */
export async function readStackRecords(
  lambda: LambdaClient,
  stack: string,
  { from, to }: Period,
  records: AuditRecords,
  report: (text: string) => void,
): Promise<void> {
  const groups: string[] = []
  for await (const { logGroup } of functionsOf(lambda, stack, ['webhook', 'task', 'finisher', 'stops']))
    groups.push(logGroup)
  if (groups.length === 0)
    throw new UsageError(`The stack ${stack} has no functions. Check the name, the region and the account.`)
  report(`Reading ${groups.length} log groups of ${stack} ...`)
  const reader = new LogReader(lambda)
  const query = { startTime: from - MARGIN_MS, endTime: to + MARGIN_MS, filterPattern: '{ $.message = "audit" }' }
  let reportedAt = Date.now()
  for (const [index, logGroupName] of groups.entries()) {
    for (let token: string | undefined, hasMore = true; hasMore; ) {
      const { lines, nextToken } = await readPage(() => reader.page({ ...query, logGroupName }, token), report)
      for (const { message } of lines) records.add(message)
      token = nextToken
      hasMore = token !== undefined
      if (Date.now() - reportedAt < REPORT_INTERVAL_MS) continue
      reportedAt = Date.now()
      report(`Log group ${index + 1} of ${groups.length}, ${records.count} records ...`)
    }
  }
}

/** Reads a page. Repeats it while AWS is busy or unreachable. */
async function readPage<Page>(read: () => Promise<Page>, report: (text: string) => void): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !isTransient(error)) throw error
      const pause = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** (attempt - 1))
      report(`CloudWatch Logs is busy (${(error as Error).name}). Trying again ...`)
      await sleep(pause)
    }
  }
}

/** `fetch` reports errors of the network as a TypeError. */
function isTransient(error: unknown): boolean {
  return error instanceof TypeError || TRANSIENT.test((error as Error).name)
}
