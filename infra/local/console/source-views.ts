import type { EventsFile } from '../../../shared/sources/events-file.ts'
import { isSilent, type SourceActivity } from '../../../shared/state/source-activity.ts'
import { type LocalCloud, REGION } from '../cloud/index.ts'
import { STATE_TABLE } from '../functions.ts'
import { readActivities } from '../source-activity.ts'

/** A declared source, and when it has notified us. */
export interface SourceView extends SourceActivity {
  name: string
  type: string
  isSilent: boolean
}

/** Reads the sources that the runtime has declared. */
export async function sourceViews(
  { dynamodb: endpoint, credentials }: LocalCloud,
  { sources }: EventsFile,
): Promise<SourceView[]> {
  const config = { endpoint, credentials, region: REGION }
  return toSourceViews(sources, await readActivities(config, STATE_TABLE, Object.keys(sources)))
}

/** Returns the sources with their activities. */
export function toSourceViews(
  sources: EventsFile['sources'],
  activities: ReadonlyMap<string, SourceActivity>,
): SourceView[] {
  return Object.entries(sources).map(([name, { type }]) => {
    const activity = activities.get(name) ?? { missed: 0 }
    return { name, type, ...activity, isSilent: isSilent(activity) }
  })
}
