import * as z from 'zod/mini'
import type { RunStatus, Verdict } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'

/** Gremlin names some fields in snake_case and some in camelCase, and its own clients disagree on which. */
export const camelCase = <S extends z.ZodMiniType>(schema: S) => z.pipe(z.transform(toCamelCase), schema)

const run = camelCase(
  z.object({
    stageInfo: z.object({
      stage: z.string(),
      stageMetadata: z.nullish(z.object({ failedReason: z.nullish(z.string()) })),
    }),
    name: z.nullish(z.string()),
    hypothesis: z.nullish(z.string()),
    results: z.nullish(z.object({ status: z.nullish(z.string()) })),
    passCriteria: z.nullish(z.string()),
    createdAt: z.nullish(z.string()),
    startTime: z.nullish(z.string()),
    endTime: z.nullish(z.string()),
    graph: z.nullish(z.object({ nodes: z.optional(z.unknown()), observers: z.optional(z.unknown()) })),
  }),
)
type ScenarioRun = z.output<typeof run>
/** Gremlin's OpenAPI document specifies a list; its clients read an object. */
export const oneRun = z.pipe(
  z.transform((body: unknown) => (Array.isArray(body) ? body[0] : body)),
  run,
)
/** A step of a scenario: a fault, a health check or a delay. */
const node = z.object({
  type: z.string(),
  name: z.nullish(z.string()),
  impactDefinition: z.nullish(z.object({ infraCommandType: z.nullish(z.string()) })),
  state: z.object({
    lifecycle: z.string(),
    failedReason: z.nullish(z.string()),
    nodeHaltedById: z.nullish(z.string()),
  }),
})
type Node = z.output<typeof node>

const MAX_STEPS = 20
const MAX_REASON_LENGTH = 500
/** Precedes the idempotency key in the hypothesis of a run. */
export const MARKER = 'cloud-automation-webhooks'
const MARKER_SUFFIX = new RegExp(`(; )?${MARKER} [0-9a-f]+$`)

export const states: Readonly<Record<string, Verdict>> = {
  NotStarted: 'running',
  Active: 'running',
  Running: 'running',
  HaltRequested: 'running',
  Successful: 'pass',
  Completed: 'pass',
  Failed: 'fail',
  Halted: 'aborted',
}

export function statusOf(run: ScenarioRun): RunStatus {
  const { stageInfo, results } = run
  const { stage } = stageInfo
  const nodes = nodesIn([run.graph?.nodes, run.graph?.observers])
  if (isRunning(stage)) {
    const active = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Active')
    return { state: stage, progress: active.map(nameOf).join(', ') || undefined }
  }
  const verdict = verdictOf(run, nodes)
  const failed = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Failed')
  const reason = [stageInfo.stageMetadata?.failedReason, ...failed.map(failureOf)].filter(Boolean).join('; ')
  const injected = nodes.filter(({ type, state }) => isStep(type) && !isCheck(type) && state.lifecycle !== 'NotStarted')
  return {
    state: [stage, results?.status].filter(Boolean).join('/'),
    verdict,
    reason: reason ? clipSingleLine(reason, MAX_REASON_LENGTH) : undefined,
    data: {
      ...(run.name ? { scenario: run.name } : {}),
      ...(run.hypothesis ? { hypothesis: run.hypothesis.replace(MARKER_SUFFIX, '') } : {}),
      ...(injected.length > 0 ? { injected: injected.slice(0, MAX_STEPS).map(describeStep) } : {}),
    },
    period: { start: run.startTime ?? run.createdAt, end: run.endTime },
  }
}

/**
 * Gremlin's own result, which a person may have edited, comes first. Without one, a failed health check decides by the pass
 * criteria of the scenario, even if it halted the scenario. A fault that could not be injected tests nothing.
 */
function verdictOf({ stageInfo: { stage }, results, passCriteria }: ScenarioRun, nodes: Node[]): Verdict {
  const result = results?.status
  if (result === 'Passed') return 'pass'
  if (result === 'Failed') return 'fail'
  const failed = nodes.filter(({ type, state }) => isStep(type) && state.lifecycle === 'Failed')
  const hasFailedCheck = failed.some(({ type }) => isCheck(type)) || nodes.some(({ state }) => state.nodeHaltedById)
  const needsFailedCheck = passCriteria === 'AT_LEAST_ONE_FAILED'
  if (hasFailedCheck && needsFailedCheck) return 'pass'
  if (stage === 'Halted') return hasFailedCheck ? 'fail' : 'aborted'
  if (stage === 'Failed') return failed.length > 0 && !hasFailedCheck ? 'errored' : 'fail'
  if (result === 'Unsure') return 'warning'
  return needsFailedCheck ? 'fail' : 'pass'
}

/** An unknown stage never ends a run. */
function isRunning(stage: string): boolean {
  return !Object.hasOwn(states, stage) || states[stage] === 'running'
}

/** Returns all steps, including those in branches. */
function nodesIn(value: unknown): Node[] {
  if (value === null || typeof value !== 'object') return []
  const { success, data } = node.safeParse(value)
  return [...(success ? [data] : []), ...Object.values(value).flatMap(nodesIn)]
}

/** Returns false for containers of other steps, and for delays. */
function isStep(type: string): boolean {
  return !['Concurrent', 'Continuous', 'Delay'].includes(type)
}

function isCheck(type: string): boolean {
  return type.includes('StatusCheck')
}

function nameOf({ type, name, impactDefinition }: Node): string {
  return impactDefinition?.infraCommandType || name || type
}

function describeStep(step: Node): string {
  return `${nameOf(step)}: ${step.state.lifecycle}`
}

function failureOf(step: Node): string {
  const { failedReason } = step.state
  return `${isCheck(step.type) ? 'health check' : 'step'} "${nameOf(step)}" failed${failedReason ? ` (${failedReason})` : ''}`
}

function toCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCamelCase)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      toCamelCase(field),
    ]),
  )
}
