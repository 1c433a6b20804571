/** A service-level objective, without what Dynatrace calculates. */
export interface Slo {
  id: string
  name: string
  description: string
  /** Percent: below it the objective is missed. */
  target: number
  /** Percent, above the target: below it the objective is met, but not by much. */
  warning: number
  /** Percent, set by a person; null means no data. */
  value: number | null
  /** Fields of the response that a test sets. */
  shown?: Record<string, unknown>
}

/** The objectives of an empty store: one for each service of the demo. */
export const INITIAL_SLOS: readonly Slo[] = [
  sloOf('casdemoapp', '5d1f9a0c-6c1e-3a52-8f0b-1c7b5e2d9a01', 99.2),
  sloOf('checkout', '0b7c4f7e-93d5-3b1a-a6d4-8e2f60c1d702', 98.9),
  sloOf('shop', 'e4a86d35-2f78-3c9d-b1e7-47d09a5c3b03', 99.6),
]

function sloOf(service: string, id: string, value: number): Slo {
  return { id, name: service, description: `Requests to ${service} that succeed`, target: 95, warning: 97.5, value }
}
