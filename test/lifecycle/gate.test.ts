import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { compilePolicy } from '../../shared/policy/file.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()
const folder = temporaryFolder()

async function ask(hold: string) {
  const target = `start-run?mode=gate&connection=job&key=${hold}&hold=${hold}`
  return (await lifecycle.post(target, { input: { target: 'deploy' } })).body
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 40)
const runNewest = () => lifecycle.run(lifecycle.newest())

it('A gate starts a new task after the outcome of the last one was held, once for all callers', async () => {
  const first = await ask('PT1H')
  expect(first).toMatchObject({ state: 'running', verdict: 'running', progress: '' })
  expect(await ask('PT1H')).toMatchObject({ taskId: first.taskId, state: 'running' })
  const { outcome, sent } = await runNewest()
  expect({ outcome, sent }).toMatchObject({ outcome: { result: 'pass' }, sent: [] })
  passTime(3_500)
  expect(await ask('PT1H')).toMatchObject({ taskId: first.taskId, verdict: 'pass', outcome: { result: 'pass' } })
  passTime(200)
  const seconds = await Promise.all([ask('PT1H'), ask('PT1H'), ask('PT1H')])
  expect(new Set(seconds.map(({ taskId }) => taskId)).size).toBe(1)
  expect(seconds[0]).toMatchObject({ taskId: expect.not.stringContaining(first.taskId), state: 'running' })
  expect(lifecycle.invocations.map(({ name }) => name)).toEqual([first.taskId, seconds[0].taskId])
  // Platforms show ids. Anyone could mark an object with the next one if it took no key to compute it.
  expect(seconds[0].taskId).not.toBe(hash(`${first.taskId}#1`))
  await runNewest()
  passTime(7_200)
  const third = await ask('PT1H')
  expect([first.taskId, seconds[0].taskId]).not.toContain(third.taskId)
  expect(third).toMatchObject({ state: 'running' })
})

it('A gate holds an outcome as long as its query says', async () => {
  const { taskId } = await ask('P2D')
  await runNewest()
  passTime(170_000)
  expect(await ask('P2D')).toMatchObject({ taskId, verdict: 'pass' })
  passTime(5_000)
  expect((await ask('P2D')).taskId).not.toBe(taskId)
})

describe('An inverted gate', () => {
  let key = 0
  const call = { input: { target: 'deploy' } }

  /** Returns the status and the line of the response. */
  async function askLine(query: string) {
    const [path = '', search = ''] = query.split('?')
    const pairs = [...new URLSearchParams(search)].map(([name, value]) => [name, [value]])
    const { statusCode, body } = await lifecycle.request('POST', path, {
      headers: { ...lifecycle.authorization('poll'), 'content-type': 'application/json' },
      multiValueQueryStringParameters: Object.fromEntries(pairs),
      body: JSON.stringify(call),
    })
    return [statusCode, body]
  }
  const nothing = [424, 'nothing to roll back: no task of this key runs or has failed\n']

  it.each([
    ['true', 'broken', 200],
    ['any', 'broken', 200],
    ['true', 'cancelled', 424],
    ['any', 'cancelled', 200],
    ['any', 'done', 424],
  ])('with invert=%s reads the status of the task of its key, and starts none: %s', async (invert, state, status) => {
    platform.states = [state]
    const gate = `start-run?mode=gate&connection=job&key=rollout-${++key}`
    const inverted = `${gate}&answer=status&invert=${invert}`
    const before = lifecycle.invocations.length
    expect(await askLine(inverted)).toEqual(nothing)
    expect(lifecycle.invocations).toHaveLength(before)
    await lifecycle.post(gate, call, { caller: 'poll' })
    expect(await askLine(inverted)).toMatchObject([409, expect.stringMatching(/^running: /)])
    await runNewest()
    expect(await askLine(inverted)).toMatchObject([status, expect.any(String)])
    passTime(3_700)
    expect(await askLine(inverted)).toEqual(nothing)
    expect(lifecycle.invocations).toHaveLength(before + 1)
  })
})

it('A gate whose task may wait for the policy names the same latest time with each response', async () => {
  const file = join(folder, 'policy.json')
  const rules = [{ name: 'always', only: {}, otherwise: 'wait', waitAtMost: 'P1D' }]
  writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', rules })))
  process.env['WEBHOOKS_POLICY_FILE'] = file
  const target = 'start-run?mode=gate&connection=job&key=waits&deadline=PT1H'
  const call = { input: { target: 'deploy' } }
  const responses = [
    await lifecycle.post(target, call, { caller: 'poll' }),
    await lifecycle.post(target, call, { caller: 'poll' }),
  ]
  delete process.env['WEBHOOKS_POLICY_FILE']
  const seconds = responses.map(({ body }) => (Date.parse(body.deadlineAt) - Date.parse(body.acceptedAt)) / 1_000)
  expect(seconds).toEqual([25 * 3_600, 25 * 3_600])
  expect(responses.map(({ body }) => body.requirements)).toEqual(Array(2).fill([{ type: 'window', rule: 'always' }]))
})
