import { defaultUsers, fullName, type Named, type User } from './people.ts'

export type RedmineState = ReturnType<typeof initialState>
export type Fields = Record<string, unknown>

interface Status extends Named {
  is_closed: boolean
}

interface Journal {
  id: number
  user: Named
  notes: string
  created_on: string
  updated_on: string
  private_notes: boolean
  details: { property: string; name: string; old_value: string | null; new_value: string | null }[]
}

export interface Issue {
  id: number
  tracker: number
  status: number
  priority: number
  author: number
  assignee: number | undefined
  subject: string
  description: string | null
  created: string
  updated: string
  closed: string | null
  journals: Journal[]
}

/** The names of fields in requests and journals. */
const FIELDS = {
  subject: 'subject',
  description: 'description',
  tracker: 'tracker_id',
  status: 'status_id',
  priority: 'priority_id',
  assignee: 'assigned_to_id',
} as const

export const initialState = () => ({
  issues: [] as Issue[],
  statuses: numbered('New', 'In Progress', 'Resolved', 'Feedback', 'Closed', 'Rejected').map(
    (status): Status => ({ ...status, is_closed: status.id > 4 }),
  ),
  priorities: numbered('Low', 'Normal', 'High', 'Urgent', 'Immediate').map((priority) => ({
    ...priority,
    is_default: priority.id === 2,
    active: true,
  })),
  trackers: numbered('Bug', 'Feature', 'Support'),
  users: defaultUsers(),
  /** The allowed status transitions by login. Defaults to all. */
  workflow: { editor: { 1: [2] } } as Record<string, Record<number, number[]>>,
  /** Fields that the workflow makes read-only. Redmine ignores them silently. */
  readOnly: [] as string[],
})

function numbered(...names: string[]): Named[] {
  return names.map((name, index) => ({ id: index + 1, name }))
}

/** Sets the fields that the user may set and ignores the others. Returns the errors of the fields that it sets. */
export function setFields(state: RedmineState, issue: Issue, user: User, fields: Fields): string[] {
  const errors: string[] = []
  const before = { ...issue }
  const isSet = (field: string) => field in fields && !state.readOnly.includes(field)
  if (isSet('subject')) {
    issue.subject = String(fields['subject'] ?? '').trim()
    if (issue.subject === '') errors.push('Subject cannot be blank')
    if ([...issue.subject].length > 255) errors.push('Subject is too long (maximum is 255 characters)')
  }
  if (isSet('description')) issue.description = String(fields['description']).replace(/\r?\n/g, '\r\n')
  if (isSet('tracker_id') && state.trackers.some(({ id }) => id === fields['tracker_id']))
    issue.tracker = Number(fields['tracker_id'])
  if (isSet('status_id') && allowedStatuses(state, before, user).some(({ id }) => id === fields['status_id'])) {
    issue.status = Number(fields['status_id'])
    issue.closed = findStatus(state, issue.status).is_closed ? time() : issue.closed
  }
  if (isSet('priority_id')) {
    issue.priority = Number(fields['priority_id'])
    if (!state.priorities.some(({ id }) => id === issue.priority)) errors.push('Priority cannot be blank')
  }
  if (isSet('assigned_to_id')) {
    const id = fields['assigned_to_id']
    issue.assignee = id === '' ? undefined : Number(id === 'me' ? user.id : id)
    const isMember = state.users.some(({ id, member }) => member && id === issue.assignee)
    if (issue.assignee !== undefined && !isMember) errors.push('Assignee is invalid')
  }
  addJournal(state, before, issue, user, user.may.addNotes ? String(fields['notes'] ?? '') : '')
  return errors
}

function addJournal(state: RedmineState, before: Issue, after: Issue, user: User, notes: string): void {
  const details = (Object.keys(FIELDS) as (keyof typeof FIELDS)[])
    .filter((field) => before[field] !== after[field])
    .map((field) => ({
      property: 'attr',
      name: FIELDS[field],
      old_value: before[field]?.toString() ?? null,
      new_value: after[field]?.toString() ?? null,
    }))
  if (details.length === 0 && notes === '') return
  after.journals.push({
    id: state.issues.flatMap(({ journals }) => journals).length + 1,
    user: fullName(user),
    notes,
    created_on: time(),
    updated_on: time(),
    private_notes: false,
    details,
  })
}

export function findStatus({ statuses }: RedmineState, id: number): Status {
  const status = statuses.find((status) => status.id === id)
  if (!status) throw new Error(`There is no status ${id}`)
  return status
}

export function allowedStatuses({ workflow, statuses }: RedmineState, { status }: Issue, { login }: User): Status[] {
  const next = workflow[login]?.[status]
  return statuses.filter(({ id }) => id === status || !next || next.includes(id))
}

/** Redmine returns times without milliseconds. */
export function time(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
