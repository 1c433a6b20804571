import { batch, signal } from '@preact/signals'
import type { EngineRun } from '../../../sandbox/engines/runs.ts'
import type { Fault, FaultKind } from '../../../sandbox/platforms/sandbox/faults.ts'
import type { LoggedRequest } from '../../../sandbox/platforms/sandbox/sandbox.ts'
import type { MessageSummary } from '../../../sandbox/platforms/slack/responses.ts'
import { get, messageOf, send } from './api.ts'

/** A record of a list, such as an issue. */
export type SandboxRecord = Record<string, unknown>

export const sandboxProblem = signal('')
export const faults = signal<Fault[]>([])
/** The targets and kinds of faults. */
interface FaultKinds {
  targets: { name: string; title: string }[]
  kinds: { kind: FaultKind; text: string }[]
}

export const faultKinds = signal<FaultKinds | undefined>(undefined)
export const requests = signal<LoggedRequest[]>([])
export const messages = signal<MessageSummary[]>([])
export const engineRuns = signal<EngineRun[]>([])
/** The records of the open list. */
export const list = signal<{ name: string; rows: SandboxRecord[] } | undefined>(undefined)

const readers: Record<string, () => Promise<void>> = {
  async platforms() {
    const [active, sent] = await Promise.all([
      get<Fault[]>('/sandbox/faults'),
      get<LoggedRequest[]>('/sandbox/requests'),
    ])
    batch(() => {
      faults.value = active
      requests.value = sent
    })
  },
  async chat() {
    messages.value = await get('/sandbox/messages')
  },
  async engines() {
    engineRuns.value = await get('/sandbox/engine-runs')
  },
}

/** Returns the title of a platform or an engine. */
export function targetTitle(target: string): string {
  return faultKinds.value?.targets.find(({ name }) => name === target)?.title ?? target
}

/** Reads a part of the sandbox. */
export async function readSandbox(part: string): Promise<void> {
  try {
    faultKinds.value ??= await get('/console/faults')
    const reader = readers[part]
    if (reader) await reader()
    else list.value = { name: part, rows: rowsIn(await get(`/sandbox/${part}`)) }
    sandboxProblem.value = ''
  } catch (error) {
    sandboxProblem.value = messageOf(error)
  }
}

function rowsIn(body: unknown): SandboxRecord[] {
  const rows = Array.isArray(body) ? body : Object.values(body ?? {}).find(Array.isArray)
  return (rows ?? []) as SandboxRecord[]
}

/** Changes the faults, and reads them again. */
export async function changeFaults(method: 'POST' | 'DELETE', path: string, fault?: object): Promise<void> {
  try {
    await send(method, `/sandbox/faults${path}`, fault)
    sandboxProblem.value = ''
    faults.value = await get<Fault[]>('/sandbox/faults')
  } catch (error) {
    sandboxProblem.value = messageOf(error)
  }
}
