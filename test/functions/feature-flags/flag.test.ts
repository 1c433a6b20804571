import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, url } from '../../../shared/fields.ts'
import type { PollResult, StartedJob } from '../../../shared/providers/action.ts'
import {
  type ChangeStatus,
  defineFlagProvider,
  type FlagChange,
  type FlagProvider,
  type FlagState,
  type PendingChange,
} from '../../../shared/providers/flag.ts'
import { setFlag, setFlags } from '../../../shared/providers/set-flags.ts'
import { validate } from '../../../shared/validate.ts'
import { clientOf, failureOf } from '../helpers.ts'
import { startedJob } from '../job.ts'

interface Faults {
  /** Flags that are refused, ignored, need an approval, or fail with a platform error. */
  refuses?: string[]
  ignores?: string[]
  waits?: string[]
  breaks?: string[]
}

/** A fake platform with three flags. */
function play({ refuses = [], ignores = [], waits = [], breaks = [] }: Faults = {}) {
  const flags: Record<string, FlagState> = {
    a: { on: false, percentage: 25, url: 'https://flags.example.com/a' },
    b: { on: true, percentage: 100 },
    c: { on: false },
  }
  const statuses: Record<string, ChangeStatus> = {}
  const calls: string[] = []
  /** How many reads still return the old state. */
  const state = { lag: 0 }
  const late: (() => void)[] = []
  const provider = defineFlagProvider({
    title: 'Played Flags',
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
    async set(_, __, changes, comment): Promise<PendingChange | undefined> {
      for (const { flag, on, percentage } of changes) {
        calls.push(`set ${flag}${comment ? `: ${comment}` : ''}`)
        if (refuses.includes(flag)) throw new Failure('refused', `${flag} is locked`)
        if (breaks.includes(flag)) throw new Failure('platform', `${flag} is unavailable`)
        const change = () => {
          const before = flags[flag] ?? { on: false }
          flags[flag] = { ...before, on: on ?? before.on, ...(percentage === undefined ? {} : { percentage }) }
        }
        if (waits.includes(flag)) {
          return {
            id: `r-${flag}`,
            noun: 'approval request',
            url: `https://flags.example.com/r-${flag}`,
            providerState: flag,
          }
        }
        if (!ignores.includes(flag)) state.lag > 0 ? late.push(change) : change()
      }
      return undefined
    },
    async getChangeStatus(_, __, { id }) {
      calls.push(`status ${id}`)
      return statuses[id] ?? { state: 'pending', ended: false }
    },
  })
  return { provider: provider as unknown as FlagProvider, flags, statuses, calls, state }
}

type Played = ReturnType<typeof play>

const connection = { baseUrl: 'https://flags.example.com', environment: 'production' }
const event = { data: {} } as never
const client = ({ provider }: Played) => clientOf(provider, connection as never)
const input = (played: Played, action: typeof setFlag | typeof setFlags, asked: object) =>
  action.complete(action.input.parse(asked) as never, { event, connection, provider: played.provider })
const run = (action: typeof setFlag | typeof setFlags, played: Played, asked: object) =>
  action.run(played.provider, client(played), input(played, action, asked))
const one = async (played: Played, asked: object) => (await run(setFlag, played, asked)).outcome
const several = async (played: Played, asked: object) => (await run(setFlags, played, asked)).outcome
const getStatus = (played: Played, action: typeof setFlag | typeof setFlags, asked: object, { job }: StartedJob) =>
  // The job state of a task is stored as JSON.
  action.job?.getStatus(
    played.provider,
    client(played),
    input(played, action, asked),
    JSON.parse(JSON.stringify(job)),
  ) as Promise<PollResult>
const writes = ({ calls }: Played) => calls.filter((call) => call.startsWith('set'))

