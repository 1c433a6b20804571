import { tokenHash } from '../local/credentials.ts'
import { isObject } from '../platforms/sandbox/http.ts'
import type { Engine } from './engine.ts'
import { pathOf, type Step } from './step.ts'

/** Flagger asks at each interval of the analysis. */
const INTERVAL_MS = 1_000
/** The progressDeadlineSeconds of the Canary: neither gate opens if a task is errored or aborted. */
const PROGRESS_DEADLINE_MS = 600_000

/**
 * Plays a Canary with a confirm-promotion webhook, and a rollback webhook with the same key.
 *
 * @see https://github.com/fluxcd/flagger/blob/main/pkg/controller/webhook.go (callWebhook)
 */
export const flagger: Engine = {
  name: 'flagger',
  title: 'Flagger',
  summary: 'A gate opens to promote, and another one to roll back.',

  secrets: ({ credential }) => ({
    callers: { flagger: { tokens: [tokenHash(credential('token'))], categories: ['*'] } },
  }),

  async run({ id, step }, client) {
    const { service, stage } = step.data
    const body = JSON.stringify({
      name: service,
      namespace: stage,
      phase: 'WaitingPromotion',
      checksum: id,
      metadata: { token: client.credential('token'), key: step.name, ...metadataOf(step) },
    })
    const options = { mode: 'gate', answer: 'status' }
    const headers = { 'content-type': 'application/json' }
    /** Returns the line of the response if the gate is open. */
    const ask = async (hook: string, more: Record<string, string>) => {
      const { status, body: line } = await client.send({
        path: pathOf(step, { ...options, ...more }),
        headers,
        body,
        isPoll: true,
      })
      const isOpen = status > 0 && status <= 202
      const reason = isOpen || status === 409 || status === 424 ? '' : `: ${line.trim()}`
      client.say(`${hook} is ${isOpen ? 'open' : 'closed'}${reason}`)
      return isOpen ? line.trim().replace(/^\w+: /, '') : undefined
    }
    const end = Date.now() + PROGRESS_DEADLINE_MS
    while (Date.now() < end) {
      const promote = await ask('confirm-promotion', {})
      if (promote !== undefined) return { verdict: 'pass', message: promote }
      const rollBack = await ask('rollback', { invert: 'true' })
      if (rollBack !== undefined) return { verdict: 'fail', message: rollBack }
      await client.sleep(INTERVAL_MS)
    }
    return { verdict: 'errored', message: 'The progress deadline of the Canary has passed.' }
  },
}

/** Returns the input as metadata: a map of strings. */
function metadataOf({ input }: Step): Record<string, string> {
  const flatten = (value: unknown, path: string): [string, string][] =>
    isObject(value)
      ? Object.entries(value).flatMap(([name, field]) => flatten(field, `${path}.${name}`))
      : [[path, typeof value === 'string' ? value : JSON.stringify(value)]]
  return Object.fromEntries(flatten(input, 'input'))
}
