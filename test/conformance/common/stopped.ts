import { expect, test } from '@jest/globals'
import { NotStarted, type Refused, StartGate } from '../../../shared/core/start-gate.ts'
import type { Fixture } from './fixture.ts'
import type { StartedPlatform } from './options.ts'
import { isNotToken, isWrite, requestOf } from './requests.ts'

const stopped: Refused = { type: 'stopped', why: 'Stopped by jane@example.com: bad release' }
const closed: Refused = { type: 'refused', why: 'The window has closed: year end' }

/** Registers the tests of an operation whose action may not start. */
export function stopTests<P extends StartedPlatform>(fixture: Fixture<P>, operation: string): void {
  if (fixture.suite.reads?.includes(operation)) {
    test('is not stopped, because it only reads', async () => {
      const { gate, asked } = gateOf(stopped)
      await (await fixture.prepare(operation))({ beforeWrite: gate.beforeWrite })
      expect(asked()).toBe(0)
    })
    return
  }

  test.each([
    ['a stop is in force', stopped],
    ['a window is closed', closed],
  ])('writes nothing while %s, even if the provider continues', async (_what, refused) => {
    const run = await fixture.prepare(operation)
    const { calls } = fixture.current.server
    const received = () => calls.splice(0).filter(isNotToken)
    await run({ intercept: throwsInstead }).catch(ignore)
    const reads = received().map(requestOf)
    const { gate } = gateOf(refused)
    await run({ beforeWrite: gate.beforeWrite }).catch(ignore)
    expect(() => gate.requireOpen()).toThrow(new NotStarted(refused))
    const sent = received()
    // A dry run sends nothing that writes.
    expect(sent.map(requestOf)).toEqual(reads)
    const { creates } = fixture.suite
    if (creates) expect(sent.filter(creates)).toEqual([])
  })

  test('sends all of its writes if it is stopped after the first one', async () => {
    await (await fixture.prepare(operation))()
    // Some platforms are read until they have carried the write out.
    const { creates = isWrite } = fixture.suite
    const writes = () => fixture.current.server.calls.filter(creates).length
    const expected = writes()
    await fixture.restart()
    const { gate, asked } = gateOf(stopped, 1)
    await (await fixture.prepare(operation))({ beforeWrite: gate.beforeWrite })
    expect({ writes: writes(), asked: asked() }).toEqual({ writes: expected, asked: 1 })
  })
}

/** @param allowed how many times the action may start */
function gateOf(refused: Refused, allowed = 0) {
  let asks = 0
  const gate = new StartGate(async () => (++asks > allowed ? refused : { type: 'allowed' }))
  return { gate, asked: () => asks }
}

function throwsInstead(): never {
  throw new Error('dry run')
}

/** A provider may replace the error, and the gate remembers it. */
function ignore(): void {}
