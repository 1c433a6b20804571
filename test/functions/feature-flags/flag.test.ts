import { describe, expect, test } from '@jest/globals'
import { expectFailure, failureOf, skipPauses } from '../helpers.ts'
import { type Faults, page, startAcmeFlags } from './acme-flags.ts'

skipPauses()

describe('flag input', () => {
  const { changes } = startAcmeFlags()
  const off = { on: false, percentage: undefined }

  test.each([
    ...['on', 'ON', 'true', true].map((state) => [state, true] as const),
    ...['off', 'False', false].map((state) => [state, false] as const),
  ])('accepts %j as a state', (state, on) => {
    expect(changes({ flag: 'a', state })).toEqual([{ flag: 'a', on, percentage: undefined }])
  })

  test.each([0, '0', 25, '25', 100])('accepts the percentage %j', (percentage) => {
    expect(changes({ flag: 'a', percentage })).toEqual([{ flag: 'a', on: undefined, percentage: Number(percentage) }])
  })

  test.each([-1, 101, 33.3, '25%', 'half'])('refuses the percentage %j', (percentage) => {
    const words = 'input.percentage must be a whole number from 0 to 100'
    expect(() => changes({ flag: 'a', percentage })).toThrow(words)
  })

  test.each([
    [{ flag: 'a' }, 'input.state is missing for a: send on or off'],
    [{ flags: ['a', { flag: 'b', state: 'on' }] }, 'input.flags.0 is missing for a'],
    [{ flag: 'a', state: 'maybe' }, ''],
    [{ flag: 'a', state: 1 }, ''],
    // The provider refuses it.
    [{ flag: 'a', percentage: 13 }, 'not 13'],
    [{ flags: [], state: 'on' }, ''],
    [{ flags: '  ', state: 'on' }, ''],
    [{ flags: '[broken', state: 'on' }, ''],
    [{ flags: [{ state: 'on' }], state: 'on' }, ''],
    [{ flags: Array.from({ length: 51 }, (_, at) => `f${at}`), state: 'on' }, ''],
    [{ flags: 'a,b,a', state: 'on' }, 'input.flags.2 repeats a'],
  ])('refuses %j', (asked, words) => {
    expect(() => changes(asked)).toThrow(words)
  })

  test.each([
    ['text with commas', { flags: 'a, b,', state: 'off' }],
    ['names', { flags: ['a', 'b'], state: 'off' }],
    ['JSON in text', { flags: '["a", {"flag": "b"}]', state: 'off' }],
    [
      'objects',
      {
        flags: [
          { flag: 'a', state: 'off' },
          { flag: 'b', state: false },
        ],
      },
    ],
  ])('accepts several flags as %s', (_, asked) => {
    const expected = [
      { flag: 'a', ...off },
      { flag: 'b', ...off },
    ]
    expect(changes(asked)).toEqual(expected)
  })

  test('the fields of one flag override the common fields', () => {
    const flags = [{ flag: 'a', percentage: 5 }, { flag: 'b', state: 'on' }, 'c']
    expect(changes({ flags, state: 'off', percentage: 50 })).toEqual([
      { flag: 'a', on: false, percentage: 5 },
      { flag: 'b', on: true, percentage: 50 },
      { flag: 'c', on: false, percentage: 50 },
    ])
  })

  test('defaults to the environment and project of the connection', () => {
    const { complete } = startAcmeFlags()
    const asked = { flag: 'a', state: 'on' }
    expect(complete(asked, { project: 'shop' })).toMatchObject({ environment: 'production', project: 'shop' })
    const own = { environment: 'test', project: 'cart' }
    expect(complete({ ...asked, ...own }, { project: 'shop' })).toMatchObject(own)
    expect(() => complete(asked, { environment: undefined })).toThrow('input.environment is required')
  })
})

