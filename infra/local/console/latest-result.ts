import type { LocalCloud } from '../cloud/index.ts'
import { detailOf } from './call-view.ts'
import type { Journal } from './journal.ts'

/** Returns the id in the result of the latest call of the actions, such as a ticket or a run. */
export function latestResultId(
  journal: Journal,
  cloud: Pick<LocalCloud, 'execution' | 'newestEvents' | 'operations'>,
  category: string,
  actions: readonly string[],
): string | undefined {
  for (const entry of journal.entries()) {
    const call = detailOf(entry, cloud, [])
    if (call.category !== category || !actions.includes(call.action)) continue
    // The id of a running job is in the result of the step that started it.
    const started = call.steps.find(({ name }) => name === call.action)?.result
    const id = idIn(call.outcome) ?? idIn((JSON.parse(started ?? '{}') as { outcome?: unknown } | null)?.outcome)
    if (id !== undefined) return id
  }
  return undefined
}

function idIn(outcome: unknown): string | undefined {
  const { id } = (outcome as { data?: { id?: unknown } } | undefined)?.data ?? {}
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}
