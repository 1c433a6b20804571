import type { ErrorObject, OperationStatus, OperationType } from '@aws-sdk/client-lambda'
/** A row of the table `operation`; times are milliseconds since 1970. */
export interface Operation {
  readonly seq: number
  readonly execution: number
  readonly id: string
  readonly parent: string | null
  readonly name: string | null
  readonly type: OperationType
  readonly sub_type: string | null
  readonly started_at: number
  status: OperationStatus
  ended_at: number | null
  /** When the operation changes by itself: end of a wait, next attempt of a step, timeout of a callback. */
  due_at: number | null
  /** The version of the execution at the last change. */
  version: number
  /** 1 if a replay does not need it, because an ancestor has ended and contains the result. */
  pruned: number
  callback_id: string | null
  details: {
    /** Number of completed attempts. */
    attempt?: number
    nextAttemptAt?: number
    endsAt?: number
    seconds?: number
    callbackId?: string
    replayChildren?: boolean
    result?: string
    error?: ErrorObject
  }
}
