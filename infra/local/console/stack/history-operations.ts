import type { Event, OperationType } from '@aws-sdk/client-lambda'
import type { OperationSummary } from '../../cloud/index.ts'

const TYPES: Record<string, OperationType> = {
  Step: 'STEP',
  Wait: 'WAIT',
  Callback: 'CALLBACK',
  Context: 'CONTEXT',
  ChainedInvoke: 'CHAINED_INVOKE',
}

const STATUSES: Record<string, OperationSummary['status']> = {
  Started: 'STARTED',
  Succeeded: 'SUCCEEDED',
  Failed: 'FAILED',
  Cancelled: 'CANCELLED',
  TimedOut: 'TIMED_OUT',
  Stopped: 'STOPPED',
}

/** Returns the current state of the operations of an execution, oldest first. @param events its history, oldest first */
export function operationsOf(events: readonly Event[]): OperationSummary[] {
  const byId = new Map<string, OperationSummary>()
  for (const event of events) {
    const { EventType = '', EventTimestamp, Id: id, Name: name, SubType: subType } = event
    const [, kind = '', change = ''] =
      /^(\w+?)(Started|Succeeded|Failed|Cancelled|TimedOut|Stopped)$/.exec(EventType) ?? []
    const type = TYPES[kind]
    const status = STATUSES[change]
    if (id === undefined || type === undefined || status === undefined || !EventTimestamp) continue
    const time = EventTimestamp.getTime()
    const known = byId.get(id) ?? { id, type, startedAt: time, ...(name && { name }), ...(subType && { subType }) }
    byId.set(id, { ...known, ...changeOf(event, status, time) })
  }
  return [...byId.values()]
}

/** An attempt of a step that is followed by another one ends with a delay, as does a poll. */
function changeOf(
  event: Event,
  status: OperationSummary['status'],
  at: number,
): Omit<OperationSummary, 'id' | 'type' | 'startedAt'> {
  const { WaitStartedDetails: wait, CallbackStartedDetails: callback } = event
  if (status === 'STARTED') {
    const nextAt = wait?.ScheduledEndTimestamp?.getTime() ?? (callback?.Timeout && at + callback.Timeout * 1_000)
    return { status, ...(nextAt && { nextAt }) }
  }
  const { Result, Error: error, RetryDetails: retry } = detailsOf(event)
  const delay = retry?.NextAttemptDelaySeconds
  return {
    ...(delay === undefined ? { status, endedAt: at } : { status: 'PENDING', nextAt: at + delay * 1_000 }),
    ...(retry?.CurrentAttempt !== undefined && { attempts: retry.CurrentAttempt }),
    ...(Result?.Payload !== undefined && !Result.Truncated && { result: Result.Payload }),
    ...(error?.Payload && { error: error.Payload }),
  }
}

type Details = Partial<
  NonNullable<Event['StepSucceededDetails']> &
    NonNullable<Event['StepFailedDetails']> &
    NonNullable<Event['CallbackSucceededDetails']>
>

function detailsOf(event: Event): Details {
  return (
    event.StepSucceededDetails ??
    event.StepFailedDetails ??
    event.CallbackSucceededDetails ??
    event.CallbackFailedDetails ??
    event.CallbackTimedOutDetails ??
    event.ChainedInvokeSucceededDetails ??
    event.ChainedInvokeFailedDetails ??
    {}
  )
}
