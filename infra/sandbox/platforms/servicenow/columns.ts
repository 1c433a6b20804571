/** A record. ServiceNow stores every value as text. */
export type ServiceNowRecord = Record<string, string>

/** The default values of a new incident. */
export const defaults: ServiceNowRecord = {
  active: 'true',
  category: 'inquiry',
  escalation: '0',
  impact: '3',
  incident_state: '1',
  knowledge: 'false',
  made_sla: 'true',
  notify: '1',
  priority: '5',
  reopen_count: '0',
  severity: '3',
  state: '1',
  sys_class_name: 'incident',
  sys_domain: 'global',
  sys_domain_path: '/',
  sys_mod_count: '0',
  upon_approval: 'proceed',
  upon_reject: 'cancel',
  urgency: '3',
}

/** The tables of columns that contain a sys_id. */
export const references: Record<string, string> = {
  assigned_to: 'sys_user',
  assignment_group: 'sys_user_group',
  business_service: 'cmdb_ci_service',
  caller_id: 'sys_user',
  closed_by: 'sys_user',
  cmdb_ci: 'cmdb_ci',
  company: 'core_company',
  location: 'cmn_location',
  opened_by: 'sys_user',
  parent_incident: 'incident',
  problem_id: 'problem',
  reopened_by: 'sys_user',
  resolved_by: 'sys_user',
}

/** The labels of the journal columns. Their entries are separate records, and the column itself is empty. */
export const journals: Record<string, string> = { comments: 'Additional comments', work_notes: 'Work notes' }

/** Numeric choices that a caller can set. */
const numbers = ['impact', 'incident_state', 'severity', 'state', 'urgency']

/** Text columns that a caller can set, with their length. ServiceNow truncates longer values silently. */
const texts: Record<string, number> = {
  category: 40,
  close_code: 40,
  close_notes: 4000,
  contact_type: 40,
  correlation_display: 100,
  correlation_id: 100,
  description: 4000,
  hold_reason: 40,
  short_description: 160,
  subcategory: 40,
}

const times = ['closed_at', 'opened_at', 'reopened_time', 'resolved_at', 'sys_created_on', 'sys_updated_on']
const names = ['comments_and_work_notes', 'number', 'sys_created_by', 'sys_id', 'sys_updated_by']

/** All columns in the order of a response. */
export const columns: string[] = [
  ...new Set([defaults, references, journals, texts].flatMap(Object.keys).concat(names, times)),
].sort()

const levels = { '1': '1 - High', '2': '2 - Medium', '3': '3 - Low' }
const states = { '1': 'New', '2': 'In Progress', '3': 'On Hold', '6': 'Resolved', '7': 'Closed', '8': 'Canceled' }
const closeCodes = [
  'Duplicate',
  'Known error',
  'No resolution provided',
  'Resolved by caller',
  'Resolved by change',
  'Resolved by problem',
  'Resolved by request',
  'Solution provided',
  'User error',
  'Workaround provided',
]

/** Labels of the default choice lists, by value. */
export const choices: Record<string, Record<string, string>> = {
  category: {
    inquiry: 'Inquiry / Help',
    software: 'Software',
    hardware: 'Hardware',
    network: 'Network',
    database: 'Database',
  },
  close_code: Object.fromEntries(closeCodes.map((code) => [code, code])),
  contact_type: {
    email: 'Email',
    monitoring: 'Monitoring',
    phone: 'Phone',
    'self-service': 'Self-service',
    virtual_agent: 'Virtual Agent',
    'walk-in': 'Walk-in',
  },
  hold_reason: { '1': 'Awaiting Caller', '3': 'Awaiting Problem', '4': 'Awaiting Vendor', '5': 'Awaiting Change' },
  impact: levels,
  incident_state: states,
  priority: { '1': '1 - Critical', '2': '2 - High', '3': '3 - Moderate', '4': '4 - Low', '5': '5 - Planning' },
  severity: levels,
  state: states,
  urgency: levels,
}

/**
 * Returns the value to store in a column, or undefined if ServiceNow ignores the given one: text in a numeric column, a
 * computed column, an unknown column.
 */
export function valueFor(column: string, given: string, isDisplayValue: boolean): string | undefined {
  const known = Object.entries(choices[column] ?? {})
  const value = (isDisplayValue && known.find(([, label]) => label === given)?.[0]) || given
  if (numbers.includes(column)) return /^-?\d+$/.test(value) ? value : undefined
  // ServiceNow clears a resolution code that is not in the list.
  if (column === 'close_code' && !closeCodes.includes(value)) return ''
  const length = texts[column]
  return length === undefined ? undefined : value.slice(0, length)
}
