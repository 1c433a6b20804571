import type { Outcome } from '../outcome.ts'
import { slug } from '../text/slug.ts'
import type { FlagChange, FlagLocation, FlagProvider, FlagState, PendingChange } from './flag.ts'
import type { Client } from './provider.ts'

/** The complete input of `setFlag` and `setFlags`. */
export interface SetFlags extends FlagLocation {
  changes: FlagChange[]
  comment: string | undefined
  /** From `setFlag`, whose outcome describes one flag instead of a list. */
  isSingle: boolean
}

/** A flag on its way to its new state. */
export interface FlagUpdate extends FlagChange {
  before: FlagState
  after?: FlagState
  /** The platform was asked to change it. */
  isRequested: boolean
  /** Why it was not changed. */
  failed?: string
}

export type WaitingChange = PendingChange & { flags: string[] }

export function hasTarget({ on, percentage }: FlagChange, state: FlagState): boolean {
  return (on === undefined || on === state.on) && (percentage === undefined || percentage === state.percentage)
}

/** Returns the updates that do not wait for a pending change. */
export function completedUpdates(updates: FlagUpdate[], waiting: readonly WaitingChange[]): FlagUpdate[] {
  return updates.filter(({ flag }) => !waiting.some(({ flags }) => flags.includes(flag)))
}

/** Returns the outcome of updates that were read back. */
export function updatedOutcome(
  provider: FlagProvider,
  client: Client,
  input: SetFlags,
  updates: FlagUpdate[],
): Outcome {
  return {
    status: 'succeeded',
    result: updates.some(({ failed }) => failed !== undefined) ? 'fail' : 'pass',
    message: updates.map((update) => describeUpdate(update, input, client.isRetry)).join('; '),
    data: dataOf(input, updates),
    links: linksTo(
      provider,
      updates.map(({ flag, after }) => ({ id: flag, url: after?.url })),
    ),
  }
}

/** Returns the outcome of changes that are requested but not made. It is never a pass. */
export function pendingOutcome(
  provider: FlagProvider,
  client: Client,
  input: SetFlags,
  updates: FlagUpdate[],
  waiting: WaitingChange[],
): Outcome {
  const completed = completedUpdates(updates, waiting)
  const changes = waiting.map(({ noun, id, flags }) => `${noun} ${id} for ${flags.join(', ')}`).join('; ')
  const message = `Not changed yet: waiting for ${changes}. Use mode=interactive to wait for it`
  return {
    status: 'succeeded',
    result: completed.some(({ failed }) => failed !== undefined) ? 'fail' : 'warning',
    message: [message, ...completed.map((update) => describeUpdate(update, input, client.isRetry))].join('; '),
    data: {
      ...dataOf(input, updates),
      pending: waiting.map(({ id, noun, url }) => ({ id, noun, ...(url ? { url } : {}) })),
    },
    links: linksTo(provider, waiting),
  }
}

function describeUpdate(
  { flag, isRequested, failed, before, after, ...change }: FlagUpdate,
  { environment }: FlagLocation,
  isRetry: boolean,
): string {
  const current = describeState(after ?? before)
  if (failed !== undefined) {
    const target = describeState({ on: change.on ?? before.on, percentage: change.percentage ?? before.percentage })
    return `${flag} in ${environment} was not set to ${target}: ${failed}`
  }
  if (isRequested) return `${flag} in ${environment} is ${current}, and was ${describeState(before)}`
  return `${flag} in ${environment} was ${current} already${isRetry ? ', or an earlier attempt set it' : ''}`
}

/** Returns `on`, `off` or `on (20 %)`. */
export function describeState({ on, percentage }: FlagState): string {
  return `${on ? 'on' : 'off'}${percentage === undefined ? '' : ` (${percentage} %)`}`
}

function dataOf({ isSingle, environment, project }: SetFlags, updates: FlagUpdate[]): Outcome['data'] {
  const location = { environment, ...(project ? { project } : {}) }
  const flags = updates.map(dataOfUpdate)
  if (isSingle) return { ...flags[0], ...location }
  return {
    flags,
    changed: flags.filter(({ changed }) => changed).map(({ flag }) => flag),
    failed: flags.filter(({ failed }) => failed !== undefined).map(({ flag }) => flag),
    ...location,
  }
}

function dataOfUpdate({ flag, before, after = before, failed }: FlagUpdate) {
  return {
    flag,
    before: dataOfState(before),
    after: dataOfState(after),
    changed: !hasTarget({ flag, on: before.on, percentage: before.percentage }, after),
    ...(after.url ? { url: after.url } : {}),
    ...(failed === undefined ? {} : { failed }),
  }
}

function dataOfState({ on, percentage }: FlagState) {
  return { state: on ? 'on' : 'off', ...(percentage === undefined ? {} : { percentage }) }
}

export function linksTo(
  { title }: FlagProvider,
  items: readonly { id: string; noun?: string; url?: string | undefined }[],
): Record<string, string> {
  const platform = slug(title)
  return Object.fromEntries(
    items.flatMap(({ id, noun, url }) => (url ? [[[platform, noun, id].filter(Boolean).join(' '), url]] : [])),
  )
}
