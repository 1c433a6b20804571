import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { localLambda } from '../../infra/local/runtime-file.ts'
import { runStep } from '../../infra/sandbox/engines/client.ts'
import type { Engine } from '../../infra/sandbox/engines/engine.ts'
import { engines } from '../../infra/sandbox/engines/index.ts'
import { keptnEventLog } from '../../infra/sandbox/keptn/event-log.ts'
import { playSequence } from '../../infra/sandbox/keptn/player.ts'
import { loadSequence } from '../../infra/sandbox/keptn/sequence-files.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'
import { CATEGORY, firstNameOf, hostOf, runbookStep, secretsOf, type Way, waysIn } from './ways-in.ts'

/** One rule for each service that a call names, so that each refusal has calls. */
const RULES = `timeZone: UTC
rules:
  - { name: no runbooks, when: { services: [denied] }, deny: Ask the owners }
  - { name: year end, when: { services: [closed] }, freeze: [{ from: 2026-01-01, to: 2998-12-31 }] }
  - { name: migration, when: { services: [waits] }, freeze: [{ from: 2026-01-01, to: 2998-12-31 }], otherwise: wait }
`
const RESTRICTED = ['denied', 'closed', 'waits'] as const
const KINDS = [...RESTRICTED, 'limited'] as const
const RULE = { denied: 'a rule that denies', closed: 'a closed window', waits: 'a window to wait for' }
type Kind = (typeof KINDS)[number]

const policyFile = join(temporaryFolder(), 'policy.yaml')
const service = new Service({ policyFile, sandboxTimeScale: 10, secrets: (url) => secretsOf(url) })
const runs = (): Promise<{ id: number; inputs: { name: string } }[]> => service.list('runs')
const hasRun = async (name: string) => (await runs()).some(({ inputs }) => inputs.name === name)
const task = (id: string, verb = '') => `/v1/${CATEGORY}/tasks/${id}${verb}`

/** Sends a call and its repeat while nothing is restricted. Also prepares new calls: more than the limit allows in two minutes. */
async function prepare(way: Way, kind: Kind) {
  const names = Array.from({ length: kind === 'limited' ? 4 : 1 }, (_, index) => `${way.name}, ${kind}, ${index}`)
  const [repeat, ...others] = await waitForAll(
    [`${way.name}, ${kind}, accepted`, ...names].map((name) => way.prepare(service, runbookStep(name, kind))),
  )
  if (!repeat) throw new Error('There is a call.')
  await repeat()
  const result = await repeat()
  return { repeat, result, others: others.map((send, index) => ({ send, name: names[index] ?? '' })) }
}

const prepared = new Map<string, Awaited<ReturnType<typeof prepare>>>()
function preparedFor(way: Way, kind: Kind) {
  const found = prepared.get(`${way.name} ${kind}`)
  if (!found) throw new Error(`No ${kind} call of ${way.name} was prepared.`)
  return found
}

/** For each kind, a task whose run is stopped, and one that is canceled. */
const running = new Map<string, { id: string; name: string }[]>()
async function startTwo(kind: Kind) {
  const names = [`to stop, ${kind}`, `to cancel, ${kind}`]
  const tasks = names.map(async (name) => {
    const event = { ...triggered(), ...runbookStep(name, kind) }
    const { body } = await service.call(`/v1/${CATEGORY}/run-runbook?mode=interactive`, event)
    await service.until(() => hasRun(name), `the run "${name}"`)
    return { id: body.taskId, name }
  })
  running.set(kind, await waitForAll(tasks))
}

beforeAll(async () => {
  writeFileSync(policyFile, 'rules: []')
  await service.start()
  for (const way of waysIn)
    for (const kind of KINDS.filter((kind) => way[kind] !== undefined))
      prepared.set(`${way.name} ${kind}`, await prepare(way, kind))
  await waitForAll(RESTRICTED.map(startTwo))
  await service.kill()
  writeFileSync(policyFile, RULES)
  await service.start()
})
afterAll(() => service.end())

/** The names of runs that must not start. */
const unwanted: string[] = []

describe.each(waysIn)('$name', (way) => {
  const cases = RESTRICTED.flatMap((kind) =>
    way[kind] === undefined ? [] : [{ kind, rule: RULE[kind], status: way[kind] }],
  )

  it.each(cases)('with $rule gets $status, and a repeat of an accepted call its result', async ({ kind, status }) => {
    const { repeat, result, others } = preparedFor(way, kind)
    expect(result).toMatchObject({ status: way.accepted })
    expect(await repeat()).toEqual(result)
    for (const { send, name } of others) {
      unwanted.push(name)
      const { message, ...response } = await send()
      expect(response).toMatchObject({ status })
      if (status !== way.accepted) expect(message).toMatch(/^The rule ".+" of the policy /)
    }
  })
})

