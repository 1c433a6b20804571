/** A record as ServiceNow keeps it: every value is a text. */
export type ServiceNowRecord = Record<string, string>

/** The columns of a new incident that are not empty, as they are out of the box. */
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

/** Columns that hold the sys_id of a record of another table. */
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

/** Each entry is kept apart; the column itself holds nothing. */
export const journals: Record<string, string> = { comments: 'Additional comments', work_notes: 'Work notes' }

/** Number columns that a caller sets; each is a choice. */
const numbers = ['impact', 'incident_state', 'severity', 'state', 'urgency']

/** Text columns that a caller sets, with the length of each: what is longer is cut with no word about it. */
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

/** Every column, in the order in which a record shows them. */
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

/** The choice lists, value to label, as they are out of the box. */
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
 * What a text of a body becomes in its column. Undefined where the column keeps what it has: a number column takes numbers
 * only, and what is no column, or is computed, is ignored.
 */
export function valueFor(column: string, given: string, isDisplayValue: boolean): string | undefined {
  const known = Object.entries(choices[column] ?? {})
  const value = (isDisplayValue && known.find(([, label]) => label === given)?.[0]) || given
  if (numbers.includes(column)) return /^\d+$/.test(value) ? value : undefined
  // A resolution code that is not in the list counts as none.
  if (column === 'close_code' && !closeCodes.includes(value)) return ''
  const length = texts[column]
  return length === undefined ? undefined : value.slice(0, length)
}
