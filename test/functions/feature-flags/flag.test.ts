import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, url } from '../../../shared/fields.ts'
import {
  type ChangeStatus,
  defineFlagProvider,
  type FlagProvider,
  type FlagState,
} from '../../../shared/providers/flag.ts'
import { setFlag } from '../../../shared/providers/set-flags.ts'
import { expectFailure, failureOf, skipPauses } from '../helpers.ts'
import { flagDriver } from './drive.ts'

skipPauses()

/** By flag: it is refused, ignored, needs an approval, or fails with a platform error. */
type Faults = Record<string, 'refuses' | 'ignores' | 'waits' | 'breaks' | undefined>

const page = (id: string) => `https://flags.example.com/${id}`

/** A fake platform with three flags, and the actions that run on it. */
function play(faults: Faults = {}) {
  const flags: Record<string, FlagState> = {
    a: { on: false, percentage: 25, url: page('a') },
    b: { on: true, percentage: 100 },
    c: { on: false },
  }
  const statuses: Record<string, ChangeStatus> = {}
  const calls: string[] = []
  /** How many reads still return the old state. */
  const state = { lag: 0 }
  const late: (() => void)[] = []
  const provider = defineFlagProvider({
    title: 'Acme Flags',
    connection: z.strictObject({
      baseUrl: url('Nowhere'),
      environment: optional(name('Default environment')),
      project: optional(name('Default project')),
    }),
    check: async () => undefined,
    project: { pattern: /^[a-z]+$/, example: 'shop', optional: true },
    checkChange({ percentage }) {
      if (percentage === 13) throw new Failure('invalid', 'not 13')
    },
    async get(_, { environment }, flag) {
      calls.push(`get ${flag}`)
      const found = flags[flag]
      if (!found || environment !== 'production') throw new Failure('refused', `No flag ${flag}.`)
      if (late.length > 0 && state.lag-- <= 0) for (const change of late.splice(0)) change()
      return { ...found }
    },
    async set(_, __, changes, comment) {
      for (const { flag, on, percentage } of changes) {
        calls.push(`set ${flag}${comment ? `: ${comment}` : ''}`)
        const fault = faults[flag]
        if (fault === 'refuses') throw new Failure('refused', `${flag} is locked`)
        if (fault === 'breaks') throw new Failure('platform', `${flag} is unavailable`)
        if (fault === 'waits')
          return { id: `r-${flag}`, noun: 'approval request', url: page(`r-${flag}`), providerState: flag }
        const change = () => {
          const before = flags[flag] ?? { on: false }
          flags[flag] = { ...before, on: on ?? before.on, ...(percentage === undefined ? {} : { percentage }) }
        }
        if (fault !== 'ignores') state.lag > 0 ? late.push(change) : change()
      }
      return undefined
    },
    async getChangeStatus(_, __, { id }) {
      calls.push(`status ${id}`)
      return statuses[id] ?? { state: 'pending', ended: false }
    },
  }) as unknown as FlagProvider
  const connection = { baseUrl: page(''), environment: 'production' }
  const { set, request, poll, prepare } = flagDriver(provider, () => connection, 'a')
  const complete = (asked: object, more: object = {}) => prepare(asked, {}, more).completed
  return {
    provider,
    flags,
    statuses,
    calls,
    state,
    complete,
    prepare,
    outcome: set,
    changes: (asked: object) => complete(asked).changes,
    writes: () => calls.filter((call) => call.startsWith('set')),
    /** Starts a change that needs an approval, and returns its outcome and a function that polls it. */
    async start(asked: object) {
      const started = await request(asked)
      return { outcome: started.outcome, poll: () => poll(started, asked) }
    },
  }
}

describe('flag input', () => {
  const { changes } = play()
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
    const { complete } = play()
    const asked = { flag: 'a', state: 'on' }
    expect(complete(asked, { project: 'shop' })).toMatchObject({ environment: 'production', project: 'shop' })
    const own = { environment: 'test', project: 'cart' }
    expect(complete({ ...asked, ...own }, { project: 'shop' })).toMatchObject(own)
    expect(() => complete(asked, { environment: undefined })).toThrow('input.environment is required')
  })
})

describe('set-flag', () => {
  test('returns the state before and after, as read back', async () => {
    const { outcome, calls } = play()
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
    const { outcome, flags } = play()
    expect(await outcome({ flag: 'a', percentage: 75 })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(flags['a']).toMatchObject({ on: false, percentage: 75 })
  })

  test('reads again if the platform returns the old state at first', async () => {
    const { outcome, state } = play()
    state.lag = 1
    expect(await outcome({ flag: 'a', state: 'on' })).toMatchObject({ result: 'pass', data: { changed: true } })
  })

  test('fails if the platform accepts the change without making it', async () => {
    const why = 'Acme Flags accepted the change, but the flag is still off (25 %)'
    expect(await play({ a: 'ignores' }).outcome({ flag: 'a', state: 'on' })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: `a in production was not set to on (25 %): ${why}`,
      data: { changed: false, failed: expect.stringContaining('still off') },
    })
  })
})

