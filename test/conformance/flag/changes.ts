import { expect, test } from '@jest/globals'
import type { FlagProvider } from '../../../shared/providers/flag.ts'
import { onceOf } from '../../../shared/providers/once.ts'
import { type ClientOptions, failureOf, keyOf } from '../../functions/helpers.ts'
import type { FlagPlatform } from '../platform.ts'

type StartedFlags = Awaited<ReturnType<FlagPlatform['start']>>

/** Sets flags at the platform of the current test. */
interface Flags {
  /** A flag that is off and a flag that is on. */
  flags: FlagPlatform['flags']
  platform(): StartedFlags
  set(input: object, options?: ClientOptions): Promise<{ data: object; message: string; result: string }>
}

/** Registers the tests of changes that take effect, at once or when the platform completes them. */
export function changeTests(provider: FlagProvider, { flags: { off, on }, platform, set }: Flags): void {
  const turnOn = (flag: string, options?: ClientOptions) => set({ flag, state: 'on' }, options)

  test('writes nothing if the flag is already in the requested state', async () => {
    for (const isRetry of [false, true]) {
      const outcome = await turnOn(on, { isRetry })
      expect(outcome).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
    }
    expect(writesOf(platform()).length === 0).toBe(onceOf(provider, 'flag').by === 'comparison')
  })

  test('changes the flag once if the response is lost', async () => {
    platform().server.loseNext(({ method }) => method !== 'GET')
    expect(await failureOf(turnOn(off))).toMatchObject({ transient: true, mayHaveWritten: true })
    await turnOn(off, { isRetry: true })
    platform().complete?.()
    expect(await turnOn(off, { isRetry: true })).toMatchObject({ result: 'pass' })
    const sent = writesOf(platform()).map(({ path, text }) => `${path} ${text}`)
    expect(sent).toEqual([...new Set(sent)])
  })

  test('turns a flag on and off again', async () => {
    let events = 0
    const change = async (state: string) => {
      const outcome = await set({ flag: off, state }, { key: keyOf(++events) })
      platform().complete?.()
      return outcome
    }
    const changed = platform().complete === undefined
    const data = { before: { state: 'off' }, after: { state: changed ? 'on' : 'off' }, changed }
    expect(await change('on')).toMatchObject({ data })
    expect(await change('off')).toMatchObject({ data: { before: { state: 'on' } } })
    expect(await change('off')).toMatchObject({ message: expect.stringMatching(/was off.* already$/) })
  })

  test('sets several flags in one call', async () => {
    const outcome = await set({ flags: [{ flag: off }, { flag: on }], state: 'on' })
    expect(outcome).toMatchObject({ status: 'succeeded', data: { flags: [{ flag: off }, { flag: on }] } })
  })
}

/** Registers the tests of names that the platform does not know. */
export function unknownNameTests(
  { flags: { off }, platform, set }: Flags,
  unknown: { flag?: string; environment?: string },
  anyEnvironment = false,
): void {
  test.each([
    ['flag', { flag: 'no-such-flag' }],
    ...(anyEnvironment ? [] : [['environment', { flag: off, environment: 'no-such-one' }] as const]),
  ] as const)('refuses an unknown %s without a write', async (field, input) => {
    const failure = await failureOf(set({ state: 'on', ...input }))
    expect(failure).toMatchObject({ kind: 'refused', transient: false })
    expect(failure.message).toContain(unknown[field] ?? '')
    expect(writesOf(platform())).toEqual([])
  })
}

function writesOf({ server }: StartedFlags) {
  return server.calls.filter(({ method }) => method !== 'GET')
}
