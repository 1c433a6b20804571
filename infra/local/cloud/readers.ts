import type { Execution } from './execution.ts'
import { detailOf, executionOf, listExecutions } from './executions.ts'
import { historyOf } from './history.ts'
import { listOperations } from './operations.ts'
import type { Store } from './store.ts'
import type { ExecutionSummary, HistoryEvent, LocalCloud } from './types.ts'

type Readers = Pick<LocalCloud, 'executions' | 'execution' | 'operations' | 'history' | 'newestEvents'>

/** Returns the members of the cloud that read executions. */
export function readersOf(store: Store): Readers {
  const eventsOf = (arn: string, page: { limit: number; newestFirst?: boolean }) =>
    historyOf(store, executionOf(store, arn).id, { ...page, data: true }, 'iso').events as HistoryEvent[]
  return {
    executions: (filter = {}) =>
      listExecutions(store, filter).map(({ id: _id, ...summary }): ExecutionSummary => summary),
    execution: (arn) => {
      const found = store.get<Execution>('SELECT * FROM execution WHERE arn = ?', arn)
      return found === undefined ? undefined : detailOf(found)
    },
    operations: (arn) => listOperations(store, executionOf(store, arn).id),
    history: (arn) => eventsOf(arn, { limit: Number.MAX_SAFE_INTEGER - 1 }),
    newestEvents: (arn, limit) => eventsOf(arn, { limit, newestFirst: true }),
  }
}
