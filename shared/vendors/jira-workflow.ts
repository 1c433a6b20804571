import * as z from 'zod/mini'
import { type Failure, refused } from '../errors.ts'
import type { Http } from '../http/client.ts'
import { CLOSED_STATE_NAMES } from '../providers/ticket.ts'
import { isRecord } from '../record.ts'
import { issuePath, jiraStatus, readIssue } from './jira.ts'

type Status = z.output<typeof jiraStatus>

/** A field of a transition's screen. */
const screenField = z.object({
  name: z.optional(z.string()),
  required: z.optional(z.boolean()),
  hasDefaultValue: z.optional(z.boolean()),
  // Objects with a name or a value, or plain text.
  allowedValues: z.optional(z.array(z.unknown())),
})
type ScreenField = z.output<typeof screenField>
/** A step of the workflow that an issue may take now, with the fields of its screen. */
const transition = z.object({
  id: z.string(),
  name: z.string(),
  isAvailable: z.optional(z.boolean()),
  to: jiraStatus,
  fields: z.optional(z.record(z.string(), screenField)),
})
type Transition = z.output<typeof transition>
const offered = z.object({ transitions: z.array(transition) })
const issueValues = z.object({ fields: z.record(z.string(), z.unknown()) })

/** How Jira takes changes of an issue: values to set, and operations on lists. */
export interface IssueEdit {
  fields: Record<string, unknown>
  update: Record<string, { add: string }[]>
}

/** A change of the status, not made yet. */
interface PlannedMove {
  /** Whether it closes the issue. */
  closes: boolean
  /** The transition, with the parts of the edit that its screen has. */
  transition: { id: string }
  edit: IssueEdit
  /** The parts of the edit that go to the issue itself. */
  rest: IssueEdit
}

/** Resolutions that stand for plain success. */
const PLAIN_RESOLUTIONS = ['done', 'fixed']
const MAX_LISTED_VALUES = 20

/**
 * Finds the transition to a state, and splits an edit into what goes with the transition and what goes to the issue.
 *
 * @param state `open` or `closed` go by the category of the status (a custom status is `new`, `indeterminate` or `done` in
 *   every workflow), anything else by the name of a status or of a transition
 * @param resolution set if the transition's screen has the field; if it is the name of a status or a transition, it chooses that
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-get
 * @returns undefined if the issue is in that state already
 * @throws Failure `refused` that lists the transitions, or the values of required fields
 */
export async function planMove(
  http: Http,
  idOrKey: string,
  state: string,
  edit: IssueEdit,
  resolution?: string,
): Promise<PlannedMove | undefined> {
  const issue = await readIssue(http, idOrKey)
  if (isIn(issue.fields.status, state)) return undefined
  const path = `${issuePath(idOrKey)}/transitions`
  const { body } = await http.get(path, { query: { expand: 'transitions.fields' }, schema: offered })
  const transitions = body.transitions.filter((transition) => transition.isAvailable !== false)
  const chosen = pick(transitions, state, resolution)
  if (!chosen) throw noTransition(issue.key, issue.fields.status, state, transitions)
  const { fields: screen = {}, to } = chosen
  const requested = { ...edit.fields, ...resolutionOn(chosen, resolution) }
  const missing = await missingFields(http, idOrKey, screen, { ...requested, ...edit.update })
  const fields: Record<string, unknown> = { ...requested, ...(resolution ? {} : usualResolution(to, missing)) }
  const stillMissing = missing.filter(([name]) => !Object.hasOwn(fields, name))
  if (stillMissing.length > 0) throw needsFields(issue.key, chosen, stillMissing)
  const isOnScreen = (name: string) => Object.hasOwn(screen, name)
  const isElsewhere = (name: string) => !isOnScreen(name)
  return {
    closes: to.statusCategory.key === 'done',
    transition: { id: chosen.id },
    edit: { fields: pickNames(fields, isOnScreen), update: pickNames(edit.update, isOnScreen) },
    rest: { fields: pickNames(fields, isElsewhere), update: pickNames(edit.update, isElsewhere) },
  }
}

function pickNames<T>(record: Record<string, T>, isWanted: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => isWanted(name)))
}

/** Changes the status as planned. */
export async function move(http: Http, idOrKey: string, { transition, edit }: PlannedMove): Promise<void> {
  await http.post(`${issuePath(idOrKey)}/transitions`, { transition, ...nonEmpty(edit) })
}

/** Changes an issue; sends nothing if there is nothing to change. */
export async function editIssue(http: Http, idOrKey: string, edit: IssueEdit): Promise<void> {
  const content = nonEmpty(edit)
  if (Object.keys(content).length > 0) await http.put(issuePath(idOrKey), content)
}

/** The parts of an edit that an issue does not have yet. */
export async function withoutHeld(http: Http, idOrKey: string, { fields, update }: IssueEdit): Promise<IssueEdit> {
  const names = [...Object.keys(fields), ...Object.keys(update)]
  if (names.length === 0) return { fields, update }
  const held = await readValues(http, idOrKey, names)
  return {
    fields: Object.fromEntries(Object.entries(fields).filter(([name, value]) => !holds(held[name], value))),
    update: Object.fromEntries(
      Object.entries(update)
        .map(([name, added]) => [name, added.filter(({ add }) => !holds(held[name], [add]))] as const)
        .filter(([, added]) => added.length > 0),
    ),
  }
}

function nonEmpty(edit: IssueEdit): Partial<IssueEdit> {
  return Object.fromEntries(Object.entries(edit).filter(([, content]) => Object.keys(content).length > 0))
}

