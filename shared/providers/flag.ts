import * as z from 'zod/mini'
import { Failure, toSentence } from '../errors.ts'
import { integer, name, onOff, optional, withDescription } from '../fields.ts'
import type { Outcome } from '../outcome.ts'
import { sleep } from '../sleep.ts'
import { slug } from '../text/slug.ts'
import type { CallContext, JobAction, PollResult, StartedJob } from './action.ts'
import { cutText, cuttable, MAX_TEXT } from './cut-text.ts'
import { type ProjectFormat, resolveProject } from './project.ts'
import type { Client, NoOtherMembers, Provider } from './provider.ts'

/** A flag in one environment, as it stands at the platform. */
export interface FlagState {
  on: boolean
  /** Who gets it while it is on, where the platform rolls out by percentage. */
  percentage?: number | undefined
  /** Where people see it. */
  url?: string | undefined
}

/** Where flags are. */
export interface FlagLocation {
  project: string | undefined
  environment: string
}

/** What is to become of a flag: what is undefined stays as it is. */
export interface FlagChange {
  flag: string
  on: boolean | undefined
  percentage: number | undefined
}

/** A change that the platform has taken and not made yet: it must be approved, or deployed. */
export interface PendingChange {
  id: string
  /** What it is called here: `approval request`. */
  noun: string
  url?: string | undefined
  /** What else it takes to look after it: JSON. */
  providerState?: unknown
}

/** How a pending change goes on; `declined` says, in the platform's words, why it was not made. */
export type ChangeStatus =
  | { state: string; ended: false }
  | { state: string; ended: true; declined?: string | undefined }

/** A platform that keeps feature flags: vendor knowledge only, the promises are kept by the two actions below. */
export interface FlagProvider<S extends z.ZodMiniObject = z.ZodMiniObject> extends Provider<S> {
  kind: 'flag'
  /** Undefined where the connection is all that is needed. */
  project: ProjectFormat | undefined
  /** Whether all flags of a call are changed in one go; else one after the other. */
  setsAllAtOnce?: true
  /** Throws Failure `invalid` for what this platform has nothing for. */
  checkChange?(change: FlagChange): void
  /** Throws Failure `refused` where there is no such flag or environment. */
  get(client: Client<z.output<S>>, place: FlagLocation, flag: string): Promise<FlagState>
  /**
   * Makes changes, or asks for them; a repeat finds what an earlier try has asked for.
   *
   * @param changes one, or all of the call where it is `together`; none of them is already so
   * @returns what must happen before they are made, if anything
   */
  set(
    client: Client<z.output<S>>,
    place: FlagLocation,
    changes: FlagChange[],
    comment: string | undefined,
  ): Promise<PendingChange | undefined>
  /** How a pending change goes on; must be there where `set` may answer one. */
  getChangeStatus?(client: Client<z.output<S>>, place: FlagLocation, change: PendingChange): Promise<ChangeStatus>
}

/** Declares a flag provider; the schema of its connection types the client of each of its functions. */
export function defineFlagProvider<S extends z.ZodMiniObject, P extends Omit<FlagProvider<S>, 'kind'>>(
  provider: P & { connection: S } & NoOtherMembers<P, FlagProvider>,
): P & { kind: 'flag' } {
  return { kind: 'flag', ...provider }
}

const setting = {
  state: optional(onOff('on or off')),
  percentage: optional(integer(0, 100, 'Who gets it while it is on: 0 to 100')),
}
const where = {
  environment: optional(name("Environment, as the platform names it; the connection's default where left out")),
  project: optional(name("Project, as the platform names it; the connection's default where left out")),
  comment: optional(cuttable(MAX_TEXT, 'Why, if the platform keeps a reason')),
}
const setOneInput = z.strictObject({ flag: name('The key of the flag'), ...setting, ...where })
const flagOfSeveral = z.strictObject({ flag: name('The key of the flag'), ...setting })
const setSeveralInput = z.strictObject({
  flags: withDescription(
    z.pipe(z.transform(listed), z.array(flagOfSeveral).check(z.minLength(1), z.maxLength(50))),
    'Keys, as a list or as text with commas; or a list of {flag, state, percentage}, each before what is said for all',
  ),
  ...setting,
  ...where,
})

