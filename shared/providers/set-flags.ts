import * as z from 'zod/mini'
import { Failure, invalidInput, toSentence } from '../errors.ts'
import { integer, name, onOff, optional, withDescription } from '../fields.ts'
import { sleep } from '../sleep.ts'
import { type CallContext, completed, type JobAction, type PollResult } from './action.ts'
import { cutText, cuttable, MAX_TEXT } from './cut-text.ts'
import type { FlagChange, FlagLocation, FlagProvider, PendingChange } from './flag.ts'
import {
  completedUpdates,
  describeState,
  type FlagUpdate,
  hasTarget,
  linksTo,
  pendingOutcome,
  type SetFlags,
  updatedOutcome,
  type WaitingChange,
} from './flag-outcome.ts'
import { resolveProject } from './project.ts'
import type { Client } from './provider.ts'

const setting = {
  state: optional(onOff('on or off')),
  percentage: optional(integer(0, 100, 'Share of users that see the flag while it is on: 0 to 100')),
}
const location = {
  environment: optional(name("Environment, by the platform's name. Defaults to the connection's environment")),
  project: optional(name("Project, by the platform's name. Defaults to the connection's project")),
  comment: optional(cuttable(MAX_TEXT, 'Reason for the change, for platforms that store one')),
}
const setOneInput = z.strictObject({ flag: name('Key of the flag'), ...setting, ...location })
const flagItem = z.strictObject({ flag: name('Key of the flag'), ...setting })
const setSeveralInput = z.strictObject({
  flags: withDescription(
    z.pipe(z.transform(toItems), z.array(flagItem).check(z.minLength(1), z.maxLength(50))),
    'Keys, as a list or as text with commas; or a list of {flag, state, percentage}, which override the common values',
  ),
  ...setting,
  ...location,
})

