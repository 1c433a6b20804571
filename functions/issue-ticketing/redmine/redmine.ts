import * as z from 'zod/mini'
import { Failure, invalidInput, refused, retryLater } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import {
  CLOSED_STATE_NAMES,
  defineTicketProvider,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import {
  idsOf,
  is,
  named,
  PER_PAGE,
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

const MAX_SUBJECT = 255

/**
 * Redmine 5.0 or later, which reports the closed statuses and the allowed transitions of an issue.
 *
 * Redmine has no hidden text and no labels. A description ends with the lines `Labels: a, b` and `Ref: caw-<key>`, a note with
 * the second one.
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

  reservedFields: [
    { path: ['description'], instead: 'write input.description' },
    { path: ['notes'], instead: 'write input.comment' },
  ],

  lookUp: { newest: 'all' },

  // The filter reads the database, so it finds a new issue immediately.
  async find({ http, idempotencyKey }, { project }) {
    const query = {
      project_id: project,
      status_id: '*',
      description: `~${markerOf(idempotencyKey)}`,
      sort: 'id',
      limit: PER_PAGE,
    }
    const { status, body } = await http.get('issues.json', { query, accept: [404], schema: someIssues })
    if (status === 404) {
      // Redmine returns an empty 404 for an unknown project, which `open` then reports. Any other 404 is from a proxy.
      if (body === undefined) return undefined
      throw retryLater('Received a 404 that is not from Redmine.')
    }
    const found = body.issues.find(({ description }) => description?.includes(markerOf(idempotencyKey)))
    if (found) return ticketOf(http, found)
    // Redmine ignores unknown filters and lists everything.
    return body.issues.length < PER_PAGE ? undefined : 'unknown'
  },

  async open({ http, idempotencyKey, connection }, input) {
    const { project = '', type, labels = [], priority, assignee, fields } = input
    const { title, description } = clipTitle(input, MAX_SUBJECT)
    const footer = [
      ...(labels.length > 0 ? [`Labels: ${labels.join(', ')}`] : []),
      ...(idempotencyKey === undefined ? [] : [refLine(idempotencyKey)]),
    ]
    const content = {
      issue: {
        project_id: project,
        subject: title,
        description: withFooter(description, footer),
        ...(await idsOf(http, project, { type: type || connection.type, priority, assignee })),
        ...fields,
      },
    }
    try {
      return ticketOf(http, (await http.post('issues.json', content, { schema: oneIssue })).body.issue)
    } catch (error) {
      // For an unknown or invisible project, Redmine only reports that fields cannot be blank.
      if (!(error instanceof Failure) || error.kind !== 'refused') throw error
      throw refused(`${error.message} (project "${project}")`)
    }
  },

  async get({ http }, ref) {
    return ticketOf(http, await readIssue(http, ref))
  },

  async update({ http }, ref, changes) {
    const issue = await readIssue(http, ref, 'journals,allowed_statuses')
    const fields = { ...(await changesOf(http, issue, changes)), ...changes.fields }
    const notes = newLabels(issue, changes.labels)
    if (Object.keys(fields).length === 0 && !notes) return
    await http.put(pathOf(ref), { issue: { ...fields, ...(notes ? { notes } : {}) } })
    confirm(await readIssue(http, ref, 'journals'), fields, notes)
  },

  async comment({ http, idempotencyKey }, ref, comment) {
    const notes = withFooter(comment, idempotencyKey === undefined ? [] : [refLine(idempotencyKey)])
    await http.put(pathOf(ref), { issue: { notes } })
    confirm(await readIssue(http, ref, 'journals'), {}, notes)
  },

  async hasComment({ http, idempotencyKey }, ref) {
    const { journals = [] } = await readIssue(http, ref, 'journals')
    return journals.some(({ notes }) => notes?.includes(markerOf(idempotencyKey)))
  },

  async close({ http }, ref, { resolution }) {
    const issue = await readIssue(http, ref, 'allowed_statuses')
    const closing = (issue.allowed_statuses ?? []).filter(({ is_closed }) => is_closed)
    const named = closing.find(({ name }) => is(name, resolution))
    const status = named ?? defaultClosed(closing) ?? refuse(issue, 'Done, Closed or Resolved')
    // A resolution that is not a status becomes a note, in the same request so that it is added once.
    const notes = resolution && !named ? { notes: `Resolution: ${resolution}` } : {}
    await http.put(pathOf(ref), { issue: { status_id: status.id, ...notes } })
  },
})

async function changesOf(http: Http, issue: Issue, changes: TicketChanges) {
  const { title, description, type, priority, assignee, state } = changes
  return {
    ...(title === undefined ? {} : { subject: clipSingleLine(title, MAX_SUBJECT) }),
    // Keep the labels and the marker, so that a repeated open still finds the issue.
    ...(description === undefined ? {} : { description: withFooter(description, footerOf(issue.description)) }),
    ...(await idsOf(http, String(issue.project.id), { type, priority, assignee })),
    ...(state ? statusChange(issue, state) : {}),
  }
}

/** Fails if Redmine returned 204 but ignored fields that the user's role or the workflow does not allow. */
function confirm(issue: Issue, fields: Record<string, unknown>, notes: string | undefined): void {
  const now: Record<string, unknown> = {
    subject: issue.subject,
    tracker_id: issue.tracker.id,
    priority_id: issue.priority.id,
    assigned_to_id: issue.assigned_to?.id,
    status_id: issue.status.id,
  }
  const ignored = Object.keys(now)
    .filter((field) => field in fields && String(now[field] ?? '') !== String(fields[field] ?? ''))
    .map((field) => field.replace(/_(?:to_)?id$/, ''))
  const noted = notes === undefined || issue.journals?.some((journal) => lines(journal.notes) === lines(notes))
  if (!noted) ignored.push('notes')
  if (ignored.length === 0) return
  throw refused(
    `Redmine accepted the request but did not set ${ignored.join(', ')} of #${issue.id}: the role of its user or the workflow does not allow it.`,
  )
}

function lines(text: string | null | undefined): string | undefined {
  return text?.replace(/\r\n/g, '\n').trim()
}

/** Returns the field that sets a state, or none if the issue has it already. */
function statusChange(issue: Issue, state: string): { status_id?: number } {
  const { id } = statusFor(issue, state)
  return id === issue.status.id ? {} : { status_id: id }
}

function statusFor(issue: Issue, state: string): Status {
  const { status, allowed_statuses: allowed = [] } = issue
  if (is(state, status.name) || (is(state, 'closed') && status.is_closed)) return status
  if (is(state, 'open') && !status.is_closed) return status
  const found = allowed.find(({ name, id }) => is(name, state) || String(id) === state)
  if (found) return found
  if (is(state, 'closed')) {
    return defaultClosed(allowed.filter(({ is_closed }) => is_closed)) ?? refuse(issue, 'Done, Closed or Resolved')
  }
  return (is(state, 'open') && allowed.find(({ is_closed }) => !is_closed)) || refuse(issue, state)
}

/** Other closed statuses, such as Rejected, must be named by the caller. */
function defaultClosed(closing: Status[]): Status | undefined {
  return CLOSED_STATE_NAMES.map((word) => closing.find(({ name }) => is(name, word))).find(
    (found) => found !== undefined,
  )
}

function refuse({ id, status, allowed_statuses: allowed = [] }: Issue, state: string): never {
  const ways = allowed.map(({ name }) => name).join(', ') || 'none'
  throw refused(`Redmine does not allow #${id} to change from ${status.name} to ${state}. Allowed statuses: ${ways}.`)
}

/** Returns a note with the labels that are not in the description or a note yet. */
function newLabels({ description, journals = [] }: Issue, labels: string[] = []): string | undefined {
  const lines = [description, ...journals.map(({ notes }) => notes)].flatMap((text) => (text ?? '').split(/\r?\n/))
  const known = lines.flatMap((line) => (line.startsWith('Labels: ') ? line.slice(8).split(', ') : []))
  const added = labels.filter((label) => !known.includes(label))
  return added.length > 0 ? `Labels: ${added.join(', ')}` : undefined
}

function markerOf(key: string): string {
  return `caw-${key}`
}

function refLine(key: string): string {
  return `Ref: ${markerOf(key)}`
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
  throw invalidInput('input.id', 'must be the number of an issue, such as 12')
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
