import { describe, expect, it } from '@jest/globals'
import { remediation } from '../../../functions/remediation/index.ts'
import { NotStarted, StartGate, startingActionOf } from '../../../shared/core/start-gate.ts'
import { findStop } from '../../../shared/policy/kinds/stop.ts'

const stopped = { type: 'stopped', why: 'Stopped by jane@example.com: bad release' } as const

/** Returns a gate that lets its first asks pass, and counts all of them. */
function gateWith(allowed: number) {
  const counted = { asks: 0 }
  const start = new StartGate(async () => (++counted.asks > allowed ? stopped : { type: 'allowed' }))
  return Object.assign(counted, { start })
}

describe('The gate before the writes of an action', () => {
  it('asks once for writes that are sent at the same time, so that it holds back all or none', async () => {
    const gate = gateWith(1)
    await Promise.all([gate.start.beforeWrite(false), gate.start.beforeWrite(false)])
    expect(gate.asks).toBe(1)
    const closed = gateWith(0)
    const ends = await Promise.allSettled([closed.start.beforeWrite(false), closed.start.beforeWrite(false)])
    expect(ends).toEqual(ends.map(() => ({ status: 'rejected', reason: new NotStarted(stopped) })))
  })

  it('asks again after a write that the platform has refused', async () => {
    const gate = gateWith(1)
    await gate.start.beforeWrite(false)
    await expect(gate.start.beforeWrite(false)).rejects.toThrow(NotStarted)
  })

  it.each([
    ['this client', (gate: StartGate) => gate.beforeWrite(true)],
    ['another client', (gate: StartGate) => gate.markWritten()],
  ])('does not ask again after %s may have written', async (_client, write) => {
    const gate = gateWith(1)
    await gate.start.beforeWrite(false)
    await write(gate.start)
    await gate.start.beforeWrite(false)
    expect(gate.asks).toBe(1)
  })

  it('holds back each later write, even if the provider has caught the first error', async () => {
    const gate = gateWith(0)
    await expect(gate.start.beforeWrite(false)).rejects.toThrow(NotStarted)
    await expect(gate.start.beforeWrite(true)).rejects.toThrow(NotStarted)
    expect(() => gate.start.requireOpen()).toThrow(NotStarted)
  })
})

describe('A stop that names the action of a mapping', () => {
  const stop = { id: '1', reason: 'bad release', by: 'jane@example.com', at: 0, actions: ['remediation/run-action'] }
  const found = (conditions: object, mappedName?: string) => {
    const starting = startingActionOf(remediation, {
      action: 'run-runbook',
      mappedName,
      connection: 'default',
      caller: 'keptn',
    })
    return starting && findStop([{ ...stop, ...conditions }], starting, Date.now())?.id
  }

  it('stops the calls that are mapped, and no others', () => {
    expect([found({}, 'Restart'), found({})]).toEqual(['1', undefined])
  })

  it('lets them continue as an exception', () => {
    const except = { actions: ['remediation/*'], except: ['remediation/run-action'] }
    expect([found(except, 'Restart'), found(except)]).toEqual([undefined, '1'])
  })
})