/** Text with commas, names, or objects: also JSON in text, where a form carries it. */
function listed(value: unknown): unknown {
  if (typeof value === 'string' && /^\s*\[/.test(value)) {
    try {
      return listed(JSON.parse(value))
    } catch {
      return value
    }
  }
  const items = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value
  if (!Array.isArray(items)) return value
  return items.filter((item) => item !== '').map((item) => (typeof item === 'string' ? { flag: item } : item))
}

/** What is to be done, whatever action it came by. */
interface SetFlags extends FlagLocation {
  changes: FlagChange[]
  comment: string | undefined
  /** Whether it came as one flag: then it is answered as one. */
  single: boolean
}

/** What becomes of a flag. */
interface Part extends FlagChange {
  before: FlagState
  after?: FlagState
  /** Whether the platform was asked to change it. */
  asked: boolean
  /** Why it was not changed. */
  failed?: string
}

/** What is kept while changes are pending. */
interface Pending {
  parts: Part[]
  changes: (PendingChange & { flags: string[] })[]
}

type SetAction<Asked> = JobAction<FlagProvider, SetFlags, Asked>

const flow = {
  type: 'job',
  kind: 'flag',
  deadline: 3_600,
  // A flag that is as it should be is left alone, and what was asked for is found by a repeat.
  idempotent: true,

  async run(provider, client, input) {
    const { changes, comment, single, ...place } = input
    const parts = await readAll(provider, client, place, changes)
    const toDo = parts.filter((part) => !isSo(part, part.before))
    const pending: Pending['changes'] = []
    for (const group of provider.setsAllAtOnce && toDo.length > 0 ? [toDo] : toDo.map((part) => [part])) {
      const flags = group.map(({ flag }) => flag)
      try {
        const waits = await provider.set(client, place, group.map(changeOf), comment)
        if (waits) keep(pending, waits, flags)
      } catch (error) {
        const passes = !(error instanceof Failure) || error.transient || error.kind === 'credentials'
        if (passes || single) throw withChanged(error, parts, pending)
        for (const part of group) part.failed = (error as Failure).message
      }
      for (const part of group) part.asked = true
    }
    if (pending.length > 0) return begun(provider, client, input, { parts, changes: pending })
    return endOf(provider, client, input, parts)
  },

  job: {
    silent: 'waits',
    async getStatus(provider, client, input, kept): Promise<PollResult> {
      const { parts, changes } = structuredClone(kept as Pending)
      const open: string[] = []
      // All of them each time: none may wait for its turn until another has ended.
      for (const change of changes) {
        const sight = await provider.getChangeStatus?.(client, input, change)
        if (!sight) throw new Error(`${provider.title} can not look after what it has asked for.`)
        const { noun, id, flags } = change
        if (!sight.ended) open.push(`${sight.state} (${noun} ${id})`)
        else if (sight.declined !== undefined) {
          const failed = `${noun} ${id} ended as ${sight.state}${sight.declined ? `: ${sight.declined}` : ''}`
          for (const part of parts) if (flags.includes(part.flag)) part.failed = failed
        }
      }
      if (open.length > 0) return { status: open.join('; ') }
      const { message, links, ...end } = await endOf(provider, client, input, parts)
      return { outcome: { message, ...end, links: { ...links, ...linksTo(provider, changes) } } }
    },
    stop: async () => false,
    // Whoever has to approve it still can: that is said in the outcome.
    onDeadline: () => 'leave',
  },
} satisfies Partial<SetAction<never>>

/** Sets one flag, and answers how it was before and is now, as read back. */
export const setFlag: SetAction<z.output<typeof setOneInput>> = {
  ...flow,
  summary: 'Sets a feature flag, and answers how it was before and is now, as read back',
  input: setOneInput,
  outputs: ['before', 'after', 'changed', 'url'],
  complete({ flag, state, percentage, ...asked }, from) {
    return completed([{ flag, state, percentage }], asked, from, true)
  },
}

/** Sets several flags, and answers what became of each. */
export const setFlags: SetAction<z.output<typeof setSeveralInput>> = {
  ...flow,
  summary: 'Sets several feature flags, and answers what became of each',
  input: setSeveralInput,
  outputs: ['changed', 'failed'],
  complete({ flags, state, percentage, ...asked }, from) {
    const each = flags.map((one) => ({ ...one, state: one.state ?? state, percentage: one.percentage ?? percentage }))
    return completed(each, asked, from, false)
  },
}

type Asked = { flag: string; state?: 'on' | 'off' | undefined; percentage?: number | undefined }
type Where = Omit<z.output<typeof setOneInput>, keyof Asked>

function completed(
  flags: Asked[],
  asked: Where,
  { connection, provider, note }: CallContext<FlagProvider>,
  single: boolean,
): SetFlags {
  const environment = asked.environment ?? (connection['environment'] as string | undefined)
  if (environment === undefined) {
    throw invalid('environment', 'missing, and the connection has no default: name the environment')
  }
  const changes = flags.map(({ flag, state, percentage }, at) => {
    const path = single ? 'state' : `flags.${at}`
    if (state === undefined && percentage === undefined) throw invalid(path, `missing for ${flag}: write on or off`)
    if (flags.findIndex((one) => one.flag === flag) !== at) throw invalid(path, `twice there for ${flag}`)
    const change = { flag, on: state === undefined ? undefined : state === 'on', percentage }
    provider.checkChange?.(change)
    return change
  })
  const project = resolveProject(asked.project, connection, provider, true)
  const comment = asked.comment === undefined ? undefined : cutText('comment', asked.comment, MAX_TEXT, note)
  return { changes, environment, project, comment, single }
}

function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', `${path} is ${message}`, { errors: [{ path, message }] })
}

