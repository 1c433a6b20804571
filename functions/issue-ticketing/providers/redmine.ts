import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { type Http, segment } from '../../../shared/http/client.ts'
import {
  CLOSED_STATE_NAMES,
  defineTicketProvider,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'
import {
  idsOf,
  is,
  named,
  perPage,
  read,
  redmineApi,
  redmineConnection,
  redmineProject,
} from '../../../shared/vendors/redmine.ts'

const status = z.extend(named, { is_closed: z.boolean() })
type Status = z.output<typeof status>
const issue = z.object({
  id: z.number(),
  project: named,
  tracker: named,
  status,
  priority: named,
  assigned_to: z.optional(named),
  subject: z.string(),
  description: z.nullable(z.string()),
  journals: z.optional(z.array(z.object({ notes: z.nullish(z.string()) }))),
  allowed_statuses: z.optional(z.array(status)),
})
type Issue = z.output<typeof issue>
const oneIssue = z.object({ issue })
const someIssues = z.object({ issues: z.array(issue) })

const longestSubject = 255

/**
 * Redmine, from 5.0 on: that tells which statuses are closed, and which an issue may go to.
 *
 * It has no hidden place and, in its core, no labels: a description ends with the lines `Labels: a, b` and
 * `Ref: caw-<key>`, a note with the latter.
 *
 * @see https://www.redmine.org/projects/redmine/wiki/Rest_Issues
 */
export const redmine = defineTicketProvider({
  title: 'Redmine',
  noun: 'issue',
  connection: z.strictObject(redmineConnection),
  ...redmineApi,
  project: redmineProject,
  confirmsState: true as const,

  checkRef(ref) {
    numberOf(ref)
  },

  /** The filter reads the database: it sees an issue as soon as it is made. */
  reservedFields: [
    { path: ['description'], instead: 'write input.description' },
    { path: ['notes'], instead: 'write input.comment' },
  ],

  async find({ http, idempotencyKey: key }, { project }) {
    const query = { project_id: project, status_id: '*', description: `~${markOf(key)}`, sort: 'id', limit: perPage }
    const { status, body } = await http.get('issues.json', { query, accept: [404], schema: someIssues })
    if (status === 404) {
      // Redmine's own is empty, for a project that is not there: `open` says so in its words. Of a proxy's nothing is known.
      if (body === undefined) return undefined
      throw new Failure('platform', 'There was a 404 that is not one of Redmine.')
    }
    // Where it does not know a filter, Redmine leaves it out and lists everything.
    const found = body.issues.find(({ description }) => description?.includes(markOf(key)))
    return found && ticketOf(http, found)
  },

  async open({ http, idempotencyKey: key, connection }, input) {
    const { project = '', title, description = '', type, labels = [], priority, assignee, fields } = input
    const subject = clipSingleLine(title, longestSubject)
    const text = subject === singleLine(title) ? description : `${title}\n\n${description}`
    const footer = [
      ...(labels.length > 0 ? [`Labels: ${labels.join(', ')}`] : []),
      ...(key === undefined ? [] : [refOf(key)]),
    ]
    const content = {
      issue: {
        project_id: project,
        subject,
        description: withFooter(text, footer),
        ...(await idsOf(http, project, { type: type || connection.type, priority, assignee })),
        ...fields,
      },
    }
    try {
      return ticketOf(http, (await http.post('issues.json', content, { schema: oneIssue })).body.issue)
    } catch (error) {
      // For a project that does not exist or is not visible, Redmine only says that fields cannot be blank.
      if (!(error instanceof Failure) || error.kind !== 'refused') throw error
      throw new Failure('refused', `${error.message} (project "${project}")`)
    }
  },

  async get({ http }, ref) {
    return ticketOf(http, await readIssue(http, ref))
  },

  async update({ http }, ref, changes) {
    const issue = await readIssue(http, ref, 'journals,allowed_statuses')
    const asked = { ...(await changesOf(http, issue, changes)), ...changes.fields }
    const notes = newLabels(issue, changes.labels)
    if (Object.keys(asked).length === 0 && !notes) return
    await http.put(pathOf(ref), { issue: { ...asked, ...(notes ? { notes } : {}) } })
    confirm(await readIssue(http, ref, 'journals'), asked, notes)
  },

  async comment({ http, idempotencyKey: key }, ref, comment) {
    const notes = withFooter(comment, key === undefined ? [] : [refOf(key)])
    await http.put(pathOf(ref), { issue: { notes } })
    confirm(await readIssue(http, ref, 'journals'), {}, notes)
  },

  async hasComment({ http, idempotencyKey: key }, ref) {
    const { journals = [] } = await readIssue(http, ref, 'journals')
    return journals.some(({ notes }) => notes?.includes(markOf(key)))
  },

  async close({ http }, ref, { resolution }) {
    const issue = await readIssue(http, ref, 'allowed_statuses')
    const closing = (issue.allowed_statuses ?? []).filter(({ is_closed }) => is_closed)
    const named = closing.find(({ name }) => is(name, resolution))
    const status = named ?? plainlyClosed(closing) ?? refuse(issue, 'Done, Closed or Resolved')
    // A resolution that is no status has no other place; in the same call, so that it comes once.
    const notes = resolution && !named ? { notes: `Resolution: ${resolution}` } : {}
    await http.put(pathOf(ref), { issue: { status_id: status.id, ...notes } })
  },
})

async function changesOf(http: Http, issue: Issue, changes: TicketChanges) {
  const { title, description, type, priority, assignee, state } = changes
  return {
    ...(title === undefined ? {} : { subject: clipSingleLine(title, longestSubject) }),
    // The labels and the key of the call that opened it stay: a repeat of that call still finds it.
    ...(description === undefined ? {} : { description: withFooter(description, footerOf(issue.description)) }),
    ...(await idsOf(http, String(issue.project.id), { type, priority, assignee })),
    ...(state ? { status_id: statusFor(issue, state).id } : {}),
  }
}

/** What the user's role or the workflow does not let it set, Redmine leaves out, and answers 204 all the same. */
function confirm(issue: Issue, asked: Record<string, unknown>, notes: string | undefined): void {
  const now: Record<string, unknown> = {
    subject: issue.subject,
    tracker_id: issue.tracker.id,
    priority_id: issue.priority.id,
    assigned_to_id: issue.assigned_to?.id,
    status_id: issue.status.id,
  }
  const left = Object.keys(now)
    .filter((field) => field in asked && String(now[field] ?? '') !== String(asked[field] ?? ''))
    .map((field) => field.replace(/_(?:to_)?id$/, ''))
  const noted = notes === undefined || issue.journals?.some((journal) => lines(journal.notes) === lines(notes))
  if (!noted) left.push('notes')
  if (left.length === 0) return
  throw new Failure(
    'refused',
    `Redmine took the call, but did not set ${left.join(', ')} of #${issue.id}: the role of its user, or the workflow, does not allow it.`,
  )
}

function lines(text: string | null | undefined): string | undefined {
  return text?.replace(/\r\n/g, '\n').trim()
}

function statusFor(issue: Issue, state: string): Status {
  const { status, allowed_statuses: allowed = [] } = issue
  if (is(state, status.name) || (is(state, 'closed') && status.is_closed)) return status
  if (is(state, 'open') && !status.is_closed) return status
  const found = allowed.find(({ name, id }) => is(name, state) || String(id) === state)
  if (found) return found
  if (is(state, 'closed')) {
    return plainlyClosed(allowed.filter(({ is_closed }) => is_closed)) ?? refuse(issue, 'Done, Closed or Resolved')
  }
  return (is(state, 'open') && allowed.find(({ is_closed }) => !is_closed)) || refuse(issue, state)
}

/** Other statuses that close, such as Rejected, must be named: their order says nothing about what was done. */
function plainlyClosed(closing: Status[]): Status | undefined {
  return CLOSED_STATE_NAMES.map((word) => closing.find(({ name }) => is(name, word))).find(
    (found) => found !== undefined,
  )
}

function refuse({ id, status, allowed_statuses: allowed = [] }: Issue, state: string): never {
  const ways = allowed.map(({ name }) => name).join(', ') || 'none'
  throw new Failure('refused', `Redmine does not let #${id} go from ${status.name} to ${state}; allowed are: ${ways}.`)
}

/** A note of the labels that neither the description nor a note has yet. */
function newLabels({ description, journals = [] }: Issue, labels: string[] = []): string | undefined {
  const lines = [description, ...journals.map(({ notes }) => notes)].flatMap((text) => (text ?? '').split(/\r?\n/))
  const there = lines.flatMap((line) => (line.startsWith('Labels: ') ? line.slice(8).split(', ') : []))
  const added = labels.filter((label) => !there.includes(label))
  return added.length > 0 ? `Labels: ${added.join(', ')}` : undefined
}

function markOf(key: string): string {
  return `caw-${key}`
}

function refOf(key: string): string {
  return `Ref: ${markOf(key)}`
}

function withFooter(text: string, footer: string[]): string {
  return [text.trim(), footer.join('\n')].filter(Boolean).join('\n\n')
}

function footerOf(description: string | null): string[] {
  return (description ?? '').split(/\r?\n/).filter((line) => /^(?:Labels: .+|Ref: caw-[0-9a-f]+)$/.test(line))
}

function numberOf({ id }: TicketRef): string {
  const number = /^#?(\d{1,10})$/.exec(id)?.[1]
  if (number) return number
  const message = 'write it like 12'
  throw new Failure('invalid', `input.id is no issue: ${message}`, { errors: [{ path: 'input.id', message }] })
}

function pathOf(ref: TicketRef): string {
  return `issues/${segment(numberOf(ref))}.json`
}

async function readIssue(http: Http, ref: TicketRef, include?: string): Promise<Issue> {
  return (await read(http, pathOf(ref), oneIssue, { include })).issue
}

function ticketOf(http: Http, { id, status }: Issue): Ticket {
  const ticket = { id: String(id), number: String(id), url: `${http.baseUrl}/issues/${id}` }
  return { ...ticket, state: status.name, isClosed: status.is_closed }
}