describe('flag input', () => {
  const changes = (asked: object, action: typeof setFlag | typeof setFlags = setFlag): FlagChange[] =>
    input(play(), action, asked).changes

  test.each([
    ['on', true],
    ['ON', true],
    ['true', true],
    [true, true],
    ['off', false],
    ['False', false],
    [false, false],
  ])('accepts %j as a state', (state, on) => {
    expect(changes({ flag: 'a', state })).toEqual([{ flag: 'a', on, percentage: undefined }])
  })

  test('accepts percentages from 0 to 100, also as text', () => {
    for (const percentage of [0, '0', 25, '25', 100]) {
      expect(changes({ flag: 'a', percentage })).toEqual([{ flag: 'a', on: undefined, percentage: Number(percentage) }])
    }
    for (const percentage of [-1, 101, 33.3, '25%', 'half']) {
      const validated = () => validate(setFlag.input, { flag: 'a', percentage }, { what: 'The input', root: 'input' })
      expect(validated).toThrow('input.percentage must be a whole number from 0 to 100')
    }
  })

  test('is refused without a state and a percentage', () => {
    expect(() => changes({ flag: 'a' })).toThrow('input.state is missing for a: send on or off')
    expect(() => changes({ flags: ['a', { flag: 'b', state: 'on' }] }, setFlags)).toThrow(
      'input.flags.0 is missing for a',
    )
    for (const state of ['maybe', 1]) expect(() => changes({ flag: 'a', state })).toThrow()
  })

  test('is refused by checkChange of the provider', () => {
    expect(() => changes({ flag: 'a', percentage: 13 })).toThrow('not 13')
  })

  test.each([
    ['text with commas', 'a, b,', { state: 'off' }],
    ['names', ['a', 'b'], { state: 'off' }],
    ['JSON in text', '["a", {"flag": "b"}]', { state: 'off' }],
    [
      'objects',
      [
        { flag: 'a', state: 'off' },
        { flag: 'b', state: false },
      ],
      {},
    ],
  ])('accepts several flags as %s', (_, flags, more) => {
    expect(changes({ flags, ...more }, setFlags)).toEqual([
      { flag: 'a', on: false, percentage: undefined },
      { flag: 'b', on: false, percentage: undefined },
    ])
  })

  test('the fields of one flag override the common fields', () => {
    const flags = [{ flag: 'a', percentage: 5 }, { flag: 'b', state: 'on' }, 'c']
    expect(changes({ flags, state: 'off', percentage: 50 }, setFlags)).toEqual([
      { flag: 'a', on: false, percentage: 5 },
      { flag: 'b', on: true, percentage: 50 },
      { flag: 'c', on: false, percentage: 50 },
    ])
  })

  test.each([[[]], ['  '], ['[broken'], [[{ state: 'on' }]], [Array.from({ length: 51 }, (_, at) => `f${at}`)]])(
    'is refused if flags is %j',
    (flags) => {
      expect(() => changes({ flags, state: 'on' }, setFlags)).toThrow()
    },
  )

  test('is refused if it contains a flag twice', () => {
    expect(() => changes({ flags: 'a,b,a', state: 'on' }, setFlags)).toThrow('input.flags.2 repeats a')
  })

  test('defaults to the environment and project of the connection', () => {
    const { provider } = play()
    const from = { event, provider, connection: { ...connection, project: 'shop' } }
    const asked = { flag: 'a', state: 'on' } as const
    expect(setFlag.complete(asked, from)).toMatchObject({ environment: 'production', project: 'shop' })
    const own = { ...asked, environment: 'test', project: 'cart' }
    expect(setFlag.complete(own, from)).toMatchObject({ environment: 'test', project: 'cart' })
    expect(() => setFlag.complete(asked, { event, provider, connection: {} })).toThrow('input.environment is required')
  })
})

describe('set-flag', () => {
  test('returns the state before and after, as read back', async () => {
    const played = play()
    expect(await one(played, { flag: 'a', state: 'on', percentage: 50, comment: 'Launch' })).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: 'a in production is on (50 %), and was off (25 %)',
      data: {
        flag: 'a',
        before: { state: 'off', percentage: 25 },
        after: { state: 'on', percentage: 50 },
        changed: true,
        url: 'https://flags.example.com/a',
        environment: 'production',
      },
      links: { 'played-flags a': 'https://flags.example.com/a' },
    })
    expect(played.calls).toEqual(['get a', 'set a: Launch', 'get a'])
  })

  test('passes without a write if the flag is already in the requested state', async () => {
    const played = play()
    expect(await one(played, { flag: 'b', state: 'on', percentage: 100 })).toMatchObject({
      result: 'pass',
      message: 'b in production was on (100 %) already',
      data: { changed: false, before: { state: 'on' }, after: { state: 'on' } },
    })
    expect(played.calls).toEqual(['get b'])
  })

  test('changes only the requested settings', async () => {
    const played = play()
    expect(await one(played, { flag: 'a', percentage: 75 })).toMatchObject({ data: { after: { state: 'off' } } })
    expect(played.flags['a']).toMatchObject({ on: false, percentage: 75 })
  })

  test('reads again if the platform returns the old state at first', async () => {
    const played = play()
    played.state.lag = 1
    expect(await one(played, { flag: 'a', state: 'on' })).toMatchObject({ result: 'pass', data: { changed: true } })
  })

  test('fails if the platform accepts the change without making it', async () => {
    expect(await one(play({ ignores: ['a'] }), { flag: 'a', state: 'on' })).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message:
        'a in production was not set to on (25 %): Played Flags accepted the change, but the flag is still off (25 %)',
      data: { changed: false, failed: expect.stringContaining('still off') },
    })
  })

  test('fails with the message of the platform', async () => {
    const failure = await failureOf(one(play({ refuses: ['a'] }), { flag: 'a', state: 'on' }))
    expect(failure).toMatchObject({ kind: 'refused', message: 'a is locked' })
    expect(await failureOf(one(play(), { flag: 'x', state: 'on' }))).toMatchObject({ kind: 'refused' })
  })
})

