import type { OperationSummary } from '../cloud/index.ts'

/** What a task waits for, and until when it would. */
export interface Waiting {
  /** For whom or what, as a part of a sentence. */
  for: string
  /** Milliseconds since 1970. */
  until?: number | undefined
  /** Whether people have to do something. */
  people?: true
}

/**
 * What a running task waits for now; undefined while it works.
 *
 * @param trouble why the last try has not done it
 */
export function waitingOf(operations: readonly OperationSummary[], trouble: string | undefined): Waiting | undefined {
  // The newest: what an older one waited for is over, or does not hold the task up.
  const operation = operations.findLast(({ status }) => !ended.includes(status))
  if (!operation || operation.status === 'READY') return undefined
  const { type, name = 'a step', nextAt, error, status } = operation
  if (type === 'CALLBACK') return { for: 'the decision of people', until: nextAt, people: true }
  if (type === 'WAIT') return { for: `the next try${trouble ? `: ${trouble}` : ''}`, until: nextAt }
  if (type !== 'STEP' || status !== 'PENDING') return undefined
  if (operation.subType === 'WaitForCondition') return { for: lookOf(operation), until: nextAt }
  return { for: `the next try of ${name}${error?.ErrorMessage ? `: ${error.ErrorMessage}` : ''}`, until: nextAt }
}

const ended: readonly string[] = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED', 'CANCELLED']

/** What is kept from one look to the next holds the platform's word for the state. */
function lookOf({ name, result }: OperationSummary): string {
  const { state, trouble } = parse(result)
  const what = name === 'stopping' ? 'the end of what was stopped' : 'the end of what was started'
  const seen = typeof state === 'string' ? `${what}, seen as ${state}` : what
  return typeof trouble === 'string' ? `${seen}; the last look failed: ${trouble}` : seen
}

function parse(result: string | undefined): Record<string, unknown> {
  try {
    return (JSON.parse(result ?? '{}') ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}
