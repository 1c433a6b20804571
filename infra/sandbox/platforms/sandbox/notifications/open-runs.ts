import type { Collection, Store } from '../store.ts'

/** The platforms that notify the runtime of their runs. */
export type NotifyingPlatform = 'github' | 'rundeck' | 'databricks'

/** A run whose end its platform has not notified. */
export interface OpenRun {
  platform: NotifyingPlatform
  id: number
  /** The last event that was notified. */
  event?: string
}

/** Returns the runs with notifications to send. They are in the store, so that they survive a restart. */
export function openRuns(store: Store): Collection<OpenRun> {
  return store.collection('notifications.open')
}

export function openRunKey({ platform, id }: OpenRun): string {
  return `${platform} ${id}`
}

/** Adds a run that has started. */
export function addOpenRun(store: Store, platform: NotifyingPlatform, id: number): void {
  openRuns(store).put(openRunKey({ platform, id }), { platform, id })
}
