import { randomBytes } from 'node:crypto'
import type { Store } from '../sandbox/store.ts'
import { columns, defaults, journals, references, type ServiceNowRecord, valueFor } from './columns.ts'
import { integration, sysIdNamed } from './directory.ts'

/** A record of the table `sys_journal_field`. */
export interface JournalEntry extends ServiceNowRecord {
  element: string
  value: string
  sys_created_on: string
}

/** A violation of a data policy of the instance. */
export class DataPolicyError extends Error {}

/** Stores the incidents and their journals. */
export interface Incidents {
  all(): ServiceNowRecord[]
  get(sysId: string): ServiceNowRecord | undefined
  /** @throws DataPolicyError */
  create(body: Record<string, unknown>, isDisplayValue: boolean): ServiceNowRecord
  /** @throws DataPolicyError */
  update(incident: ServiceNowRecord, body: Record<string, unknown>, isDisplayValue: boolean): ServiceNowRecord
  /** Returns the entries of one incident or of all, oldest first. */
  journal(sysId?: string): JournalEntry[]
}

/** ServiceNow returns times in UTC, without a time zone. */
const now = (): string => new Date().toISOString().slice(0, 19).replace('T', ' ')
const ended = ['6', '7', '8']

/**
 * Stores incidents with the default rules of an instance: impact and urgency determine the priority, resolving and closing
 * needs a resolution code and notes, only closed and canceled incidents are inactive, and each can be reopened.
 */
export function createIncidents(store: Store): Incidents {
  const incidents = store.collection<ServiceNowRecord>('servicenow.incidents')
  const journal = store.collection<JournalEntry>('servicenow.journal')

  function save(record: ServiceNowRecord, body: Record<string, unknown>): ServiceNowRecord {
    const element_id = record['sys_id'] ?? ''
    incidents.put(element_id, record)
    for (const element of Object.keys(journals)) {
      const value = body[element]
      if (typeof value !== 'string' || value === '') continue
      const sys_id = randomBytes(16).toString('hex')
      const stamp = { sys_created_on: now(), sys_created_by: integration.user_name }
      journal.put(sys_id, { sys_id, name: 'incident', element_id, element, value, ...stamp }, element_id)
    }
    return record
  }

  return {
    all: () => incidents.list(),
    get: incidents.get,

    create(body, isDisplayValue) {
      const at = now()
      const blank = {
        ...defaults,
        sys_id: randomBytes(16).toString('hex'),
        opened_at: at,
        opened_by: integration.sys_id,
        sys_created_by: integration.user_name,
        sys_created_on: at,
        sys_updated_by: integration.user_name,
        sys_updated_on: at,
      }
      const record = apply(blank, changesOf(body, isDisplayValue))
      // The demo data of an instance uses the numbers below INC0010000.
      const number = `INC${String(10_000 + incidents.next()).padStart(7, '0')}`
      return save({ ...record, number }, body)
    },

    update(incident, body, isDisplayValue) {
      const sys_mod_count = String(Number(incident['sys_mod_count']) + 1)
      const stamp = { sys_mod_count, sys_updated_by: integration.user_name, sys_updated_on: now() }
      return save({ ...apply(incident, changesOf(body, isDisplayValue)), ...stamp }, body)
    },

    journal: journal.list,
  }
}

/** Returns the values to store. Numbers and booleans become text, null becomes empty text. */
function changesOf(body: Record<string, unknown>, isDisplayValue: boolean): ServiceNowRecord {
  const changes: ServiceNowRecord = {}
  for (const [column, given] of Object.entries(body)) {
    if (!columns.includes(column) || (typeof given === 'object' && given !== null)) continue
    const text = String(given ?? '')
    const table = references[column]
    const value = table ? referenceFor(table, text, isDisplayValue) : valueFor(column, text, isDisplayValue)
    if (value !== undefined) changes[column] = value
  }
  // Both columns always have the same value.
  const state = changes['state'] ?? changes['incident_state']
  return state === undefined ? changes : { ...changes, state, incident_state: state }
}

/** @throws DataPolicyError */
function apply(before: ServiceNowRecord, changes: ServiceNowRecord): ServiceNowRecord {
  const next = { ...before, ...changes }
  const { state = '', impact, urgency } = next
  next['priority'] = String(Math.min(Math.max(Number(impact) + Number(urgency) - 1, 1), 5))
  checkResolution(next)
  next['active'] = String(state !== '7' && state !== '8')
  if (state === before['state']) return next
  if (state === '6') Object.assign(next, { resolved_at: now(), resolved_by: integration.sys_id })
  if (state === '7' || state === '8') Object.assign(next, { closed_at: now(), closed_by: integration.sys_id })
  if (ended.includes(before['state'] ?? '') && !ended.includes(state)) {
    const reopen_count = String(Number(before['reopen_count']) + 1)
    const cleared = { closed_at: '', closed_by: '', resolved_at: '', resolved_by: '' }
    Object.assign(next, cleared, { reopen_count, reopened_by: integration.sys_id, reopened_time: now() })
  }
  return next
}

function checkResolution(incident: ServiceNowRecord): void {
  if (incident['state'] !== '6' && incident['state'] !== '7') return
  const missing = [
    ...(incident['close_code'] ? [] : ['Resolution code']),
    ...(incident['close_notes'] ? [] : ['Resolution notes']),
  ]
  if (missing.length > 0) throw new DataPolicyError(`The following fields are mandatory: ${missing.join(', ')}`)
}

/** ServiceNow accepts any sys_id, and a name only for a request with sysparm_input_display_value. */
function referenceFor(table: string, given: string, isDisplayValue: boolean): string {
  if (/^[0-9a-f]{32}$/.test(given)) return given
  return isDisplayValue ? sysIdNamed(table, given) : ''
}