/** All are read before any is changed: a flag that is not there must not leave the others half done. */
async function readAll(
  provider: FlagProvider,
  client: Client,
  place: FlagLocation,
  changes: readonly FlagChange[],
): Promise<Part[]> {
  const parts: Part[] = []
  for (const change of changes)
    parts.push({ ...change, before: await provider.get(client, place, change.flag), asked: false })
  return parts
}

function changeOf({ flag, on, percentage }: Part): FlagChange {
  return { flag, on, percentage }
}

function isSo({ on, percentage }: FlagChange, state: FlagState): boolean {
  return (on === undefined || on === state.on) && (percentage === undefined || percentage === state.percentage)
}

/** Several flags may wait for the same. */
function keep(pending: Pending['changes'], waits: PendingChange, flags: string[]): void {
  const same = pending.find(({ id, noun }) => id === waits.id && noun === waits.noun)
  if (same) same.flags.push(...flags)
  else pending.push({ ...waits, flags })
}

/** The parts that do not wait for anything. */
function settled({ parts, changes }: Pending): Part[] {
  return parts.filter(({ flag }) => !changes.some(({ flags }) => flags.includes(flag)))
}

/** Where it breaks off in the middle, whoever reads why also reads how far it got. */
function withChanged(error: unknown, parts: Part[], changes: Pending['changes']): unknown {
  const changed = settled({ parts, changes })
    .filter(({ asked, failed }) => asked && failed === undefined)
    .map(({ flag }) => flag)
  if (!(error instanceof Failure) || changed.length === 0) return error
  const text = `${toSentence(error.message)} Changed before that: ${changed.join(', ')}.`
  const more = new Failure(error.kind, text, { retryAfter: error.retryAfter, cause: error.cause })
  more.afterWrite = true
  return more
}

/** Milliseconds before each time that a change is read back: some platforms show it a moment later. */
const looks = [0, 500, 1_500]

/** Reads back what was asked for; what is not as it was asked for has failed. */
async function readBack(provider: FlagProvider, client: Client, place: FlagLocation, parts: Part[]): Promise<void> {
  for (const part of parts) {
    if (!part.asked) part.after = part.before
    for (const pause of part.asked && !isSo(part, part.after ?? part.before) ? looks : []) {
      await sleep(pause)
      part.after = await provider.get(client, place, part.flag)
      if (part.failed !== undefined || isSo(part, part.after)) break
    }
    if (part.failed === undefined && !isSo(part, part.after ?? part.before))
      part.failed = `${provider.title} took the change, but it is still ${inWords(part.after ?? part.before)}`
  }
}

