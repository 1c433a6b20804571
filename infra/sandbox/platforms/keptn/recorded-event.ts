/** A CloudEvent as Keptn stores it. */
export interface KeptnEvent extends Record<string, unknown> {
  id: string
  time: string
  type: string
  data?: unknown
}

/** One event as `/sandbox/events` lists it. */
export interface RecordedEvent {
  at: string
  /** `api`: sent back by a receiver; `control-plane`: put on the bus by the simulated control plane. */
  via: 'api' | 'control-plane'
  event: KeptnEvent
}