/** Accepts text with commas, names and objects, also as JSON in text, which forms send. */
function toItems(value: unknown): unknown {
  if (typeof value === 'string' && /^\s*\[/.test(value)) {
    try {
      return toItems(JSON.parse(value))
    } catch {
      return value
    }
  }
  const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value
  if (!Array.isArray(items)) return value
  return items.filter((item) => item !== '').map((item) => (typeof item === 'string' ? { flag: item } : item))
}

/** The state of the job while changes are pending. */
interface FlagJob {
  updates: FlagUpdate[]
  changes: WaitingChange[]
}

type SetAction<Asked> = JobAction<FlagProvider, SetFlags, Asked>

const common = {
  type: 'job',
  kind: 'flag',
  effect: 'reversible',
  deadline: 3_600,
  // A flag that has the wanted state is not changed, and a retry finds a requested change.
  idempotent: true,

  async run(provider, client, input) {
    const { changes, comment, isSingle: isSingleFlag, ...location } = input
    const updates = await readAll(provider, client, location, changes)
    const open = updates.filter((update) => !hasTarget(update, update.before))
    const waiting: WaitingChange[] = []
    const groups = provider.setsAllAtOnce && open.length > 0 ? [open] : open.map((update) => [update])
    for (const [index, group] of groups.entries()) {
      const flags = group.map(({ flag }) => flag)
      // Each group is a change of its own.
      const why = index > 0 ? await client.mayContinue() : undefined
      if (why !== undefined) {
        for (const update of groups.slice(index).flat()) update.failed = `Not changed: ${why}`
        break
      }
      try {
        const change = await provider.set(client, location, group.map(toChange), comment)
        if (change) addWaiting(waiting, change, flags)
      } catch (error) {
        const mayPass = !(error instanceof Failure) || error.transient || error.kind === 'credentials'
        if (mayPass || isSingleFlag) throw withChangedFlags(error, updates, waiting)
        for (const update of group) update.failed = (error as Failure).message
      }
      for (const update of group) update.isRequested = true
    }
    if (waiting.length === 0) return completed(await readBackOutcome(provider, client, input, updates))
    await readBack(provider, client, location, completedUpdates(updates, waiting))
    const job: FlagJob = { updates, changes: waiting }
    const [change, ...others] = waiting
    // A task has one id, and polls several changes.
    const isSingle = change !== undefined && others.length === 0
    const wakeId = isSingle ? provider.notifiedBy?.wakeId(change, location, client.connection) : undefined
    return { type: 'started', outcome: pendingOutcome(provider, client, input, updates, waiting), job, wakeId }
  },

  job: {
    silent: 'waits',
    // Some platforms do not make a change when people have approved it.
    changesInPolls: true,
    async getStatus(provider, client, input, job): Promise<PollResult> {
      const { updates, changes } = structuredClone(job as FlagJob)
      const open: string[] = []
      // Polls all changes each time, so that none waits for another to end.
      for (const change of changes) {
        const status = await provider.getChangeStatus?.(client, input, change)
        if (!status) throw new Error(`${provider.title} has no getChangeStatus for its pending change.`)
        const { noun, id, flags } = change
        if (!status.ended) open.push(`${status.state} (${noun} ${id})`)
        else if (status.declined !== undefined) {
          const failed = `${noun} ${id} ended as ${status.state}${status.declined ? `: ${status.declined}` : ''}`
          for (const update of updates) if (flags.includes(update.flag)) update.failed = failed
        }
      }
      if (open.length > 0) return { status: open.join('; ') }
      const outcome = await readBackOutcome(provider, client, input, updates)
      return { outcome: { ...outcome, links: { ...outcome.links, ...linksTo(provider, changes) } } }
    },
    stop: async () => false,
    // It can still be approved later, which the outcome says.
    onDeadline: () => 'leave',
  },
} satisfies Partial<SetAction<never>>

/** Sets one flag and returns its state before and after, as read back. */
export const setFlag: SetAction<z.output<typeof setOneInput>> = {
  ...common,
  summary: 'Sets a feature flag and returns its state before and after, as read back',
  input: setOneInput,
  outputs: ['before', 'after', 'changed', 'url'],
  complete({ flag, state, percentage, ...input }, context) {
    return completeInput([{ flag, state, percentage }], input, context, true)
  },
}

/** Sets several flags and returns the result of each. */
export const setFlags: SetAction<z.output<typeof setSeveralInput>> = {
  ...common,
  summary: 'Sets several feature flags and returns the result of each',
  input: setSeveralInput,
  outputs: ['changed', 'failed'],
  complete({ flags, state, percentage, ...input }, context) {
    const items = flags.map((item) => ({
      ...item,
      state: item.state ?? state,
      percentage: item.percentage ?? percentage,
    }))
    return completeInput(items, input, context, false)
  },
}

interface FlagItem {
  flag: string
  state?: 'on' | 'off' | undefined
  percentage?: number | undefined
}

function completeInput(
  flags: FlagItem[],
  input: Omit<z.output<typeof setOneInput>, keyof FlagItem>,
  { connection, provider, note }: CallContext<FlagProvider>,
  isSingle: boolean,
): SetFlags {
  const environment = input.environment ?? (connection['environment'] as string | undefined)
  if (environment === undefined)
    throw invalidInput('input.environment', 'is required, because the connection has no default')
  const changes = flags.map(({ flag, state, percentage }, index) => {
    const path = isSingle ? 'input.state' : `input.flags.${index}`
    if (state === undefined && percentage === undefined)
      throw invalidInput(path, `is missing for ${flag}: send on or off`)
    if (flags.findIndex((other) => other.flag === flag) !== index) throw invalidInput(path, `repeats ${flag}`)
    const change = { flag, on: state === undefined ? undefined : state === 'on', percentage }
    provider.checkChange?.(change)
    return change
  })
  const project = resolveProject(input.project, connection, provider, true)
  const comment = input.comment === undefined ? undefined : cutText('comment', input.comment, MAX_TEXT, note)
  return { changes, environment, project, comment, isSingle }
}

/** Reads all flags before the first change: a missing flag must not leave the others half done. */
async function readAll(
  provider: FlagProvider,
  client: Client,
  location: FlagLocation,
  changes: readonly FlagChange[],
): Promise<FlagUpdate[]> {
  const updates: FlagUpdate[] = []
  for (const change of changes)
    updates.push({ ...change, before: await provider.get(client, location, change.flag), isRequested: false })
  return updates
}

function toChange({ flag, on, percentage }: FlagUpdate): FlagChange {
  return { flag, on, percentage }
}

/** Several flags may wait for the same change. */
function addWaiting(waiting: WaitingChange[], change: PendingChange, flags: string[]): void {
  const same = waiting.find(({ id, noun }) => id === change.id && noun === change.noun)
  if (same) same.flags.push(...flags)
  else waiting.push({ ...change, flags })
}

/** Adds the flags that were changed before the error. */
function withChangedFlags(error: unknown, updates: FlagUpdate[], waiting: WaitingChange[]): unknown {
  const changed = completedUpdates(updates, waiting)
    .filter(({ isRequested, failed }) => isRequested && failed === undefined)
    .map(({ flag }) => flag)
  if (!(error instanceof Failure) || changed.length === 0) return error
  const message = `${toSentence(error.message)} Changed before that: ${changed.join(', ')}.`
  return new Failure(error.kind, message, { retryAfter: error.retryAfter, cause: error.cause, mayHaveWritten: true })
}

/** Milliseconds before each read: some platforms show a change only a moment later. */
const READ_BACK_DELAYS_MS = [0, 500, 1_500]

/** Reads back what was requested. An update that the platform does not show has failed. */
async function readBack(
  provider: FlagProvider,
  client: Client,
  location: FlagLocation,
  updates: FlagUpdate[],
): Promise<void> {
  for (const update of updates) {
    if (!update.isRequested) update.after = update.before
    const needsRead = update.isRequested && !hasTarget(update, update.after ?? update.before)
    for (const delay of needsRead ? READ_BACK_DELAYS_MS : []) {
      await sleep(delay)
      update.after = await provider.get(client, location, update.flag)
      if (update.failed !== undefined || hasTarget(update, update.after)) break
    }
    const current = update.after ?? update.before
    if (update.failed === undefined && !hasTarget(update, current))
      update.failed = `${provider.title} accepted the change, but the flag is still ${describeState(current)}`
  }
}

async function readBackOutcome(provider: FlagProvider, client: Client, input: SetFlags, updates: FlagUpdate[]) {
  await readBack(provider, client, input, updates)
  return updatedOutcome(provider, client, input, updates)
}
