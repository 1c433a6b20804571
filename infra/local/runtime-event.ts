import type { SandboxObservation } from '../sandbox/platforms/sandbox/sandbox.ts'
import type { Observation } from './cloud/index.ts'
/** A request, a durable step, a log line, a call to the sandbox, or a Keptn event. */
export type RuntimeEvent =
  | { from: 'gateway'; at: number; method: string; path: string; status: number; ms: number; detail?: string }
  | ({ from: 'cloud' } & Observation)
  | ({ from: 'sandbox' } & SandboxObservation)
