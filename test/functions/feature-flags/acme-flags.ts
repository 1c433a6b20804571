import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { name, optional, url } from '../../../shared/fields.ts'
import {
  type ChangeStatus,
  defineFlagProvider,
  type FlagProvider,
  type FlagState,
} from '../../../shared/providers/flag.ts'
import { flagDriver } from './drive.ts'

/** By flag: it is refused, ignored, needs an approval, or fails with a platform error. */
export type Faults = Record<string, 'refuses' | 'ignores' | 'waits' | 'breaks' | undefined>

export const page = (id: string) => `https://flags.example.com/${id}`

/** A fake platform with three flags, and the actions that run on it. */
export function startAcmeFlags(faults: Faults = {}) {
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
