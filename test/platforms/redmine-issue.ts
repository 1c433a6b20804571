import { fullName, type Named, type User } from './redmine-people.ts'

export interface Status extends Named {
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

/** The state of the fake. Tests read and change it. */
export interface RedmineState {
  issues: Issue[]
  statuses: Status[]
  priorities: (Named & { is_default: boolean; active: boolean })[]
  trackers: Named[]
  users: User[]
  /** Allowed status transitions by login. Defaults to all. */
  workflow: Record<string, Record<number, number[]>>
  /** Fields that the workflow makes read-only. Redmine ignores them silently. */
  readOnly: string[]
}

/** Sets the fields that the user may set and ignores the others. Returns the errors of the fields that it sets. */
export function setFields(state: RedmineState, issue: Issue, user: User, asked: Record<string, unknown>): string[] {
  const errors: string[] = []
  const before = { ...issue }
  const given = (field: string) => field in asked && !state.readOnly.includes(field)
  if (given('subject')) {
    issue.subject = String(asked['subject'] ?? '').trim()
    if (issue.subject === '') errors.push('Subject cannot be blank')
    if ([...issue.subject].length > 255) errors.push('Subject is too long (maximum is 255 characters)')
  }
  if (given('description')) issue.description = String(asked['description']).replace(/\r?\n/g, '\r\n')
  if (given('tracker_id') && state.trackers.some(({ id }) => id === asked['tracker_id'])) {
    issue.tracker = Number(asked['tracker_id'])
  }
  if (given('status_id') && allowedStatuses(state, before, user).some(({ id }) => id === asked['status_id'])) {
    issue.status = Number(asked['status_id'])
    issue.closed = findStatus(state, issue.status).is_closed ? time() : issue.closed
  }
  if (given('priority_id')) {
    issue.priority = Number(asked['priority_id'])
    if (!state.priorities.some(({ id }) => id === issue.priority)) errors.push('Priority cannot be blank')
  }
  if (given('assigned_to_id')) {
    const id = asked['assigned_to_id']
    issue.assignee = id === '' ? undefined : Number(id === 'me' ? user.id : id)
    const member = state.users.some((one) => one.member && one.id === issue.assignee)
    if (issue.assignee !== undefined && !member) errors.push('Assignee is invalid')
  }
  addJournal(state, before, issue, user, user.may.addNotes ? String(asked['notes'] ?? '') : '')
  return errors
}

function addJournal(state: RedmineState, before: Issue, after: Issue, user: User, notes: string): void {
  const names = { subject: 'subject', description: 'description', tracker: 'tracker_id', status: 'status_id' }
  const fields = { ...names, priority: 'priority_id', assignee: 'assigned_to_id' } as const
  const details = (Object.keys(fields) as (keyof typeof fields)[])
    .filter((field) => before[field] !== after[field])
    .map((field) => ({
      property: 'attr',
      name: fields[field],
      old_value: before[field]?.toString() ?? null,
      new_value: after[field]?.toString() ?? null,
    }))
  if (details.length === 0 && notes === '') return
  const id = state.issues.flatMap(({ journals }) => journals).length + 1
  const when = { created_on: time(), updated_on: time() }
  after.journals.push({ id, user: fullName(user), notes, ...when, private_notes: false, details })
}

export function findStatus(state: RedmineState, id: number): Status {
  const status = state.statuses.find((one) => one.id === id)
  if (!status) throw new Error(`There is no status ${id}`)
  return status
}

export function allowedStatuses(state: RedmineState, { status }: Issue, { login }: User): Status[] {
  const onward = state.workflow[login]?.[status]
  return state.statuses.filter(({ id }) => id === status || !onward || onward.includes(id))
}

/** Redmine returns times without milliseconds. */
export function time(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}
