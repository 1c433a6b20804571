import { START } from '../../../shared/core/task/steps.ts'
import type { CallStore } from './call-store.ts'
import type { ViewContext } from './call-summary.ts'
import { detailOf } from './call-view.ts'

const MAX_CALLS = 50

/** Returns the id in the result of the latest call of the actions, such as a ticket or a run. */
export function latestResultId(
  store: CallStore,
  context: ViewContext,
  category: string,
  actions: readonly string[],
): string | undefined {
  for (const { id } of store.list({ fields: { category: [category], action: actions } }, 0, MAX_CALLS)) {
    const record = store.load(id)?.record
    if (!record) continue
    // The id of a running job is in the result of the step that started it.
    const steps = record.arn === undefined ? [] : context.cloud.operations(record.arn)
    const started = steps.find(({ name }) => name === START)?.result
    const { outcome } = (JSON.parse(started ?? '{}') ?? {}) as { outcome?: unknown }
    const found = idIn(detailOf(record, context, []).outcome) ?? idIn(outcome)
    if (found !== undefined) return found
  }
  return undefined
}

function idIn(outcome: unknown): string | undefined {
  const { id } = (outcome as { data?: { id?: unknown } } | undefined)?.data ?? {}
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}
