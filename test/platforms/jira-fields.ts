import { adfErrors } from './adf.ts'

const TYPES = ['Task', 'Bug', 'Story', 'Incident', '[System] Incident', '[System] Service request']
/** Jira accepts the ids of types, too. */
const TYPE_IDS = TYPES.map((_, index) => String(10_001 + index))
/** The options of the fields of Jira Service Management. */
const OPTIONS: Record<string, string[]> = {
  customfield_10043: ['Critical', 'High', 'Medium', 'Low'],
  customfield_10048: ['Sev-0', 'Sev-1', 'Sev-2', 'Sev-3'],
}
const PRIORITIES = ['Highest', 'High', 'Medium', 'Low', 'Lowest']
const STANDARD_FIELDS = ['project', 'issuetype', 'summary', 'description', 'labels', 'priority', 'assignee']
const FIELDS = [...STANDARD_FIELDS, 'customfield_10011', ...Object.keys(OPTIONS)]

export interface User {
  accountId: string
  emailAddress?: string
  displayName: string
  active: boolean
}

interface Screen {
  /** Fields that the screens of the project do not have. */
  offScreen: string[]
  users: User[]
}

interface Fields {
  summary?: string
  description?: unknown
  labels?: unknown[]
  priority?: { name?: string }
  assignee?: { accountId?: string }
  issuetype?: { name?: string; id?: string }
}

/** Returns the errors of fields that Jira rejects, by field. */
export function fieldErrors({ offScreen, users }: Screen, fields: Record<string, unknown>): Record<string, string> {
  const errors: Record<string, string> = {}
  for (const field of Object.keys(fields)) {
    if (!FIELDS.includes(field) || offScreen.includes(field)) {
      errors[field] = `Field '${field}' cannot be set. It is not on the appropriate screen, or unknown.`
    }
  }
  const { summary, description, labels, priority, assignee, issuetype } = fields as Fields
  if (summary?.trim() === '') errors['summary'] = 'You must specify a summary of the issue.'
  if (summary?.includes('\n')) errors['summary'] = 'The summary is invalid because it contains newline characters.'
  if (summary && summary.length > 255) errors['summary'] = "Summary can't exceed 255 characters."
  if (description !== undefined && adfErrors(description).length > 0) {
    errors['description'] = 'Operation value must be an Atlassian Document (see the Atlassian Document Format)'
  }
  const spaced = labels?.find((label) => typeof label !== 'string' || /\s/.test(label))
  if (spaced !== undefined) errors['labels'] ??= `The label '${spaced}' contains spaces which is invalid.`
  if (priority && !PRIORITIES.includes(priority.name ?? '')) errors['priority'] = 'The priority selected is invalid.'
  if (issuetype && !TYPES.includes(issuetype.name ?? '') && !TYPE_IDS.includes(issuetype.id ?? '')) {
    errors['issuetype'] = 'Specify a valid issue type'
  }
  for (const [field, allowed] of Object.entries(OPTIONS)) {
    const option = fields[field] as { value?: string } | undefined
    if (option && !allowed.includes(option.value ?? '')) errors[field] = `Option value '${option.value}' is not valid`
  }
  if (assignee && !users.some(({ accountId }) => accountId === assignee.accountId)) {
    errors['assignee'] = `User '${assignee.accountId}' does not exist.`
  }
  return errors
}
