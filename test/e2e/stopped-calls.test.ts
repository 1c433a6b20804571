import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { stopsOfRuntime } from '../../infra/local/operator/operate-stops.ts'
import { localLambda, readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { runStep } from '../../infra/sandbox/engines/client.ts'
import type { Engine } from '../../infra/sandbox/engines/engine.ts'
import { engines } from '../../infra/sandbox/engines/index.ts'
import { keptnEventLog } from '../../infra/sandbox/keptn/event-log.ts'
import { playSequence } from '../../infra/sandbox/keptn/player.ts'
import { loadSequence } from '../../infra/sandbox/keptn/sequence-files.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { Service } from './service.ts'
import { CATEGORY, hostOf, runbookStep, secretsOf } from './ways-in.ts'

const REASON = 'bad release'
const HELD = `Stopped by an operator: ${REASON}`
const service = new Service({ timeScale: 30, sandboxTimeScale: 10, secrets: (url) => secretsOf(url) })
const runs = (): Promise<{ inputs: { name: string } }[]> => service.list('runs')
const runsOf = async (name: string) => (await runs()).filter(({ inputs }) => inputs.name === name).length

function stops() {
  const runtime = readRuntimeFile(service.state)
  if (!runtime) throw new Error('The runtime does not run.')
  return stopsOfRuntime(runtime.aws)
}
const stop = (more: object = {}) => stops()({ operation: 'stop', reason: REASON, ...more })
const resume = () => stops()({ operation: 'resume' })
const heldTasks = async () => {
  const { tasks } = (await service.call('/tasks', undefined, { method: 'GET' })).body
  return tasks.filter(({ task }: { task?: { progress: string } }) => task?.progress.includes(HELD)).length
}

/** Ends the engines that still wait. */
const ended = new AbortController()

interface Played {
  name: string
  ending: Promise<{ verdict?: string; message: string }>
}

/** Lets an engine run a step that ends. */
function play(engine: Engine, suffix: string): Played {
  const name = `${engine.name}, ${suffix}`
  const lambda = () => localLambda(service.state)
  const options = { ...hostOf(service.url), lambda, signal: ended.signal, timeScale: 100 }
  const step = runbookStep(name, 'shop', { seconds: 1 })
  const ending = runStep(engine, randomUUID(), step, options).catch(({ message }: Error) => ({ message }))
  return { name, ending }
}

/** Runs the sequence with one silent or interactive task of the simulated Keptn. */
const playKeptn = () =>
  playSequence({
    files: loadSequence('ticket'),
    url: service.url,
    token: demo.callerToken,
    log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
  })

beforeAll(() => service.start())
afterAll(() => {
  ended.abort()
  return service.end()
})

describe('During a stop, the task of a call waits, and the call is made once after it', () => {
  let played: Map<Engine, Played>
  let keptn: ReturnType<typeof playKeptn>

  beforeAll(async () => {
    await stop({ except: ['notification/*'] })
    played = new Map(engines.map((engine) => [engine, play(engine, 'waits')]))
    keptn = playKeptn()
    await service.until(async () => (await heldTasks()) === engines.length + 1, 'the tasks that wait')
    expect(await runs()).toEqual([])
    await resume()
  })

  it.each(engines)('in $title', async (engine) => {
    const { name, ending } = played.get(engine) ?? play(engine, 'waits')
    expect(await ending).toMatchObject({ verdict: 'pass' })
    expect(await runsOf(name)).toBe(1)
  })

  it('in Keptn', async () => {
    const { tasks } = await keptn
    expect(tasks.map(({ outcome }) => outcome?.result)).toEqual(['pass', 'pass', 'pass'])
  })
})

/** The callers of which a stop has refused a call. */
const refusedCallers = () =>
  new Set(service.logs().flatMap(({ audit, kind, caller }) => (audit === 'call' && kind === 'stopped' ? [caller] : [])))

/** The message to people in each engine if a stop refuses its call. The others call again, and pass after the stop. */
const REFUSED: Record<string, string> = {
  'azure-devops': `The check failed: 503 ${HELD}`,
  github: `The delivery got 503, and the deployment waits: ${HELD}`,
  callback: `The call got 503: ${HELD}`,
  'step-functions': `The state failed with Webhooks.Stopped: ${HELD}`,
}

describe('During a stop that refuses calls', () => {
  beforeAll(() => stop({ actions: [`${CATEGORY}/*`, 'issue-ticketing/*'], refuse: true }))

  const refused = engines.filter(({ name }) => REFUSED[name] !== undefined)
  it.each(refused)('$title shows who has stopped the call, and why', async (engine) => {
    const { name, ending } = play(engine, 'refused')
    expect((await ending).message).toContain(REFUSED[engine.name])
    expect(await runsOf(name)).toBe(0)
  })

  it('Keptn shows who has stopped the call, and why', async () => {
    const { tasks } = await playKeptn()
    expect(tasks).toMatchObject([{ outcome: { status: 'errored', message: expect.stringContaining('HTTP 503.') } }])
    expect(tasks[0]?.outcome?.message).toContain(HELD)
  })

  it('the other engines call again, and pass once after it', async () => {
    const others = engines.filter(({ name }) => REFUSED[name] === undefined)
    const waiting = others.map((engine) => play(engine, 'again'))
    await service.until(() => others.every(({ name }) => refusedCallers().has(name)), 'the refused calls')
    await resume()
    for (const { name, ending } of waiting) {
      expect(await ending).toMatchObject({ verdict: 'pass' })
      expect(await runsOf(name)).toBe(1)
    }
  })
})
