import type { LocalCloud } from '../cloud/index.ts'
import { detailOf } from './call-view.ts'
import type { Journal } from './journal.ts'

/** The id of what the newest call of some actions has made: a ticket, a run. Undefined where there was none yet. */
export function newestMade(
  journal: Journal,
  cloud: Pick<LocalCloud, 'execution' | 'newestEvents' | 'operations'>,
  category: string,
  actions: readonly string[],
): string | undefined {
  for (const entry of journal.entries()) {
    const call = detailOf(entry, cloud, [])
    if (call.category !== category || !actions.includes(call.action)) continue
    // What goes on has said its id with the step that began it.
    const begun = call.steps.find(({ name }) => name === call.action)?.result
    const id = idIn(call.outcome) ?? idIn((JSON.parse(begun ?? '{}') as { outcome?: unknown } | null)?.outcome)
    if (id !== undefined) return id
  }
  return undefined
}

function idIn(outcome: unknown): string | undefined {
  const { id } = (outcome as { data?: { id?: unknown } } | undefined)?.data ?? {}
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}
