import * as z from 'zod/mini'
import { clipSingleLine } from '../../shared/text/single-line.ts'

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

/** What the agent in the cluster tells of a run: its workflow, with times in epoch seconds. */
export type Execution = z.output<typeof execution>

/** A fault that was injected, and what became of it. */
export interface Fault {
  name: string
  phase: string | undefined
  /** `Pass`, `Fail`, `Awaited`, `Stopped` or `N/A`. */
  verdict: string
  /** In percent of its probes. */
  probeSuccess: number | undefined
  failedProbes: string[]
  failStep: string | undefined
}

const longestWhy = 200

/**
 * Reads it from the text that it comes in. An agent of another version may tell something else, or nothing: the phase
 * and the score of the run stand without it.
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

/** The faults of a run; one that the agent could not read says nothing but its step. */
export function faultsOf({ nodes }: Execution): Fault[] {
  return Object.values(nodes ?? {})
    .filter(({ type, chaosData }) => type === 'ChaosEngine' || chaosData)
    .map(({ name, phase, message, chaosData }) => {
      const { experimentName, experimentVerdict, probeSuccessPercentage: percent, chaosResult } = chaosData ?? {}
      const verdict = experimentVerdict || 'N/A'
      const told = chaosData?.failStep === 'N/A' ? undefined : chaosData?.failStep
      return {
        name: experimentName || name,
        phase: phase ?? undefined,
        verdict,
        probeSuccess: percent && Number.isFinite(Number(percent)) ? Number(percent) : undefined,
        failedProbes: (chaosResult?.status?.probeStatuses ?? [])
          .filter(({ status }) => status?.verdict === 'Failed')
          .map(({ name, status }) =>
            clipSingleLine([name, status?.description].filter(Boolean).join(': '), longestWhy),
          ),
        failStep: clipSingleLine((verdict === 'Pass' ? undefined : told || message) ?? '', longestWhy) || undefined,
      }
    })
}

/** The steps around the faults that failed, such as their installation, each with its message. */
export function stepsThatFailed({ nodes }: Execution): string[] {
  return Object.values(nodes ?? {})
    .filter(({ type, phase, message }) => type === 'Pod' && (phase === 'Failed' || phase === 'Error') && message)
    .map(({ name, message }) => `step ${name}: ${message}`)
}
