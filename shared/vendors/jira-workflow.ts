import * as z from 'zod/mini'
import { Failure } from '../errors.ts'
import type { Http } from '../http.ts'
import { issuePath, jiraStatus, readIssue } from './jira.ts'

type Status = z.output<typeof jiraStatus>

/** A step of the workflow that an issue may take now, with the fields of its screen. */
const transition = z.object({
  id: z.string(),
  name: z.string(),
  isAvailable: z.optional(z.boolean()),
  to: jiraStatus,
  // Those of other fields may be anything, also plain text.
  fields: z.optional(
    z.object({
      resolution: z.optional(
        z.object({ allowedValues: z.optional(z.array(z.object({ name: z.optional(z.string()) }))) }),
      ),
    }),
  ),
})
type Transition = z.output<typeof transition>
const offered = z.object({ transitions: z.array(transition) })

/**
 * Takes an issue to where it is asked to be, unless it is there.
 *
 * @param state `open` or `closed` go by the category of the status (a status of its own is `new`, `indeterminate` or `done`
 *   in every workflow), anything else by the name of a status or of a transition
 * @param resolution set where the transition's screen has the field; where it is the name of a status or a transition, that
 *   is the one
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-get
 * @throws Failure `refused` that lists the transitions there are
 */
export async function moveIssue(http: Http, idOrKey: string, state: string, resolution?: string): Promise<void> {
  const { key, fields } = await readIssue(http, idOrKey)
  if (isIn(fields.status, state)) return
  const path = `${issuePath(idOrKey)}/transitions`
  const { body } = await http.get(path, { query: { expand: 'transitions.fields' }, answer: offered })
  const transitions = body.transitions.filter((one) => one.isAvailable !== false)
  const chosen = pick(transitions, state, resolution)
  if (!chosen) {
    const ways = transitions.map(({ name, to }) => `"${name}" to ${to.name}`).join(', ') || 'none'
    throw new Failure(
      'refused',
      `Jira has no transition that brings ${key} from ${fields.status.name} to ${state}; there are: ${ways}.`,
    )
  }
  const solved = resolution === undefined ? undefined : resolutionOn(chosen, resolution)
  await http.post(path, {
    transition: { id: chosen.id },
    ...(solved ? { fields: { resolution: { name: solved } } } : {}),
  })
}

/** Work that was begun is open already: it is not thrown back to the start. */
function isIn(status: Status, state: string): boolean {
  const done = status.statusCategory.key === 'done'
  if (is(state, 'closed')) return done
  return is(state, 'open') ? !done : is(status.name, state)
}

function pick(transitions: Transition[], state: string, resolution: string | undefined): Transition | undefined {
  const to = (category: string) => transitions.filter((one) => one.to.statusCategory.key === category)
  if (is(state, 'open')) return to('new')[0] ?? to('indeterminate')[0]
  if (is(state, 'closed')) return pickDone(to('done'), resolution)
  return transitions.find((one) => is(one.to.name, state)) ?? transitions.find(({ name }) => is(name, state))
}

/** How Jira's own templates call what is simply done: a workflow may have `Won't do` or `Duplicate` beside it. */
const plainlyDone = ['done', 'closed', 'resolved']

/** What the resolution names, else what is plainly done, else the first in the workflow's own order. */
function pickDone(done: Transition[], resolution: string | undefined): Transition | undefined {
  const meant = resolution && done.find(({ name, to }) => is(name, resolution) || is(to.name, resolution))
  if (meant) return meant
  const plain = plainlyDone.map((word) => done.find(({ to }) => is(to.name, word)))
  return plain.find((transition) => transition !== undefined) ?? done[0]
}

/** The resolution as the screen has it; Jira refuses the field where the screen does not have it. */
function resolutionOn({ name, to, fields }: Transition, resolution: string): string | undefined {
  const field = fields?.resolution
  if (!field) return undefined
  const known = field.allowedValues?.find((value) => is(value.name, resolution))?.name
  // Where it only named the status it has done its work; else Jira says what is wrong with it.
  return known ?? (is(name, resolution) || is(to.name, resolution) ? undefined : resolution)
}

function is(name: string | undefined, asked: string): boolean {
  return name?.toLowerCase() === asked.toLowerCase()
}
