import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import { defineTicketProvider } from '../../../shared/providers/ticket.ts'
import { jiraApi, jiraConnection } from '../../../shared/vendors/jira.ts'
import { jiraTickets } from '../../../shared/vendors/jira-tickets.ts'

const usualType = '[System] Incident'

/** The options that these fields come with; an administrator may have given them others. */
const urgencies: Levels = { critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low' }
const severities: Levels = { critical: 'Sev-0', high: 'Sev-1', medium: 'Sev-2', low: 'Sev-3' }

const connection = z.strictObject({
  ...jiraConnection,
  type: optional(word(`Default issue type, by name or id; ${usualType} where left out`)),
  urgencyField: optional(word('The id of the custom field that holds the urgency, like customfield_10043')),
  severityField: optional(word('The id of the custom field that holds the severity, like customfield_10048')),
})

/**
 * Jira Service Management Cloud: an incident, or whatever an issue type of the project stands for, is an issue of Jira.
 *
 * @see https://developer.atlassian.com/cloud/jira/service-desk/rest/intro/
 */
export const jiraServiceManagement = defineTicketProvider({
  title: 'Jira Service Management',
  noun: 'incident',
  connection,
  ...jiraApi,
  ...jiraTickets<z.output<typeof connection>>({
    type: usualType,
    fields: ({ urgency, severity }, { urgencyField, severityField }) => ({
      ...(urgency && urgencyField ? { [urgencyField]: { value: platformLevel(urgencies, urgency) } } : {}),
      ...(severity && severityField ? { [severityField]: { value: platformLevel(severities, severity) } } : {}),
    }),
  }),

  checkInput({ urgency, severity }, { urgencyField, severityField }) {
    if (urgency && !urgencyField) throw noFieldFor('urgency')
    if (severity && !severityField) throw noFieldFor('severity')
  },
})

function noFieldFor(scale: 'urgency' | 'severity'): Failure {
  const message = `has no field to go to: name it as ${scale}Field in the connection, or leave the ${scale} out`
  return new Failure('invalid', `input.${scale} ${message}`, { errors: [{ path: `input.${scale}`, message }] })
}
