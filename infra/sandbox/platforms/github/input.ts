import { isObject } from '../sandbox/http.ts'
import { type IssueChange, type IssueFilter, type Page, timeOf } from './issues.ts'

/** One entry of `errors` in GitHub's 422 answer. */
export interface FieldError {
  resource: string
  field: string
  code: 'missing_field' | 'invalid' | 'custom'
  message?: string
  value?: string
}

type Read<T> = { value: T; errors: FieldError[] }

const reasons = {
  open: ['reopened', 'completed', 'not_planned', 'duplicate'],
  closed: ['completed', 'not_planned', 'duplicate'],
}

/** Reads the body of a new issue or of a change. GitHub ignores unknown fields. */
export function readIssue(body: Record<string, unknown>, isNew: boolean): Read<IssueChange> {
  const errors: FieldError[] = []
  const value: IssueChange = {}
  const refuse = (field: string, error: Partial<FieldError> = {}) =>
    void errors.push({ resource: 'Issue', field, code: 'invalid', ...error })

  // GitHub takes a number for a title, and null for "leave it".
  if (typeof body.title === 'string' || Number.isInteger(body.title)) value.title = String(body.title)
  else if (body.title !== undefined && body.title !== null) refuse('title')
  if (value.title === undefined ? isNew && errors.length === 0 : value.title.trim() === '') {
    refuse('title', { code: 'missing_field' })
  }
  if ((value.title?.length ?? 0) > 256) refuse('title', tooLong('title', 256))

  if (typeof body.body === 'string' || body.body === null) value.body = body.body
  else if (body.body !== undefined) refuse('body')
  if ((value.body?.length ?? 0) > 65_536) refuse('body', tooLong('body', 65_536))

  if (body.labels !== undefined) {
    const labels = readLabels(body.labels)
    value.labels = labels.value
    errors.push(...labels.errors)
  }
  if (body.assignees !== undefined) {
    const names = Array.isArray(body.assignees) ? body.assignees.map(nameOf('login')) : [undefined]
    const unknown = names.find((name) => name?.startsWith('unknown-'))
    if (names.some((name) => !name)) refuse('assignees')
    else if (unknown) refuse('assignees', { value: unknown })
    value.assignees = unique(names)
  }
  if (body.milestone !== undefined) {
    const milestone = body.milestone === null ? null : Number(body.milestone)
    if (milestone !== null && !(Number.isInteger(milestone) && milestone > 0)) refuse('milestone')
    value.milestone = milestone
  }
  if (!isNew) readState(body, value, refuse)
  return { value, errors }
}

/** The labels of a body: names, or objects with a name. */
export function readLabels(given: unknown): Read<string[]> {
  const names = Array.isArray(given) ? given.map(nameOf('name')) : [undefined]
  const errors: FieldError[] = []
  if (names.some((name) => !name?.trim())) errors.push({ resource: 'Issue', field: 'labels', code: 'invalid' })
  if (names.some((name) => (name?.length ?? 0) > 50)) {
    errors.push({ resource: 'Label', field: 'name', code: 'custom', ...tooLong('name', 50) })
  }
  return { value: unique(names), errors }
}

/** The query of a list of issues, with GitHub's defaults. */
export function readFilter(query: URLSearchParams): Read<IssueFilter> {
  const errors: FieldError[] = []
  const oneOf = <T extends string>(name: string, known: readonly [T, ...T[]]): T => {
    const given = query.get(name)
    const found = known.find((value) => value === given)
    if (given !== null && found === undefined)
      errors.push({ resource: 'Issue', field: name, code: 'invalid', value: given })
    return found ?? known[0]
  }
  const since = readSince(query)
  if (since === undefined) errors.push({ resource: 'Issue', field: 'since', code: 'invalid' })
  const value = {
    state: oneOf('state', ['open', 'closed', 'all']),
    since: since ?? '',
    direction: oneOf('direction', ['desc', 'asc']),
  }
  return { value, errors }
}

/** Returns the start time of a list, empty text by default, or undefined if it is invalid. */
function readSince(query: URLSearchParams): string | undefined {
  const given = query.get('since')
  if (!given) return ''
  const ms = Date.parse(given)
  return Number.isNaN(ms) ? undefined : timeOf(ms)
}

/** Returns the requested page. GitHub replaces invalid values with the default and limits the size to 100. */
export function readPage(query: URLSearchParams): Page {
  const positive = (name: string, otherwise: number) => {
    const given = Number(query.get(name))
    return Number.isInteger(given) && given > 0 ? given : otherwise
  }
  return { page: positive('page', 1), perPage: Math.min(positive('per_page', 30), 100) }
}

function readState(body: Record<string, unknown>, value: IssueChange, refuse: (field: string) => void): void {
  const { state, state_reason: reason } = body
  if (state === 'open' || state === 'closed') value.state = state
  else if (state !== undefined) refuse('state')
  if (reason === undefined || reason === null) return
  const known = reasons[value.state ?? 'open'].find((name) => name === reason)
  if (known) value.state_reason = known as IssueChange['state_reason']
  else refuse('state_reason')
}

function nameOf(field: string): (item: unknown) => string | undefined {
  return (item) => {
    const name = isObject(item) ? item[field] : item
    return typeof name === 'string' ? name : undefined
  }
}

/** GitHub compares names without regard to case and keeps the first way of writing one. */
function unique(names: (string | undefined)[]): string[] {
  const first = new Map<string, string>()
  for (const name of names) if (name && !first.has(name.toLowerCase())) first.set(name.toLowerCase(), name)
  return [...first.values()]
}

function tooLong(field: string, maximum: number): Partial<FieldError> {
  return { code: 'custom', message: `${field} is too long (maximum is ${maximum} characters)` }
}
