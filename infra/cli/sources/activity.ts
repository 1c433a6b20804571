import { LambdaClient } from '@aws-sdk/client-lambda'
import { messageOf } from '../../../shared/errors.ts'
import { isSilent, type SourceActivity } from '../../../shared/state/source-activity.ts'
import { cdkSettings } from '../../aws/cdk-settings.ts'
import { REGION } from '../../local/cloud/index.ts'
import { STATE_TABLE } from '../../local/functions.ts'
import { environmentOf } from '../../local/operator/act-as-webhook.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { readActivities } from '../../local/source-activity.ts'
import { stateFolder } from '../receiver/receiver.ts'

interface Place {
  local?: boolean
  stack: string
}

/**
 * Reads when the sources of the local runtime or of a stack have notified us.
 *
 * @returns a text with the reason if it cannot be read
 */
export async function activitiesOf(
  sources: readonly string[],
  { local, stack }: Place,
): Promise<Map<string, SourceActivity> | string> {
  try {
    if (local) {
      const runtime = readRuntimeFile(stateFolder())
      if (!runtime) return 'the local runtime does not run'
      const { dynamodb: endpoint, ...credentials } = runtime.aws
      return await readActivities({ endpoint, credentials, region: REGION }, STATE_TABLE, sources)
    }
    tables[stack] ??= await tableOf(stack)
    return await readActivities({}, tables[stack], sources)
  } catch (error) {
    return messageOf(error)
  }
}

/** The tables of stacks. A console reads them again and again. */
const tables: Record<string, string> = {}

/** @throws Failure `invalid` for an unknown stack; errors of the SDK */
async function tableOf(stack: string): Promise<string> {
  const category = cdkSettings().enabled[0]?.name ?? ''
  const variables = await environmentOf(new LambdaClient({ maxAttempts: 2 }), stack, category)
  return variables['WEBHOOKS_STATE_TABLE'] ?? ''
}

/** Describes the activity of a source in one line. */
export function describeActivity(activity: SourceActivity): string {
  const { notifiedAt, event = '', wokenAt, missed } = activity
  const notified = notifiedAt === undefined ? 'no notification yet' : `notified ${timeOf(notifiedAt)} (${event})`
  const woken = wokenAt === undefined ? 'has woken no task' : `woke a task ${timeOf(wokenAt)}`
  return [
    notified,
    woken,
    ...(missed > 0 ? [`${missed} ends noticed without it since`] : []),
    ...(isSilent(activity) ? ['silent'] : []),
  ].join(', ')
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}
