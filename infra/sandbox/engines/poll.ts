import { tokenHash } from '../../project/token-hash.ts'
import { type Engine, type EngineClient, EngineError, type EngineRequest, type EngineResponse } from './engine.ts'
import type { EngineRun } from './runs.ts'
import { pathOf, type Step } from './step.ts'
import { readTaskStatus } from './task-status.ts'

const RETRY_MS = 1_000
const MAX_UNREACHABLE_MS = 600_000

/**
 * Simulates a step of a CI pipeline: it starts a task, and waits for its end as `webhooks wait` does. If it is stopped, it cancels the
 * task as wait.sh of docs/poll.md does.
 */
export const poll: Engine = {
  name: 'poll',
  title: 'A CI pipeline',
  summary: 'It starts a task, and reads its status until it ends.',

  secrets: ({ credential }) => ({
    callers: { poll: { tokens: [tokenHash(credential('token'))], categories: ['*'] } },
  }),

  async run(run, client) {
    const request = requestOf(run, run.step, client)
    const { headers } = request
    const start = await untilReached(() => client.send(request))
    const { taskId, statusUrl, message } = readTaskStatus(start.body)
    if (start.status !== 202 || taskId === undefined || statusUrl === undefined)
      throw new EngineError(`The call got ${start.status}: ${message || start.body}`)
    const path = `${new URL(statusUrl).pathname}?wait=25`
    for (;;) {
      const { status, body } = await untilReached(() => client.send({ method: 'GET', path, headers, isPoll: true }))
      const { verdict, message: text } = readTaskStatus(body)
      if (status !== 200 || verdict === undefined)
        throw new EngineError(`The status of the task got ${status}: ${body}`)
      if (verdict === 'running') continue
      client.say(`verdict ${verdict}`)
      return { verdict, message: text }
    }

    async function untilReached(send: () => Promise<EngineResponse>): Promise<EngineResponse> {
      const end = Date.now() + MAX_UNREACHABLE_MS
      for (;;) {
        const response = await send()
        const isReached = response.status !== 0 && response.status !== 429 && response.status < 500
        if (isReached || Date.now() > end) return response
        await client.sleep(RETRY_MS)
      }
    }
  },

  async cancel(run, client) {
    await client.send(requestOf(run, { ...run.step, action: `${run.step.action}/cancel` }, client))
  },
}

function requestOf({ id }: EngineRun, step: Step, client: EngineClient): EngineRequest {
  return {
    path: pathOf(step, { mode: 'interactive', key: id }),
    headers: { authorization: `Bearer ${client.credential('token')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ data: step.data, input: step.input }),
  }
}
