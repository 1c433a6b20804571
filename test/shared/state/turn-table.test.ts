import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { awsOperation, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { checkTurn, type End, GONE, leave, type TurnTable } from '../../../shared/policy/turns.ts'
import { turnTable } from '../../../shared/state/turn-table.ts'
import { forward, startTable } from '../../functions/load-testing/table.ts'
import { TurnItems } from '../policy/turns-in-memory.ts'

/** A proxy between the AWS client and the table. */
let between: Served
let table: Awaited<ReturnType<typeof startTable>>
beforeAll(async () => {
  table = await startTable()
  between = await serve((call) => forward(table.endpoint, call))
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = between.url
})
afterAll(async () => {
  await between.close()
  await table.close()
})
beforeEach(() => {
  between.calls.length = 0
})

const woken: string[] = []
const items = () => turnTable(async (task) => void woken.push(task))
const placeOf = (task: string) => ({ task, caller: 'keptn', deadline: Date.now() + 86_400_000 })
const LEASE_MS = 7_200_000
const now = () => Date.now()

/** Takes a number, stores the place and checks, as a task does. */
async function join(key: string, task: string) {
  const number = await items().takeNumber({ key, target: 'shop', rule: 'one' })
  const isPlaced = await items().putPlace(key, number, task, placeOf(task))
  const ticket = { key, number, task }
  return { ticket, isPlaced, checked: await checkTurn(items(), ticket, LEASE_MS, now) }
}

describe('The items of turns', () => {
  it('change as in the model, for random operations', async () => {
    const memory = new TurnItems().tableOf(
      async (effect) => effect(),
      () => {},
    )
    let state = 7
    const below = (limit: number) => {
      state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
      return Math.floor((state / 2 ** 32) * limit)
    }
    const left = { leftRunning: 'https://x.example/left' }
    const ends: End[] = ['waited', 'ended', left, { ...left, by: 'operator jane' }]
    const succeeded = new Set<number>()
    for (let index = 0; index < 900; index++) {
      const [key, task, number, until] = [`k${below(2)}`, `ci-cd/${below(3)}`, 1 + below(6), 1_000 + below(2)]
      const [isConfirmed, isOutdated] = [below(2) === 0, below(3) === 0]
      const link = below(2) === 0 ? undefined : `https://x.example/${task}`
      const holder = { task, caller: 'keptn', link, until, isConfirmed }
      const end = ends[below(ends.length)] ?? 'ended'
      const operations: ((on: TurnTable) => Promise<unknown>)[] = [
        (on) => on.takeNumber({ key, target: 'shop', rule: 'one' }),
        (on) => on.putPlace(key, number, task, { task, caller: 'keptn', link, deadline: until }),
        (on) => on.putPlace(key, number, task, GONE),
        (on) => on.skip(key, number),
        (on) => on.readTurn(key),
        (on) => on.readPlace(key, number),
        async (on) => on.grant(key, isOutdated ? number : ((await on.readTurn(key))?.serving ?? 1), holder),
        (on) => on.renew(key, task, until),
        async (on) => on.pass(key, isOutdated ? number : ((await on.readTurn(key))?.serving ?? 1)),
        (on) => on.expire(key, holder),
        (on) => on.release(key, task, end),
      ]
      const chosen = below(operations.length)
      const real = await operations[chosen]?.(items())
      const expected = await operations[chosen]?.(memory)
      expect([index, chosen, plain(real)]).toEqual([index, chosen, plain(expected)])
      if (real) succeeded.add(chosen)
    }
    expect([...succeeded].sort((a, b) => a - b)).toEqual([...Array(11).keys()])
  })

  it('cost four writes for a turn that is free', async () => {
    const { ticket, checked } = await join('free', 'ci-cd/a')
    expect(checked).toEqual({ state: 'held', until: expect.closeTo(Date.now() + LEASE_MS, -4), leftRunning: undefined })
    await leave(items(), ticket, 'ended', now)
    const operations = between.calls.map(awsOperation)
    expect(operations).toEqual(['UpdateItem', 'PutItem', 'GetItem', 'GetItem', 'UpdateItem', 'UpdateItem'])
  })

  it('expire only when no place can exist', async () => {
    await join('expiry', 'ci-cd/a')
    const expirations = between.calls.flatMap(({ text }) =>
      [...text.matchAll(/expiration":\{"N":"(\d+)/g)].map(([, at]) => Number(at)),
    )
    const expirationsOfTurn = between.calls.flatMap(({ text }) =>
      [...text.matchAll(/":expiration":\{"N":"(\d+)/g)].map(([, at]) => Number(at)),
    )
    expect(Math.min(...expirationsOfTurn)).toBeGreaterThan(Math.min(...expirations) + 31 * 86_400)
  })
})

describe('A turn', () => {
  it('goes to the tasks in the order of their numbers, and wakes each', async () => {
    const [first, second, third] = [
      await join('order', 'ci-cd/a'),
      await join('order', 'ci-cd/b'),
      await join('order', 'remediation/c'),
    ]
    expect([first, second, third].map(({ checked }) => checked.state)).toEqual(['held', 'waits', 'waits'])
    woken.length = 0
    await leave(items(), first.ticket, 'ended', now)
    expect(woken).toEqual(['ci-cd/b'])
    expect(await checkTurn(items(), third.ticket, LEASE_MS, now)).toMatchObject({
      state: 'waits',
      turn: { holder: { task: 'ci-cd/b', caller: 'keptn', isConfirmed: false } },
    })
    expect(await checkTurn(items(), second.ticket, LEASE_MS, now)).toMatchObject({ state: 'held' })
    await leave(items(), third.ticket, 'waited', now)
    await leave(items(), second.ticket, 'ended', now)
    expect(await join('order', 'ci-cd/d')).toMatchObject({ checked: { state: 'held' } })
  })

  it('is lost by a task that does not check within five minutes, and the next one learns of its job only if it had checked', async () => {
    const [first, second, third] = [
      await join('lost', 'ci-cd/a'),
      await join('lost', 'ci-cd/b'),
      await join('lost', 'ci-cd/c'),
    ]
    await leave(items(), first.ticket, { leftRunning: 'https://x.example/a' }, now)
    const later = () => Date.now() + 301_000 + 5_000
    expect(await checkTurn(items(), third.ticket, LEASE_MS, later)).toMatchObject({
      state: 'held',
      leftRunning: 'https://x.example/a',
    })
    expect(await checkTurn(items(), second.ticket, LEASE_MS, later)).toEqual({ state: 'passed' })
    const next = await join('lost', 'ci-cd/d')
    const muchLater = () => later() + LEASE_MS + 6_000
    expect(await checkTurn(items(), next.ticket, LEASE_MS, muchLater)).toMatchObject({
      state: 'held',
      leftRunning: 'ci-cd/c',
    })
  })

  it('stays with a task that checks again', async () => {
    const { ticket, checked } = await join('again', 'ci-cd/a')
    expect(await checkTurn(items(), ticket, LEASE_MS, now)).toEqual(checked)
  })
})

/** Without what is undefined. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}
