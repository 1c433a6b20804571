import type { Permission } from '../../shared/aws/permissions.ts'
import { hasNeed } from '../../shared/providers/action.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import type { CategoryInfo } from './category-info.ts'
import type { StateTable } from './state-table.ts'

/**
 * Returns the permissions of a category's functions for the items of the state table.
 *
 * @param options.sources the sources that wake tasks of the category
 * @param options.waits whether its tasks can be woken: by a source, or while they wait for the policy
 */
export function tablePermissionsOf(
  category: CategoryInfo,
  table: StateTable,
  { sources, waits }: { sources: readonly string[]; waits: boolean },
): Record<'task' | 'webhook', Permission[]> {
  const { name } = category
  const runs = category.hasRunsInTask ? [itemKeys.run('*')] : []
  const approvals = hasNeed(category, 'approvals') ? [itemKeys.approval('*')] : []
  const lastRuns = hasNeed(category, 'last-runs') ? [itemKeys.lastRun(name, '*')] : []
  const toggles = hasNeed(category, 'toggles') ? [itemKeys.toggle('*')] : []
  const waiters = waits ? [itemKeys.waiter(name, '*')] : []
  return {
    task: [
      ...table.allow(['GetItem'], [itemKeys.cancellation(name, '*'), itemKeys.stops]),
      ...table.allow(['GetItem', 'PutItem', 'UpdateItem'], runs),
      ...table.allow(['GetItem', 'PutItem', 'UpdateItem'], approvals),
      ...table.allow(['GetItem', 'PutItem'], [...lastRuns, ...toggles]),
      ...table.allow(['PutItem'], [itemKeys.taskEnd(name, '*')]),
      ...table.allow(['DeleteItem', 'GetItem', 'PutItem'], waiters),
      ...table.allow(
        ['UpdateItem'],
        sources.flatMap((source) => [itemKeys.wake(source, '*'), itemKeys.sourceActivity(source)]),
      ),
      // For calls of other durable functions, which no webhook accepts.
      ...table.allow(['UpdateItem'], [itemKeys.rate(name, '*')]),
    ],
    webhook: [
      ...table.allow(
        ['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
        [
          `${itemKeys.callPrefix(name)}#*`,
          itemKeys.task(name, '*'),
          itemKeys.callKey(name, '*'),
          itemKeys.cancellation(name, '*'),
          itemKeys.gate(name, '*'),
          itemKeys.guesses(name, '*'),
          itemKeys.rate(name, '*'),
          ...runs,
          ...lastRuns,
          ...toggles,
        ],
      ),
      ...table.allow(['GetItem', 'UpdateItem'], approvals),
      // All webhooks share these items: a copy of a message must not be a call of another category.
      ...table.allow(['GetItem', 'PutItem'], [itemKeys.signedMessage('*', '*')]),
      // A request to cancel a task wakes it.
      ...table.allow(['GetItem'], [...waiters, itemKeys.stops, itemKeys.taskEnd(name, '*')]),
    ],
  }
}
