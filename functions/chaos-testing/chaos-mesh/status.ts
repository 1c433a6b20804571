import * as z from 'zod/mini'
import type { Http } from '../../../shared/http/client.ts'
import type { Run, RunStatus } from '../../../shared/providers/job.ts'
import { clipSingleLine } from '../../../shared/text/single-line.ts'
import { listArchived, listObjects, partsOf, readEvents, send } from './api.ts'
import { parseGoDuration } from './objects.ts'

const annotations = z.record(z.string(), z.string())
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
      metadata: z.nullish(z.object({ name: z.nullish(z.string()), annotations: z.nullish(annotations) })),
      spec: z.nullish(z.object({ templates: z.nullish(z.array(step)) })),
    }),
  ),
})
type Workflow = z.output<typeof workflow>
/** Names of the workflow nodes that inject faults. The name of a fault starts with the name of its node. */
const injectorNames = z.array(z.string())

/** Events can arrive this long after the status changes. */
const EVENT_DELAY_MS = 30_000
const MAX_LISTED = 20
const MAX_REASON_LENGTH = 500

/** Returns the status of an experiment. */
export async function experimentStatus(http: Http, id: string): Promise<RunStatus> {
  const current = (await send(http, 'GET', partsOf(id).path, { schema: experiment })).body
  const { status: state, failed_message, kube_object } = current
  const { action, mode, duration, selector } = kube_object?.spec ?? {}
  const seconds = parseGoDuration(duration ?? '')
  const data = {
    ...(action ? { action } : {}),
    ...(mode ? { mode } : {}),
    ...(selector?.namespaces ? { namespaces: selector.namespaces } : {}),
    ...(seconds === undefined ? {} : { duration: seconds }),
  }
  if (state === 'finished') return finishedStatus(current, await readEvents(http, id), data)
  const failed = failed_message || (state === 'injecting' ? lastFailure(await readEvents(http, id)) : undefined)
  return { state, progress: failed ? clipSingleLine(`${state}: ${failed}`, MAX_REASON_LENGTH) : undefined, data }
}

type Events = Awaited<ReturnType<typeof readEvents>>

/** An experiment finishes when its time is over, even if nothing was injected. Only its events show the difference. */
function finishedStatus(
  { created_at, failed_message }: Experiment,
  events: Events,
  spec: Record<string, unknown>,
): RunStatus {
  const targets = [...new Set((events ?? []).filter(({ reason }) => reason === 'Applied').map(targetOf))]
  const metrics = {
    targets: targets.length,
    ...(typeof spec['duration'] === 'number' ? { duration: spec['duration'] } : {}),
  }
  const data = { ...spec, targets: targets.slice(0, MAX_LISTED) }
  if (targets.length > 0) return { state: 'finished', data, metrics }
  const failed = lastFailure(events) ?? failed_message
  if (failed)
    return { state: 'finished/not-injected', reason: clipSingleLine(failed, MAX_REASON_LENGTH), data: spec, metrics }
  const mayHaveLateEvents = events && Date.now() - Date.parse(created_at) < EVENT_DELAY_MS
  if (mayHaveLateEvents) return { state: 'finished', verdict: 'running', progress: 'finished, waiting for its events' }
  const reason = events
    ? 'no event shows that a fault was injected'
    : 'the token may not read events, so it is unknown whether a fault was injected'
  return { state: 'finished/unconfirmed', reason, data: spec }
}

function targetOf({ message }: { message: string }): string {
  return message.replace(/^Successfully apply chaos for /, '')
}

function lastFailure(events: Events): string | undefined {
  return events?.find(({ reason }) => reason === 'Failed')?.message
}

/** Returns the status of a workflow. */
export async function workflowStatus(http: Http, id: string): Promise<RunStatus> {
  const current = (await send(http, 'GET', partsOf(id).path, { schema: workflow })).body
  const nodes = (current.topology?.nodes ?? []).filter(({ type }) => !['SerialNode', 'ParallelNode'].includes(type))
  const running = nodes.filter(({ state }) => state === 'Running').map(({ template }) => template)
  return {
    ...workflowState(current),
    progress: running.length > 0 ? clipSingleLine(running.join('; '), MAX_REASON_LENGTH) : undefined,
    data: { steps: nodes.slice(0, MAX_LISTED).map(({ template, state }) => `${template}: ${state}`) },
    period: { start: current.created_at, end: current.end_time },
    run: { id, providerState: nodes.filter(({ type }) => type === 'ChaosNode').map(({ name }) => name) },
  }
}

/** An aborted workflow is finished, too. Only an annotation shows the difference. */
function workflowState({ status: state, finish_time, kube_object }: Workflow): Pick<RunStatus, 'state' | 'reason'> {
  // Null or in the year 1 unless the workflow is being deleted.
  if (Date.parse(finish_time ?? '') > 0) return { state: 'deleting' }
  if (state !== 'finished') return { state }
  if (!kube_object?.metadata?.name) {
    const reason = 'this version of Chaos Mesh does not report whether a status check aborted it'
    return { state: 'finished/unconfirmed', reason }
  }
  const annotations = Object.entries(kube_object.metadata.annotations ?? {})
  if (!annotations.some(([name, value]) => /(^|\.)chaos-mesh\.org\/abort$/.test(name) && value === 'true'))
    return { state }
  const checks = (kube_object.spec?.templates ?? []).filter(({ abortWithStatusCheck }) => abortWithStatusCheck)
  if (checks.length === 0) return { state: 'finished/aborted', reason: 'it was aborted manually' }
  const names = checks.map(({ name }) => name).join(' or ')
  return { state: 'finished/check-failed', reason: `its status check ${names} failed and aborted it` }
}

/** Returns the status of a deleted run, or undefined if the dashboard does not report its deletion. */
export async function deletedStatus(http: Http, { id, providerState }: Run): Promise<RunStatus | undefined> {
  const path = partsOf(id)
  if (!(await listArchived(http, path)).some(({ uid }) => uid === path.uid)) return undefined
  const { data: nodes = [] } = z.safeParse(injectorNames, providerState)
  // The faults of a workflow can outlive it.
  const faults = nodes.length > 0 ? await listObjects(http, { namespace: path.namespace }) : []
  const remaining = faults.filter(({ name }) => nodes.some((node) => name.startsWith(`${node}-`)))
  if (remaining.length > 0)
    return { state: 'deleting', progress: `deleting: ${remaining.length} faults are being reverted` }
  return { state: 'deleted' }
}
