import { Failure } from '../../../shared/errors.ts'
import { operateOnRuntime } from '../operator/operate-on-runtime.ts'
import type { TaskOperation } from '../operator/operate-on-task.ts'
import { stopsOfRuntime } from '../operator/operate-stops.ts'
import type { CallRecord } from './call-record.ts'
import type { CallStore } from './call-store.ts'
import { summaryOf } from './call-view.ts'
import type { Journal } from './journal.ts'
import { parseObject } from './json-text.ts'
import { cannot, type RepeatedCall, rerunOf } from './rerun.ts'
import type { OperatorApi } from './routes.ts'
import { type NewCall, type SentCall, send } from './send.ts'
import type { LocalContext } from './view-context.ts'

/** A response, and the id under which the console shows the call. */
type ShownCall = SentCall & { id?: string | undefined }

interface CallOperator extends OperatorApi {
  /** Sends a call to the runtime. */
  send(call: NewCall): Promise<ShownCall>
}

/** @param token for calls to the runtime at the URL */
export function createCallOperator(
  url: string,
  token: () => string,
  { context, store, journal }: { context: LocalContext; store: CallStore; journal: Journal },
): CallOperator {
  const { cloud } = context
  const stops = stopsOfRuntime({ endpoint: cloud.endpoint, ...cloud.credentials })

  async function sendCall(call: NewCall, ownToken = token()): Promise<ShownCall> {
    const sent = await send(url, ownToken, call)
    journal.flush()
    const { taskId } = parseObject(sent.body) ?? {}
    const [latest] = store.list({ fields: { category: [call.category], action: [call.action] } }, 0, 1)
    return { ...sent, id: typeof taskId === 'string' ? taskId : latest?.id }
  }

  function operate(category: string, taskId: string, operation: TaskOperation): Promise<object> {
    const { endpoint, dynamodb, credentials } = cloud
    return operateOnRuntime({ endpoint, dynamodb, ...credentials }, { category, taskId, operation })
  }

  /** Sends the request of a call again, as its caller. If this is not possible, the task is run again with its input. */
  async function runAgain(record: CallRecord): Promise<ShownCall> {
    let again: RepeatedCall
    let ownToken: string | undefined
    try {
      again = rerunOf(record.requests[0])
      const caller = record.fields?.caller
      ownToken = caller === undefined ? undefined : context.tokenOf(caller)
      if (ownToken === undefined)
        throw cannot(
          caller === undefined ? 'its caller is not known' : `the console has no token of ${caller}, its caller`,
        )
    } catch (error) {
      const { category, verdict, endedAt } = summaryOf(record, context)
      const hasPassed = verdict === 'pass' || verdict === 'warning'
      if (!(error instanceof Failure) || record.arn === undefined || endedAt === undefined || hasPassed) throw error
      const started = await operate(category, record.id, 'rerun')
      return { status: 202, body: '', id: (started as { taskId: string }).taskId }
    }
    return sendCall({ ...again, origin: record.id }, ownToken)
  }

  return {
    send: (call) => sendCall(call),
    stop: (stop) => stops({ operation: 'stop', ...stop }),
    resume: (id) => stops({ operation: 'resume', id }),
    async act(id, operation) {
      const record = journal.record(id)
      if (!record) return undefined
      if (operation === 'rerun') return runAgain(record)
      const { category, verdict, endedAt } = summaryOf(record, context)
      if (record.arn === undefined) throw new Failure('invalid', 'Only interactive calls have a task.')
      if (operation === 'try') {
        if (verdict !== 'retrying') throw new Failure('invalid', 'This call does not wait for its next attempt.')
        cloud.skipWait(record.arn)
        return { status: 202, body: '' }
      }
      if (operation === 'cancel' && endedAt !== undefined) throw new Failure('invalid', 'This call has ended.')
      await operate(category, record.id, operation)
      return { status: 202, body: '' }
    },
  }
}