describe('set-flag', () => {
  test('returns the state before and after, as read back', async () => {
    const { outcome, calls } = startAcmeFlags()
    expect(await outcome({ flag: 'a', state: 'on', percentage: 50, comment: 'Launch' })).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: 'a in production is on (50 %), and was off (25 %)',
      data: {
        flag: 'a',
        before: { state: 'off', percentage: 25 },
        after: { state: 'on', percentage: 50 },
        changed: true,
        url: page('a'),
        environment: 'production',
      },
      links: { 'acme-flags a': page('a') },
    })
    expect(calls).toEqual(['get a', 'set a: Launch', 'get a'])
  })

  test('changes only the requested settings', async () => {
    const { outcome, flags } = startAcmeFlags()
    expect(await outcome({ flag: 'a', percentage: 75 })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(flags['a']).toMatchObject({ on: false, percentage: 75 })
  })

  test('reads again if the platform returns the old state at first', async () => {
    const { outcome, state } = startAcmeFlags()
    state.lag = 1
    expect(await outcome({ flag: 'a', state: 'on' })).toMatchObject({ result: 'pass', data: { changed: true } })
  })

  test('fails if the platform accepts the change without making it', async () => {
    const why = 'Acme Flags accepted the change, but the flag is still off (25 %)'
    expect(await startAcmeFlags({ a: 'ignores' }).outcome({ flag: 'a', state: 'on' })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: `a in production was not set to on (25 %): ${why}`,
      data: { changed: false, failed: expect.stringContaining('still off') },
    })
  })
})

describe('set-flags', () => {
  test('changes and lists the flags that differ', async () => {
    const { outcome, writes } = startAcmeFlags()
    expect(await outcome({ flags: 'a,b,c', state: 'on' })).toMatchObject({
      result: 'pass',
      message: [
        'a in production is on (25 %), and was off (25 %)',
        'b in production was on (100 %) already',
        'c in production is on, and was off',
      ].join('; '),
      data: { changed: ['a', 'c'], failed: [], flags: [{ flag: 'a' }, { flag: 'b' }, { flag: 'c' }] },
    })
    expect(writes()).toEqual(['set a', 'set c'])
  })

  test('changes nothing if one flag does not exist', async () => {
    const { outcome, writes } = startAcmeFlags()
    await expectFailure(outcome({ flags: 'a,x', state: 'on' }), 'refused', 'No flag x.')
    expect(writes()).toEqual([])
  })

  test('changes the other flags if one is refused, and fails', async () => {
    const flags = ['a', { flag: 'b', state: 'off' }, 'c']
    expect(await startAcmeFlags({ b: 'refuses' }).outcome({ flags, state: 'on' })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      data: { changed: ['a', 'c'], failed: ['b'] },
      message: expect.stringContaining('b in production was not set to off (100 %): b is locked'),
    })
  })

  test('reads a refused flag back, because it may be partly changed', async () => {
    const { provider, flags, outcome } = startAcmeFlags({ b: 'refuses' })
    const { set } = provider
    provider.set = async (...call) => {
      if (call[2][0]?.flag === 'b') flags['b'] = { on: false, percentage: 100 }
      return set(...call)
    }
    const asked = {
      flags: [
        { flag: 'a', state: 'on' },
        { flag: 'b', state: 'off', percentage: 5 },
      ],
    }
    expect(await outcome(asked)).toMatchObject({
      result: 'fail',
      data: { changed: ['a', 'b'], flags: [{}, { after: { state: 'off', percentage: 100 } }] },
    })
  })

  test('stops at a transient error and lists the flags changed so far', async () => {
    const flags = ['a', { flag: 'b', percentage: 5 }, 'c']
    const failure = await failureOf(startAcmeFlags({ a: 'refuses', c: 'breaks' }).outcome({ flags, state: 'on' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('c is unavailable. Changed before that: b.')
  })

  test('a retry changes the remaining flags', async () => {
    const faults: Faults = { c: 'breaks' }
    const { outcome, writes } = startAcmeFlags(faults)
    await failureOf(outcome({ flags: 'a,c', state: 'on' }))
    faults['c'] = undefined
    expect(await outcome({ flags: 'a,c', state: 'on' })).toMatchObject({ result: 'pass', data: { changed: ['c'] } })
    expect(writes()).toEqual(['set a', 'set c', 'set c'])
  })

  test('passes all changes to a provider that sets flags together', async () => {
    const { provider, outcome } = startAcmeFlags()
    const { set } = provider
    const sizes: number[] = []
    Object.assign(provider, {
      setsAllAtOnce: true,
      set: async (...call: Parameters<typeof set>) => {
        sizes.push(call[2].length)
        return set(...call)
      },
    })
    expect(await outcome({ flags: 'a,b,c', state: 'on' })).toMatchObject({ data: { changed: ['a', 'c'] } })
    expect(sizes).toEqual([2])
  })
})
