import * as z from 'zod/mini'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

const probeStatus = z.object({
  name: z.string(),
  status: z.nullish(z.object({ verdict: z.nullish(z.string()), description: z.nullish(z.string()) })),
})
const chaosData = z.object({
  experimentName: z.nullish(z.string()),
  experimentVerdict: z.nullish(z.string()),
  probeSuccessPercentage: z.nullish(z.string()),
  failStep: z.nullish(z.string()),
  chaosResult: z.nullish(z.object({ status: z.nullish(z.object({ probeStatuses: z.nullish(z.array(probeStatus)) })) })),
})
const node = z.object({
  name: z.string(),
  phase: z.nullish(z.string()),
  type: z.nullish(z.string()),
  message: z.nullish(z.string()),
  chaosData: z.nullish(chaosData),
})
const execution = z.object({
  message: z.nullish(z.string()),
  startedAt: z.nullish(z.string()),
  finishedAt: z.nullish(z.string()),
  nodes: z.nullish(z.record(z.string(), node)),
})

/** The report of the agent in the cluster: the workflow of a run, with times in epoch seconds. */
export type Execution = z.output<typeof execution>

/** An injected fault and its result. */
export interface Fault {
  name: string
  phase: string | undefined
  /** `Pass`, `Fail`, `Awaited`, `Stopped` or `N/A`. */
  verdict: string
  /** Percentage of successful probes. */
  probeSuccess: number | undefined
  failedProbes: string[]
  failStep: string | undefined
}

const MAX_FAILURE_LENGTH = 200

/**
 * Parses the report. An agent of another version may report something else, or nothing: the phase and score of the run are
 * valid without it.
 *
 * @see https://github.com/litmuschaos/litmus/blob/master/chaoscenter/subscriber/pkg/types/event.go
 */
export function readExecution(text: string | null | undefined): Execution {
  try {
    return execution.safeParse(JSON.parse(text || '{}')).data ?? {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** Returns the faults of a run. A fault that the agent could not read has only its step. */
export function faultsOf({ nodes }: Execution): Fault[] {
  return Object.values(nodes ?? {})
    .filter(({ type, chaosData }) => type === 'ChaosEngine' || chaosData)
    .map(({ name, phase, message, chaosData }) => {
      const { experimentName, experimentVerdict, probeSuccessPercentage: percent, chaosResult } = chaosData ?? {}
      const verdict = experimentVerdict || 'N/A'
      const failStep = chaosData?.failStep === 'N/A' ? undefined : chaosData?.failStep
      return {
        name: experimentName || name,
        phase: phase ?? undefined,
        verdict,
        probeSuccess: percent && Number.isFinite(Number(percent)) ? Number(percent) : undefined,
        failedProbes: (chaosResult?.status?.probeStatuses ?? [])
          .filter(({ status }) => status?.verdict === 'Failed')
          .map(({ name, status }) =>
            clipSingleLine([name, status?.description].filter(Boolean).join(': '), MAX_FAILURE_LENGTH),
          ),
        failStep:
          clipSingleLine((verdict === 'Pass' ? undefined : failStep || message) ?? '', MAX_FAILURE_LENGTH) || undefined,
      }
    })
}

/** Returns the failed steps other than faults, such as the installation, each with its message. */
export function failedSteps({ nodes }: Execution): string[] {
  return Object.values(nodes ?? {})
    .filter(({ type, phase, message }) => type === 'Pod' && (phase === 'Failed' || phase === 'Error') && message)
    .map(({ name, message }) => `step ${name}: ${message}`)
}
