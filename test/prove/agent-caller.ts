import { setTimeout as sleep } from 'node:timers/promises'
import { ToolClient, type ToolContent } from '../../infra/cli/demo/tool-client.ts'
import type { CallRecords, Entry } from './call-records.ts'
import type { AgentCall, Call } from './calls.ts'
import type { RuntimeProcess } from './child.ts'

/** Longer than a tool waits, in milliseconds. */
const PATIENCE_MS = 40_000
/** How often an agent repeats a call without a result. */
const MAX_ATTEMPTS = 20
/** How long `get_task` waits, in seconds. */
const WAIT_SECONDS = 10

/** Calls tools as agents do: a call without an answer is repeated with its key, and a running task is read until it ends. */
export function createAgentCaller(runtime: RuntimeProcess, token: string, callRecords: CallRecords) {
  const client = new ToolClient(runtime.url, token)
  const stop = new AbortController()

  /** Returns undefined if there was no answer. */
  const callTool = async (name: string, sent: object): Promise<{ content: ToolContent | undefined; text: string }> => {
    await runtime.up()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(PATIENCE_MS)])
    try {
      const content = await client.call(name, sent, signal)
      return { content, text: JSON.stringify(content) }
    } catch (error) {
      return { content: undefined, text: String(error) }
    }
  }

  const deliver = async (entry: Entry, { tool, arguments: sent }: AgentCall): Promise<ToolContent | undefined> => {
    const at = Date.now()
    const { content, text } = await callTool(tool, sent)
    const status = content && statusOf(content)
    const id = content?.taskId === undefined ? {} : { taskId: content.taskId.slice(content.taskId.indexOf('.') + 1) }
    callRecords.answered(entry, { at, answeredAt: Date.now(), status, ...id }, text)
    return status === undefined ? undefined : content
  }

  const deliverAfter = async (ms: number, entry: Entry, call: AgentCall): Promise<ToolContent | undefined> => {
    await sleep(ms)
    for (let attempts = 0; attempts < MAX_ATTEMPTS && !stop.signal.aborted; attempts++) {
      const content = await deliver(entry, call)
      if (content) return content
      await sleep(200)
    }
    return undefined
  }

  const readToEnd = async (entry: Entry, first: ToolContent): Promise<void> => {
    let content = first
    while (content.verdict === 'running' && !stop.signal.aborted) {
      const read = await callTool('get_task', { taskId: content.taskId, wait: WAIT_SECONDS })
      callRecords.addResponse(`get_task of ${entry.call.id}`, read.text)
      // Without an answer, the agent asks again.
      if (read.content && read.content.verdict !== 'unknown') content = read.content
      else await sleep(200)
    }
    if (stop.signal.aborted) return
    entry.reported = content.verdict
    callRecords.ended(entry.call.id)
  }

  return {
    /**
     * Calls as often as it is planned, and reads the task until it ends.
     *
     * @returns promises for the response to the first delivery and for all responses
     */
    send(call: Call, agentCall: AgentCall): { first: Promise<unknown>; all: Promise<unknown> } {
      const entry = callRecords.add(call)
      let isReading = false
      const deliveries = call.deliveries.map(async (after) => {
        const content = await deliverAfter(after, entry, agentCall)
        // A call that is refused can be accepted later.
        if (content?.taskId === undefined || isReading) return
        isReading = true
        void readToEnd(entry, content)
      })
      return { first: deliveries[0] ?? Promise.resolve(), all: Promise.all(deliveries) }
    },

    /** Ends all calls. */
    end: () => stop.abort(),
  }
}

/** Returns the status that a caller over HTTP gets. Undefined if it is not known what happened. */
function statusOf({ verdict }: ToolContent): number | undefined {
  if (verdict === 'unknown') return undefined
  return verdict === 'refused' ? 422 : 202
}