async function readValues(http: Http, idOrKey: string, names: string[]): Promise<Record<string, unknown>> {
  const query = { fields: names.join() }
  return (await http.get(issuePath(idOrKey), { query, schema: issueValues })).body.fields
}

/** Returns whether a value of an issue contains the requested one. Jira adds fields to options and users. */
function holds(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(value) && wanted.every((item) => value.some((held) => holds(held, item)))
  if (!isRecord(wanted)) return value === wanted
  return isRecord(value) && Object.entries(wanted).every(([name, member]) => holds(value[name], member))
}

/** An issue in progress is open already: it is not moved back to the start. */
function isIn(status: Status, state: string): boolean {
  const done = status.statusCategory.key === 'done'
  if (is(state, 'closed')) return done
  return is(state, 'open') ? !done : is(status.name, state)
}

function pick(transitions: Transition[], state: string, resolution: string | undefined): Transition | undefined {
  const to = (category: string) => transitions.filter((transition) => transition.to.statusCategory.key === category)
  if (is(state, 'open')) return to('new')[0] ?? to('indeterminate')[0]
  if (is(state, 'closed')) return pickDone(to('done'), resolution)
  return (
    transitions.find((transition) => is(transition.to.name, state)) ?? transitions.find(({ name }) => is(name, state))
  )
}

/** The transition that the resolution names, else the one to Done, Closed or Resolved: a workflow may also have `Won't do`. */
function pickDone(done: Transition[], resolution: string | undefined): Transition | undefined {
  const named = resolution && done.find(({ name, to }) => is(name, resolution) || is(to.name, resolution))
  if (named) return named
  const plain = CLOSED_STATE_NAMES.map((word) => done.find(({ to }) => is(to.name, word)))
  return plain.find((transition) => transition !== undefined)
}

function noTransition(key: string, from: Status, state: string, transitions: Transition[]): Failure {
  const list = (some: Transition[]) => some.map(({ name, to }) => `"${name}" to ${to.name}`).join(', ') || 'none'
  const done = transitions.filter(({ to }) => to.statusCategory.key === 'done')
  if (!is(state, 'closed') || done.length === 0) {
    const message = `Jira has no transition that moves ${key} from ${from.name} to ${state}; there are: ${list(transitions)}.`
    return refused(message)
  }
  return refused(
    `Jira has no transition from ${from.name} to Done, Closed or Resolved for ${key}. Write the status that closes it, as resolution of a close or as state of an update: ${list(done)}.`,
  )
}

/** The resolution as the screen spells it; Jira refuses the field if the screen does not have it. */
function resolutionOn({ name, to, fields }: Transition, resolution: string | undefined) {
  const field = fields?.['resolution']
  if (!field || resolution === undefined) return {}
  const known = namesOf(field).find((value) => is(value, resolution))
  if (known) return { resolution: { name: known } }
  // It only named the status; anything else Jira refuses with its reason.
  return is(name, resolution) || is(to.name, resolution) ? {} : { resolution: { name: resolution } }
}

/** Required fields of a screen that have neither a default, nor a given value, nor one at the issue. */
async function missingFields(
  http: Http,
  idOrKey: string,
  screen: Record<string, ScreenField>,
  fields: Record<string, unknown>,
): Promise<[string, ScreenField][]> {
  const needed = Object.entries(screen).filter(
    ([name, { required, hasDefaultValue }]) => required && !hasDefaultValue && isEmpty(fields[name]),
  )
  if (needed.length === 0) return []
  const names = needed.map(([name]) => name)
  const held = await readValues(http, idOrKey, names)
  return needed.filter(([name]) => isEmpty(held[name]))
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

/** The value for a missing resolution: the one that has the name of the status, or Done or Fixed if the status is a plain one. */
function usualResolution(to: Status, missing: [string, ScreenField][]) {
  const offered = missing.flatMap(([id, field]) => (id === 'resolution' ? namesOf(field) : []))
  const isPlain = CLOSED_STATE_NAMES.some((name) => is(to.name, name))
  const wanted = [to.name, ...(isPlain ? PLAIN_RESOLUTIONS : [])]
  const found = wanted.map((word) => offered.find((name) => is(name, word))).find((name) => name !== undefined)
  return found === undefined ? {} : { resolution: { name: found } }
}

function needsFields(key: string, { name, to }: Transition, missing: [string, ScreenField][]): Failure {
  const words = missing.map(([id, field]) => {
    const label = field.name && !is(field.name, id) ? `${id} (${field.name})` : id
    const values = namesOf(field)
    const shown = values.slice(0, MAX_LISTED_VALUES).map((value) => `"${value}"`)
    const more = values.length > MAX_LISTED_VALUES ? ', ..' : ''
    return `${label}${shown.length > 0 ? `: ${shown.join(', ')}${more}` : ''}`
  })
  const isResolution = missing.length === 1 && missing[0]?.[0] === 'resolution'
  const how = isResolution ? 'Write it as resolution of a close, or' : 'Write them'
  return refused(
    `Jira's transition "${name}" to ${to.name} requires fields that ${key} does not have: ${words.join('; ')}. ${how} in fields of an update with the state ${to.name}.`,
  )
}

function namesOf({ allowedValues = [] }: ScreenField): string[] {
  return allowedValues.flatMap((value) => {
    if (typeof value === 'string') return [value]
    if (!isRecord(value)) return []
    const name = value['name'] ?? value['value'] ?? value['id']
    return typeof name === 'string' ? [name] : []
  })
}

function is(name: string | undefined, wanted: string): boolean {
  return name?.toLowerCase() === wanted.toLowerCase()
}
