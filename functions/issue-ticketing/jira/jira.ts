import * as z from 'zod/mini'
import { defineTicketProvider } from '../../../shared/providers/ticket.ts'
import { jiraApi, jiraConnection } from '../../../shared/vendors/jira.ts'
import { jiraTickets } from '../../../shared/vendors/jira-tickets.ts'

/**
 * Jira Cloud.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
 */
export const jira = defineTicketProvider({
  title: 'Jira',
  noun: 'issue',
  connection: z.strictObject(jiraConnection),
  ...jiraApi,
  ...jiraTickets({ type: 'Task' }),
})