describe.each(RESTRICTED.map((kind) => ({ kind, rule: RULE[kind] })))('With $rule,', ({ kind }) => {
  const runbook = `/v1/${CATEGORY}/run-runbook`

  it('a dry run is free', async () => {
    const { body } = await service.call(`${runbook}?dryRun=true`, runbookStep('dry', kind))
    expect(body.message).toMatch(/^Dry run/)
  })

  it('a run can be stopped, and its result sent again', async () => {
    const [{ id, name } = { id: '', name: '' }] = running.get(kind) ?? []
    const run = (await runs()).find(({ inputs }) => inputs.name === name)
    const { data } = runbookStep(name, kind)
    const stopped = await service.call(`/v1/${CATEGORY}/stop-runbook`, { data, input: { id: run?.id } })
    expect(stopped).toMatchObject({ status: 200 })
    const isEnded = async () => (await service.call(task(id), undefined, { method: 'GET' })).body.state !== 'running'
    await service.until(isEnded, 'the end of the task')
    expect(await service.call(task(id, '/answer'))).toMatchObject({ status: 202 })
  })

  it('a task can be canceled', async () => {
    const [, { id } = { id: '' }] = running.get(kind) ?? []
    expect(await service.call(task(id, '/cancel'))).toMatchObject({ status: 202 })
  })
})

it('A refusal is logged with its rule', () => {
  const logged = service.logs().filter(({ message }) => message === 'policy evaluated')
  for (const [rule, effect] of [
    ['no runbooks', 'denied'],
    ['year end', 'closed'],
    ['migration', 'wait'],
  ])
    expect(logged).toContainEqual(expect.objectContaining({ rules: [rule], effect, enforced: true }))
})

/** The last message of each engine to people, for a call that is denied and for one while the window is closed. */
const SHOWN: Record<string, [denied: string, closed: string]> = {
  'argo-rollouts': [
    '31 errors in a row: received non 2xx response code: 403',
    '31 errors in a row: received non 2xx response code: 424',
  ],
  'azure-devops': ['The check failed: 403 The rule "no runbooks"', 'The check failed: 422 The rule "year end"'],
  callback: ['The call got 403: The rule "no runbooks"', 'The call got 422: The rule "year end"'],
  dynatrace: [
    'The task of the workflow failed: 403 The rule "no runbooks"',
    'The task of the workflow failed: 422 The rule "year end"',
  ],
  flagger: ['confirm-promotion is closed', 'confirm-promotion is closed'],
  github: [
    'The delivery got 403, and the deployment waits: The rule "no runbooks"',
    'The delivery got 422, and the deployment waits: The rule "year end"',
  ],
  poll: ['The call got 403: The rule "no runbooks"', 'The call got 422: The rule "year end"'],
  'step-functions': [
    'The state failed with Webhooks.Forbidden: The rule "no runbooks"',
    'The state failed with Webhooks.Refused: The rule "year end"',
  ],
}

/** Returns what an engine shows at the end of a step, or of a gate that stays closed. */
async function shownBy(engine: Engine, kind: Kind): Promise<string> {
  const stop = new AbortController()
  let last = ''
  const print = (line: string) => {
    last = line
    if (line.startsWith('confirm-promotion is closed')) stop.abort()
  }
  const lambda = () => localLambda(service.state)
  const options = { ...hostOf(service.url), lambda, signal: stop.signal, timeScale: 100, print }
  const ending = runStep(engine, randomUUID(), runbookStep(engine.name, kind), options)
  return ending.then(({ message }) => message).catch(({ message }) => (stop.signal.aborted ? last : message))
}

describe('docs/policy.md says what people see', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8')

  it.each(engines)('in $title', async (engine) => {
    const [denied, closed] = SHOWN[engine.name] ?? []
    expect(await shownBy(engine, 'denied')).toContain(denied)
    expect(await shownBy(engine, 'closed')).toContain(closed)
    expect(page).toContain(`| ${engine.title} |`)
  })

  it.each([
    ['denied', 'HTTP 403.', 'The rule \\"no runbooks\\" of the policy refuses this call'],
    ['closed', 'HTTP 422.', 'The rule \\"year end\\" of the policy allows this call at another time'],
  ])('in Keptn if a call is %s', async (place, status, rule) => {
    const files = loadSequence('ticket')
    const { passed, tasks } = await playSequence({
      files: { ...files, event: { ...files.event, data: { ...files.event.data, service: place } } },
      url: service.url,
      token: demo.callerToken,
      log: keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken),
    })
    expect({ passed, outcomes: tasks.map(({ outcome }) => outcome) }).toMatchObject({
      passed: false,
      outcomes: [{ status: 'errored', message: expect.stringContaining(status) }],
    })
    expect(tasks[0]?.outcome?.message).toContain(rule)
    expect(page).toContain('| Keptn |')
  })
})

describe('With a limit that its caller has reached,', () => {
  beforeAll(() => service.rotate(secretsOf(service.url, { callsPerMinute: 1 })))

  const limited = waysIn.filter((way) => way.limited !== undefined)
  it.each(limited)('$name gets $limited, and a repeat of an accepted call its result', async (way) => {
    const { repeat, result, others } = preparedFor(way, 'limited')
    const refused = []
    for (const { send, name } of others) {
      const { status, message } = await send()
      if (status === way.limited) refused.push({ name, message })
    }
    expect(await repeat()).toEqual(result)
    expect(refused).not.toEqual([])
    for (const { name, message } of refused) {
      expect(message).toContain('may send 1 calls per minute')
      unwanted.push(name)
    }
  })
})

it('No call that was refused or waits has started a run', async () => {
  expect(unwanted.length).toBeGreaterThan(waysIn.length)
  const names = (await runs()).map(({ inputs }) => inputs.name)
  const count = (name: string) => names.filter((started) => started === name).length
  // A task that is run again has the input of the first one.
  expect(unwanted.filter((name) => count(name) > 0 || count(firstNameOf(name)) > 1)).toEqual([])
})