describe('set-flags', () => {
  test('changes and lists the flags that differ', async () => {
    const { outcome, writes } = play()
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
    const { outcome, writes } = play()
    await expectFailure(outcome({ flags: 'a,x', state: 'on' }), 'refused', 'No flag x.')
    expect(writes()).toEqual([])
  })

  test('changes the other flags if one is refused, and fails', async () => {
    const flags = ['a', { flag: 'b', state: 'off' }, 'c']
    expect(await play({ b: 'refuses' }).outcome({ flags, state: 'on' })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      data: { changed: ['a', 'c'], failed: ['b'] },
      message: expect.stringContaining('b in production was not set to off (100 %): b is locked'),
    })
  })

  test('reads a refused flag back, because it may be partly changed', async () => {
    const { provider, flags, outcome } = play({ b: 'refuses' })
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
    const failure = await failureOf(play({ a: 'refuses', c: 'breaks' }).outcome({ flags, state: 'on' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('c is unavailable. Changed before that: b.')
  })

  test('a retry changes the remaining flags', async () => {
    const faults: Faults = { c: 'breaks' }
    const { outcome, writes } = play(faults)
    await failureOf(outcome({ flags: 'a,c', state: 'on' }))
    faults['c'] = undefined
    expect(await outcome({ flags: 'a,c', state: 'on' })).toMatchObject({ result: 'pass', data: { changed: ['c'] } })
    expect(writes()).toEqual(['set a', 'set c', 'set c'])
  })

  test('passes all changes to a provider that sets flags together', async () => {
    const { provider, outcome } = play()
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

describe('flag change that needs an approval', () => {
  const asked = { flag: 'a', state: 'on' }
  const links = { 'acme-flags approval request r-a': page('r-a') }
  const applied = { state: 'applied', ended: true } as const
  const hint = 'Use mode=interactive to wait for it'

  test('is a warning at first, waits for the decision, and passes after it is applied', async () => {
    const played = play({ a: 'waits' })
    const { outcome, poll } = await played.start(asked)
    const pending = [{ id: 'r-a', noun: 'approval request', url: page('r-a') }]
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      links,
      data: { changed: false, after: { state: 'off' }, pending },
      message: `Not changed yet: waiting for approval request r-a for a. ${hint}`,
    })
    expect(await poll()).toEqual({ status: 'pending (approval request r-a)' })
    played.statuses['r-a'] = applied
    played.flags['a'] = { on: true, percentage: 25 }
    const data = { before: { state: 'off' }, after: { state: 'on' }, changed: true }
    const message = 'a in production is on (25 %), and was off (25 %)'
    expect(await poll()).toMatchObject({ outcome: { result: 'pass', message, data, links } })
  })

  test('fails if it is reported as applied but the flag is unchanged', async () => {
    const played = play({ a: 'waits' })
    const { poll } = await played.start(asked)
    played.statuses['r-a'] = applied
    const message = expect.stringContaining('a in production was not set to on (25 %): ')
    const outcome = { status: 'succeeded', result: 'fail', message, data: { changed: false } }
    expect(await poll()).toMatchObject({ outcome })
  })

  test('does not block the other flags of the call', async () => {
    const played = play({ a: 'waits', b: 'refuses' })
    const { outcome, poll } = await played.start({ flags: ['a', { flag: 'b', state: 'off' }, 'c'], state: 'on' })
    expect(outcome).toMatchObject({
      result: 'fail',
      data: { changed: ['c'], failed: ['b'], pending: [{ id: 'r-a' }] },
      message: [
        `Not changed yet: waiting for approval request r-a for a. ${hint}`,
        'b in production was not set to off (100 %): b is locked',
        'c in production is on, and was off',
      ].join('; '),
    })
    played.statuses['r-a'] = applied
    played.flags['a'] = { on: true, percentage: 25 }
    expect(await poll()).toMatchObject({ outcome: { result: 'fail', data: { changed: ['a', 'c'], failed: ['b'] } } })
  })

  test('is polled together with the others', async () => {
    const played = play({ a: 'waits', c: 'waits' })
    const { poll } = await played.start({ flags: 'a,c', state: 'on' })
    const pending = 'pending (approval request r-a)'
    expect(await poll()).toEqual({ status: `${pending}; pending (approval request r-c)` })
    played.statuses['r-c'] = applied
    played.calls.length = 0
    expect(await poll()).toEqual({ status: pending })
    expect(played.calls).toEqual(['status r-a', 'status r-c'])
  })

  test('can cover several flags', async () => {
    const { provider, start, statuses } = play({ a: 'waits', c: 'waits' })
    const { set } = provider
    provider.set = async (...call) => {
      const waits = await set(...call)
      return waits && { ...waits, id: 'r-1' }
    }
    const { outcome, poll } = await start({ flags: 'a,c', state: 'on' })
    expect(outcome.message).toContain('waiting for approval request r-1 for a, c')
    statuses['r-1'] = { state: 'declined', ended: true, declined: '' }
    expect(await poll()).toMatchObject({ outcome: { data: { failed: ['a', 'c'] } } })
  })

  test('is not reported as changed if another flag fails', async () => {
    const failure = await failureOf(play({ a: 'waits', c: 'breaks' }).outcome({ flags: 'a,c', state: 'on' }))
    expect(failure.message).toBe('c is unavailable')
  })

  test('stays open when the deadline passes, and cannot be stopped', async () => {
    const { provider, prepare } = play()
    const { client, completed } = prepare(asked)
    expect(setFlag.job?.onDeadline(completed as never)).toBe('leave')
    expect(await setFlag.job?.stop(provider, client, completed as never, undefined)).toBe(false)
  })
})
