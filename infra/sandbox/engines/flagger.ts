import { tokenHash } from '../../project/token-hash.ts'
import { isObject } from '../platforms/sandbox/http.ts'
import type { Engine } from './engine.ts'
import type { Ending } from './runs.ts'
import { pathOf, type Step } from './step.ts'

/** Flagger asks at each interval of the analysis. */
const INTERVAL_MS = 1_000
/** For a Canary whose gates stay closed. The real one waits without a limit. */
const MAX_WAIT_MS = 600_000
const STEP_WEIGHT = 20
const MAX_WEIGHT = 40

/**
 * Simulates a Canary with a confirm-promotion webhook, and webhooks of the types rollback and post-rollout with the same key. As
 * in Flagger, the rollback webhook is asked at each interval, even before the canary has traffic; promotion is confirmed at the
 * maximum weight.
 *
 * @see https://github.com/fluxcd/flagger/blob/main/pkg/controller/scheduler.go (advanceCanary, runCanary, rollback)
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
    const metadata = { token: client.credential('token'), key: step.name, ...metadataOf(step) }
    const call = (phase: string, target: Step, more: Record<string, string>) =>
      client.send({
        path: pathOf(target, { mode: 'gate', ...more }),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: service, namespace: stage, phase, checksum: id, metadata }),
        isPoll: true,
      })
    /** Returns the line of the response if the gate is open. */
    const ask = async (hook: string, phase: string, more: Record<string, string> = {}) => {
      const { status, body: line } = await call(phase, step, more)
      const isOpen = status > 0 && status <= 202
      const reason = isOpen || status === 409 || status === 424 ? '' : `: ${line.trim()}`
      client.say(`${hook} is ${isOpen ? 'open' : 'closed'}${reason}`)
      return isOpen ? line.trim().replace(/^\w+: /, '') : undefined
    }
    /** A Canary that has ended no longer needs the task. */
    const end = async (phase: string, ending: Ending): Promise<Ending> => {
      const { status } = await call(phase, { ...step, action: `${step.action}/cancel` }, {})
      client.say(`post-rollout gets ${status}`)
      return ending
    }
    let weight = 0
    for (const until = Date.now() + MAX_WAIT_MS; Date.now() < until; await client.sleep(INTERVAL_MS)) {
      const failure = await ask('rollback', 'Progressing', { invert: 'any' })
      if (failure !== undefined) return end('Failed', { verdict: 'fail', message: failure })
      if (weight < MAX_WEIGHT) {
        weight += STEP_WEIGHT
        client.say(`canary weight ${weight}`)
        continue
      }
      const success = await ask('confirm-promotion', 'WaitingPromotion')
      if (success !== undefined) return end('Succeeded', { verdict: 'pass', message: success })
    }
    return { verdict: 'errored', message: 'The gates of the Canary stayed closed.' }
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
