import { describe, expect, it } from '@jest/globals'
import {
  CLOCK_MARGIN_MS,
  checkTurn,
  GONE,
  isFull,
  leave,
  type TurnTable,
  type TurnTicket,
} from '../../../shared/policy/turns.ts'
import { TurnItems } from './turns-in-memory.ts'
import { type Defects, Model, type ModelRun } from './turns-model.ts'

/** More in a long run: `TURN_RUNS=4000`. */
const RUNS = Number(process.env['TURN_RUNS'] ?? 200)
/** The model notices a part that is missing in fewer runs. */
const DEFECT_RUNS = 50

async function runs(count: number, defects?: Defects): Promise<ModelRun> {
  const sum: ModelRun = { violations: [], started: 0, late: 0, full: 0, canceled: 0, together: 0 }
  for (let seed = 1; seed <= count; seed++) {
    const { violations, ...counts } = await new Model(seed, defects).run()
    sum.violations.push(...violations.map((text) => `run ${seed}: ${text}`))
    for (const name of ['started', 'late', 'full', 'canceled', 'together'] as const) sum[name] += counts[name]
  }
  return sum
}

/** Returns a table, and the tickets of three tasks, of which only the first ones have a place. */
async function tableOfThree({ places = 3, deadline = 1_000 } = {}) {
  const table = new TurnItems().tableOf(
    async (effect) => effect(),
    () => {},
  )
  const tickets: TurnTicket[] = []
  for (const task of ['a', 'b', 'c']) {
    const number = await table.takeNumber({ key: 'key', target: 'shop', rule: 'one' })
    if (number <= places) await table.putPlace('key', number, task, { task, caller: 'keptn', deadline })
    tickets.push({ key: 'key', number, task })
  }
  const [a, b, c] = tickets as [TurnTicket, TurnTicket, TurnTicket]
  return { table, a, b, c }
}

it('A turn whose lease has ended by another clock is not taken until the clocks agree', async () => {
  const leaseMs = 3_600_000
  const { table, a, b } = await tableOfThree({ deadline: 2 * leaseMs })
  expect(await checkTurn(table, a, leaseMs, () => 0)).toMatchObject({ state: 'held' })
  const checkAt = (time: number) => checkTurn(table, b, leaseMs, () => time)
  expect(CLOCK_MARGIN_MS).toBe(5_000)
  expect(await checkAt(leaseMs + 4_999)).toMatchObject({ state: 'waits' })
  expect(await checkAt(leaseMs + 5_000)).toMatchObject({ state: 'held' })
})

it('A queue counts a task that has taken its number and not stored its place', async () => {
  const { table, a, c } = await tableOfThree({ places: 1 })
  await checkTurn(table, a, 3_600_000, () => 0)
  const turn = await table.readTurn('key')
  if (!turn) throw new Error('There is no turn.')
  expect(await isFull(table, c, turn, { queue: 1 }, 'c', 0)).toBe('full')
  await table.putPlace('key', 2, 'b', GONE)
  expect(await isFull(table, c, turn, { queue: 1 }, 'c', 0)).toBe('no')
})

it('A queue is full for a caller that has its share, and not for others', async () => {
  const { table, a, c } = await tableOfThree()
  await checkTurn(table, a, 3_600_000, () => 0)
  const turn = await table.readTurn('key')
  if (!turn) throw new Error('There is no turn.')
  const fullFor = (caller: string, perCaller?: number) => isFull(table, c, turn, { queue: 2, perCaller }, caller, 0)
  expect(await fullFor('keptn', 1)).toBe('fullForCaller')
  expect(await fullFor('other', 1)).toBe('no')
  expect(await fullFor('keptn')).toBe('no')
})

it('A turn that a task gets at the moment when it leaves goes to the next one', async () => {
  const { table, a } = await tableOfThree()
  const now = () => 0
  expect(await checkTurn(table, a, 3_600_000, now)).toMatchObject({ state: 'held' })
  // After a has read the place of b, b leaves, and sees that it does not have the turn.
  const grant: TurnTable['grant'] = async (...args) => {
    if (args[2].task === 'b') await table.putPlace('key', 2, 'b', GONE)
    if (args[2].task === 'b') expect(await table.release('key', 'b', 'waited')).toBeUndefined()
    return table.grant(...args)
  }
  await leave({ ...table, grant }, a, 'ended', now)
  expect((await table.readTurn('key'))?.holder?.task).toBe('c')
})

describe('Turns in random runs, with crashes, lost wake-ups and different clocks', () => {
  it('never let two live tasks act at once, keep the order of the numbers, and let every task end', async () => {
    const { violations, started, late, full, canceled, together } = await runs(RUNS)
    expect(violations).toEqual([])
    // Most tasks start. The others show that the runs contain what they are for.
    expect(started).toBeGreaterThan(RUNS * 8)
    expect(Math.min(late, full, canceled, together)).toBeGreaterThan(RUNS / 10)
    expect(late).toBeLessThan(RUNS * 2)
  }, 600_000)

  it.each<[string, keyof Defects, RegExp]>([
    ['leases that end before the longest stop', 'shortLease', /starts with t/],
    ['a repeated start that does not look for the job of the first one', 'noLookUp', /starts with t/],
  ])('would let two tasks act at once with %s', async (_, defect, expected) => {
    const { violations } = await runs(DEFECT_RUNS, { [defect]: true })
    expect(violations.join()).toMatch(expected)
  })

  it.each<[string, keyof Defects, number]>([
    ['tasks that check only when they are woken', 'noChecks', 5],
    ['two turns of a call that are taken in any order', 'noOrder', 1.1],
  ])('would let more tasks give up with %s', async (_, defect, factor) => {
    const [complete, defective] = [await runs(DEFECT_RUNS), await runs(DEFECT_RUNS, { [defect]: true })]
    expect(defective.late).toBeGreaterThan(complete.late * factor)
  })
})