describe('set-flags', () => {
  test('changes and lists the flags that differ', async () => {
    const played = play()
    expect(await several(played, { flags: 'a,b,c', state: 'on' })).toMatchObject({
      result: 'pass',
      message:
        'a in production is on (25 %), and was off (25 %); b in production was on (100 %) already; c in production is on, and was off',
      data: { changed: ['a', 'c'], failed: [], flags: [{ flag: 'a' }, { flag: 'b' }, { flag: 'c' }] },
    })
    expect(writes(played)).toEqual(['set a', 'set c'])
  })

  test('changes nothing if one flag does not exist', async () => {
    const played = play()
    const failure = await failureOf(several(played, { flags: 'a,x', state: 'on' }))
    expect(failure).toMatchObject({ kind: 'refused', message: 'No flag x.' })
    expect(writes(played)).toEqual([])
  })

  test('changes the other flags if one is refused, and fails', async () => {
    const played = play({ refuses: ['b'] })
    expect(
      await several(played, {
        flags: [
          { flag: 'a', state: 'on' },
          { flag: 'b', state: 'off' },
          { flag: 'c', state: 'on' },
        ],
      }),
    ).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: expect.stringContaining('b in production was not set to off (100 %): b is locked'),
      data: { changed: ['a', 'c'], failed: ['b'] },
    })
  })

  test('reads a refused flag back, because it may be partly changed', async () => {
    const played = play({ refuses: ['b'] })
    const set = played.provider.set
    played.provider.set = async (...call) => {
      if (call[2][0]?.flag === 'b') played.flags['b'] = { on: false, percentage: 100 }
      return set(...call)
    }
    const changes = {
      flags: [
        { flag: 'a', state: 'on' },
        { flag: 'b', state: 'off', percentage: 5 },
      ],
    }
    expect(await several(played, changes)).toMatchObject({
      result: 'fail',
      data: { changed: ['a', 'b'], flags: [{}, { after: { state: 'off', percentage: 100 } }] },
    })
  })

  test('stops at a transient error and lists the flags changed so far', async () => {
    const played = play({ refuses: ['a'], breaks: ['c'] })
    const failure = await failureOf(several(played, { flags: ['a', { flag: 'b', percentage: 5 }, 'c'], state: 'on' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect(failure.message).toBe('c is unavailable. Changed before that: b.')
  })

  test('a retry changes the remaining flags', async () => {
    const faults = { breaks: ['c'] }
    const played = play(faults)
    await failureOf(several(played, { flags: 'a,c', state: 'on' }))
    faults.breaks.length = 0
    expect(await several(played, { flags: 'a,c', state: 'on' })).toMatchObject({
      result: 'pass',
      data: { changed: ['c'] },
    })
    expect(writes(played)).toEqual(['set a', 'set c', 'set c'])
  })

  test('passes all changes to a provider that sets flags together', async () => {
    const played = play()
    played.provider.setsAllAtOnce = true
    const set = played.provider.set
    const sizes: number[] = []
    played.provider.set = async (...call) => {
      sizes.push(call[2].length)
      return set(...call)
    }
    expect(await several(played, { flags: 'a,b,c', state: 'on' })).toMatchObject({ data: { changed: ['a', 'c'] } })
    expect(sizes).toEqual([2])
  })
})

describe('flag change that needs an approval', () => {
  const asked = { flag: 'a', state: 'on' }

  test('is a warning in a silent call', async () => {
    const { outcome } = startedJob(await run(setFlag, play({ waits: ['a'] }), asked))
    expect(outcome).toMatchObject({
      status: 'succeeded',
      result: 'warning',
      message: 'Not changed yet: waiting for approval request r-a for a. Use mode=interactive to wait for it',
      data: {
        changed: false,
        after: { state: 'off' },
        pending: [{ id: 'r-a', noun: 'approval request', url: 'https://flags.example.com/r-a' }],
      },
      links: { 'played-flags approval request r-a': 'https://flags.example.com/r-a' },
    })
  })

  test('waits until it is decided', async () => {
    const played = play({ waits: ['a'] })
    const waiting = startedJob(await run(setFlag, played, asked))
    expect(await getStatus(played, setFlag, asked, waiting)).toEqual({ status: 'pending (approval request r-a)' })
  })

  test('passes after it is applied', async () => {
    const played = play({ waits: ['a'] })
    const waiting = startedJob(await run(setFlag, played, asked))
    played.statuses['r-a'] = { state: 'applied', ended: true }
    played.flags['a'] = { on: true, percentage: 25 }
    expect(await getStatus(played, setFlag, asked, waiting)).toMatchObject({
      outcome: {
        result: 'pass',
        message: 'a in production is on (25 %), and was off (25 %)',
        data: { before: { state: 'off' }, after: { state: 'on' }, changed: true },
        links: { 'played-flags approval request r-a': 'https://flags.example.com/r-a' },
      },
    })
  })

  test('fails with the reason if it is declined', async () => {
    const played = play({ waits: ['a'] })
    const waiting = startedJob(await run(setFlag, played, asked))
    played.statuses['r-a'] = { state: 'declined', ended: true, declined: 'by Mia: not on a Friday' }
    expect(await getStatus(played, setFlag, asked, waiting)).toMatchObject({
      outcome: {
        status: 'succeeded',
        result: 'fail',
        message:
          'a in production was not set to on (25 %): approval request r-a ended as declined: by Mia: not on a Friday',
        data: { changed: false },
      },
    })
  })

  test('fails if it is reported as applied but the flag is unchanged', async () => {
    const played = play({ waits: ['a'] })
    const waiting = startedJob(await run(setFlag, played, asked))
    played.statuses['r-a'] = { state: 'applied', ended: true }
    expect(await getStatus(played, setFlag, asked, waiting)).toMatchObject({ outcome: { result: 'fail' } })
  })

  test('does not block the other flags of the call', async () => {
    const played = play({ waits: ['a'], refuses: ['b'] })
    const all = {
      flags: [
        { flag: 'a', state: 'on' },
        { flag: 'b', state: 'off' },
        { flag: 'c', state: 'on' },
      ],
    }
    const waiting = startedJob(await run(setFlags, played, all))
    expect(waiting.outcome).toMatchObject({
      result: 'fail',
      message:
        'Not changed yet: waiting for approval request r-a for a. Use mode=interactive to wait for it; b in production was not set to off (100 %): b is locked; c in production is on, and was off',
      data: { changed: ['c'], failed: ['b'], pending: [{ id: 'r-a' }] },
    })
    played.statuses['r-a'] = { state: 'applied', ended: true }
    played.flags['a'] = { on: true, percentage: 25 }
    expect(await getStatus(played, setFlags, all, waiting)).toMatchObject({
      outcome: { result: 'fail', data: { changed: ['a', 'c'], failed: ['b'] } },
    })
  })

  test('is polled together with the others', async () => {
    const played = play({ waits: ['a', 'c'] })
    const both = { flags: 'a,c', state: 'on' }
    const waiting = startedJob(await run(setFlags, played, both))
    expect(await getStatus(played, setFlags, both, waiting)).toEqual({
      status: 'pending (approval request r-a); pending (approval request r-c)',
    })
    played.statuses['r-c'] = { state: 'applied', ended: true }
    played.calls.length = 0
    expect(await getStatus(played, setFlags, both, waiting)).toEqual({ status: 'pending (approval request r-a)' })
    expect(played.calls).toEqual(['status r-a', 'status r-c'])
  })

  test('can cover several flags', async () => {
    const played = play({ waits: ['a', 'c'] })
    const { set } = played.provider
    played.provider.set = async (...call) => {
      const waits = await set(...call)
      return waits && { ...waits, id: 'r-1' }
    }
    const both = { flags: 'a,c', state: 'on' }
    const waiting = startedJob(await run(setFlags, played, both))
    expect(waiting.outcome.message).toContain('waiting for approval request r-1 for a, c')
    played.statuses['r-1'] = { state: 'declined', ended: true, declined: '' }
    expect(await getStatus(played, setFlags, both, waiting)).toMatchObject({
      outcome: { data: { failed: ['a', 'c'] } },
    })
  })

  test('is not reported as changed if another flag fails', async () => {
    const played = play({ waits: ['a'], breaks: ['c'] })
    const failure = await failureOf(several(played, { flags: 'a,c', state: 'on' }))
    expect(failure.message).toBe('c is unavailable')
  })

  test('stays open when the deadline passes, and cannot be stopped', async () => {
    const { provider } = play()
    const asked = input(play(), setFlag, { flag: 'a', state: 'on' })
    expect(setFlag.job?.onDeadline(asked)).toBe('leave')
    expect(await setFlag.job?.stop(provider, clientOf(provider, connection as never), asked, undefined)).toBe(false)
  })
})
