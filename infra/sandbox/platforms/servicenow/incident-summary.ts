/** The columns that the list and the page show. */
export const SUMMARY_COLUMNS = [
  'sys_id',
  'number',
  'short_description',
  'description',
  'state',
  'impact',
  'urgency',
  'priority',
  'assignment_group',
  'assigned_to',
  'correlation_id',
  'close_code',
  'close_notes',
  'opened_at',
  'sys_updated_on',
] as const

/** An incident in the list `/sandbox/incidents`, with display values. */
export type IncidentSummary = Record<(typeof SUMMARY_COLUMNS)[number], string> & {
  url: string
  comments: { at: string; value: string }[]
  work_notes: { at: string; value: string }[]
}