/** Reads back what was changed, and says so. */
async function endOf(provider: FlagProvider, client: Client, input: SetFlags, parts: Part[]): Promise<Outcome> {
  await readBack(provider, client, input, parts)
  return {
    status: 'succeeded',
    result: parts.some(({ failed }) => failed !== undefined) ? 'fail' : 'pass',
    message: parts.map((part) => said(part, input, client.isRetry)).join('; '),
    data: input.single ? dataOfOne(parts, input) : dataOfSeveral(parts, input),
    links: linksTo(
      provider,
      parts.map(({ flag, after }) => ({ id: flag, url: after?.url })),
    ),
  }
}

function said(
  { flag, asked, failed, before, after, ...change }: Part,
  { environment }: FlagLocation,
  repeated: boolean,
): string {
  const now = inWords(after ?? before)
  if (failed !== undefined)
    return `${flag} in ${environment} was not set to ${inWords({ ...before, ...given(change) })}: ${failed}`
  if (asked) return `${flag} in ${environment} is ${now}, and was ${inWords(before)}`
  return `${flag} in ${environment} was ${now} already${repeated ? ', or an earlier try has set it' : ''}`
}

function given({ on, percentage }: Pick<FlagChange, 'on' | 'percentage'>): Partial<FlagState> {
  return { ...(on === undefined ? {} : { on }), ...(percentage === undefined ? {} : { percentage }) }
}

function inWords({ on, percentage }: FlagState): string {
  return `${on ? 'on' : 'off'}${percentage === undefined ? '' : ` (${percentage} %)`}`
}

function shown({ on, percentage }: FlagState) {
  return { state: on ? 'on' : 'off', ...(percentage === undefined ? {} : { percentage }) }
}

function dataOf({ flag, before, after = before, failed }: Part) {
  return {
    flag,
    before: shown(before),
    after: shown(after),
    changed: !isSo({ flag, on: before.on, percentage: before.percentage }, after),
    ...(after.url ? { url: after.url } : {}),
    ...(failed === undefined ? {} : { failed }),
  }
}

function dataOfOne([part]: Part[], { environment, project }: FlagLocation): Outcome['data'] {
  return { ...(part ? dataOf(part) : {}), environment, ...(project ? { project } : {}) }
}

function dataOfSeveral(parts: Part[], { environment, project }: FlagLocation): Outcome['data'] {
  const flags = parts.map(dataOf)
  return {
    flags,
    changed: flags.filter(({ changed }) => changed).map(({ flag }) => flag),
    failed: flags.filter(({ failed }) => failed !== undefined).map(({ flag }) => flag),
    environment,
    ...(project ? { project } : {}),
  }
}

function linksTo(
  { title }: FlagProvider,
  things: readonly { id: string; noun?: string; url?: string | undefined }[],
): Record<string, string> {
  const platform = slug(title)
  return Object.fromEntries(
    things.flatMap(({ id, noun, url }) => (url ? [[[platform, noun, id].filter(Boolean).join(' '), url]] : [])),
  )
}

/** Asked for, but not made: whoever does not wait for it must not take it for a pass. */
async function begun(provider: FlagProvider, client: Client, input: SetFlags, pending: Pending): Promise<StartedJob> {
  const { parts, changes } = pending
  const rest = settled(pending)
  await readBack(provider, client, input, rest)
  const waiting = changes.map(({ noun, id, flags }) => `${noun} ${id} for ${flags.join(', ')}`).join('; ')
  const notYet = `Not changed yet, since it waits for ${waiting}: mode=interactive waits for its end`
  const outcome: Outcome = {
    status: 'succeeded',
    result: rest.some(({ failed }) => failed !== undefined) ? 'fail' : 'warning',
    message: [notYet, ...rest.map((part) => said(part, input, client.isRetry))].join('; '),
    data: {
      ...(input.single ? dataOfOne(parts, input) : dataOfSeveral(parts, input)),
      pending: changes.map(({ id, noun, url }) => ({ id, noun, ...(url ? { url } : {}) })),
    },
    links: linksTo(provider, changes),
  }
  return { outcome, job: pending }
}
