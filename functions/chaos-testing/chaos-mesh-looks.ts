import * as z from 'zod/mini'
import type { Http } from '../../shared/http/client.ts'
import type { Run, RunStatus } from '../../shared/providers/job.ts'
import { clipSingleLine } from '../../shared/text/single-line.ts'
import { archived, ask, eventsOf, inCluster, placeOf } from './chaos-mesh-api.ts'
import { secondsOf } from './chaos-mesh-objects.ts'

const words = z.record(z.string(), z.string())
const fault = z.object({
  action: z.nullish(z.string()),
  mode: z.nullish(z.string()),
  duration: z.nullish(z.string()),
  selector: z.nullish(z.object({ namespaces: z.nullish(z.array(z.string())) })),
})
const experiment = z.object({
  status: z.string(),
  created_at: z.string(),
  failed_message: z.nullish(z.string()),
  kube_object: z.nullish(z.object({ spec: z.nullish(fault) })),
})
type Experiment = z.output<typeof experiment>
const node = z.object({ name: z.string(), type: z.string(), state: z.string(), template: z.string() })
const step = z.object({ name: z.string(), abortWithStatusCheck: z.nullish(z.boolean()) })
const workflow = z.object({
  status: z.string(),
  created_at: z.nullish(z.string()),
  end_time: z.nullish(z.string()),
  finish_time: z.nullish(z.string()),
  topology: z.nullish(z.object({ nodes: z.nullish(z.array(node)) })),
  kube_object: z.nullish(
    z.object({
      metadata: z.nullish(z.object({ name: z.nullish(z.string()), annotations: z.nullish(words) })),
      spec: z.nullish(z.object({ templates: z.nullish(z.array(step)) })),
    }),
  ),
})
type Workflow = z.output<typeof workflow>
/** The nodes of a workflow that inject: their names begin those of what they inject. */
const injectors = z.array(z.string())

/** How much later than what they tell events may come, in milliseconds. */
const eventsCome = 30_000
const mostTold = 20
const longestReason = 500

/** How an experiment is seen now. */
export async function lookAtExperiment(http: Http, id: string): Promise<RunStatus> {
  const seen = (await ask(http, 'GET', placeOf(id).path, { schema: experiment })).body
  const { status: state, failed_message, kube_object } = seen
  const { action, mode, duration, selector } = kube_object?.spec ?? {}
  const seconds = secondsOf(duration ?? '')
  const data = {
    ...(action ? { action } : {}),
    ...(mode ? { mode } : {}),
    ...(selector?.namespaces ? { namespaces: selector.namespaces } : {}),
    ...(seconds === undefined ? {} : { duration: seconds }),
  }
  if (state === 'finished') return ended(seen, await eventsOf(http, id), data)
  const failed = failed_message || (state === 'injecting' ? lastFailure(await eventsOf(http, id)) : undefined)
  return { state, progress: failed ? clipSingleLine(`${state}: ${failed}`, longestReason) : undefined, data }
}

type Events = Awaited<ReturnType<typeof eventsOf>>

/** It is finished when its time is over, whether or not anything was injected: that only its events tell. */
function ended({ created_at, failed_message }: Experiment, events: Events, spec: Record<string, unknown>): RunStatus {
  const targets = [...new Set((events ?? []).filter(({ reason }) => reason === 'Applied').map(targetOf))]
  const metrics = {
    targets: targets.length,
    ...(typeof spec['duration'] === 'number' ? { duration: spec['duration'] } : {}),
  }
  const data = { ...spec, targets: targets.slice(0, mostTold) }
  if (targets.length > 0) return { state: 'finished', data, metrics }
  const failed = lastFailure(events) ?? failed_message
  if (failed)
    return { state: 'finished/not-injected', reason: clipSingleLine(failed, longestReason), data: spec, metrics }
  const awaited = events && Date.now() - Date.parse(created_at) < eventsCome
  if (awaited) return { state: 'finished', verdict: 'running', progress: 'finished; what it did is not told yet' }
  const reason = events
    ? 'no event tells that anything was injected'
    : 'whether anything was injected is not known, since the token may not see events'
  return { state: 'finished/unconfirmed', reason, data: spec }
}

function targetOf({ message }: { message: string }): string {
  return message.replace(/^Successfully apply chaos for /, '')
}

function lastFailure(events: Events): string | undefined {
  return events?.find(({ reason }) => reason === 'Failed')?.message
}

/** How a workflow is seen now. */
export async function lookAtWorkflow(http: Http, id: string): Promise<RunStatus> {
  const seen = (await ask(http, 'GET', placeOf(id).path, { schema: workflow })).body
  const nodes = (seen.topology?.nodes ?? []).filter(({ type }) => !['SerialNode', 'ParallelNode'].includes(type))
  const under = nodes.filter(({ state }) => state === 'Running').map(({ template }) => template)
  const seconds = (Date.parse(seen.end_time ?? '') - Date.parse(seen.created_at ?? '')) / 1_000
  const metrics: Record<string, number> = seconds >= 0 ? { duration: seconds } : {}
  return {
    ...verdictOf(seen),
    progress: under.length > 0 ? clipSingleLine(under.join('; '), longestReason) : undefined,
    data: { ...metrics, steps: nodes.slice(0, mostTold).map(({ template, state }) => `${template}: ${state}`) },
    metrics,
    run: { id, providerState: nodes.filter(({ type }) => type === 'ChaosNode').map(({ name }) => name) },
  }
}

/** A workflow that was aborted is finished too: only an annotation tells. */
function verdictOf({ status: state, finish_time, kube_object }: Workflow): Pick<RunStatus, 'state' | 'reason'> {
  // Of one that is not deleted it is null, or in the year 1.
  if (Date.parse(finish_time ?? '') > 0) return { state: 'deleting' }
  if (state !== 'finished') return { state }
  if (!kube_object?.metadata?.name) {
    const reason = 'this version of Chaos Mesh does not show whether a status check has aborted it'
    return { state: 'finished/unconfirmed', reason }
  }
  const annotations = Object.entries(kube_object.metadata.annotations ?? {})
  if (!annotations.some(([name, value]) => /(^|\.)chaos-mesh\.org\/abort$/.test(name) && value === 'true'))
    return { state }
  const checks = (kube_object.spec?.templates ?? []).filter(({ abortWithStatusCheck }) => abortWithStatusCheck)
  if (checks.length === 0) return { state: 'finished/aborted', reason: 'somebody aborted it' }
  const names = checks.map(({ name }) => name).join(' or ')
  return { state: 'finished/check-failed', reason: `its status check ${names} failed, and aborted it` }
}

/**
 * What was deleted, by whomever, and has been taken back.
 *
 * @returns undefined where it was not deleted, as far as the dashboard knows
 */
export async function lookForDeleted(http: Http, { id, providerState }: Run): Promise<RunStatus | undefined> {
  const place = placeOf(id)
  if (!(await archived(http, place)).some(({ uid }) => uid === place.uid)) return undefined
  const { data: nodes = [] } = z.safeParse(injectors, providerState)
  // A workflow may be gone before its faults are.
  const faults = nodes.length > 0 ? await inCluster(http, { namespace: place.namespace }) : []
  const left = faults.filter(({ name }) => nodes.some((node) => name.startsWith(`${node}-`)))
  if (left.length > 0) return { state: 'deleting', progress: `deleting: ${left.length} faults are being taken back` }
  return { state: 'deleted' }
}
