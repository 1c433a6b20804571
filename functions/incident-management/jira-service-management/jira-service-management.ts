import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import { defineTicketProvider } from '../../../shared/providers/ticket.ts'
import { jiraApi, jiraConnection } from '../../../shared/vendors/jira.ts'
import { jiraTickets } from '../../../shared/vendors/jira-tickets.ts'

const DEFAULT_TYPE = '[System] Incident'

/** The default options of these fields. An administrator can change them. */
const URGENCIES: Levels = { critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low' }
const SEVERITIES: Levels = { critical: 'Sev-0', high: 'Sev-1', medium: 'Sev-2', low: 'Sev-3' }

const connection = z.strictObject({
  ...jiraConnection,
  type: optional(word(`Name or id of the default issue type; defaults to ${DEFAULT_TYPE}`)),
  urgencyField: optional(word('Id of the custom field for the urgency, such as customfield_10043')),
  severityField: optional(word('Id of the custom field for the severity, such as customfield_10048')),
})

/**
 * Jira Service Management Cloud. An incident is a Jira issue of a configurable type.
 *
 * @see https://developer.atlassian.com/cloud/jira/service-desk/rest/intro/
 */
export const jiraServiceManagement = defineTicketProvider({
  title: 'Jira Service Management',
  noun: 'incident',
  connection,
  ...jiraApi,
  ...jiraTickets<z.output<typeof connection>>({
    type: DEFAULT_TYPE,
    fields: ({ urgency, severity }, { urgencyField, severityField }) => ({
      ...(urgency && urgencyField ? { [urgencyField]: { value: platformLevel(URGENCIES, urgency) } } : {}),
      ...(severity && severityField ? { [severityField]: { value: platformLevel(SEVERITIES, severity) } } : {}),
    }),
  }),

  checkInput({ urgency, severity }, { urgencyField, severityField }) {
    if (urgency && !urgencyField) throw missingField('urgency')
    if (severity && !severityField) throw missingField('severity')
  },
})

function missingField(scale: 'urgency' | 'severity') {
  return invalidInput(
    `input.${scale}`,
    `has no field in Jira. Set ${scale}Field in the connection, or omit the ${scale}`,
  )
}
