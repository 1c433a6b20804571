import { defineCategory } from '../../shared/function/category.ts'
import type { TicketProvider } from '../../shared/shapes/ticket.ts'
import { actions } from './actions.ts'

export const issueTicketing = defineCategory<TicketProvider>({
  name: 'issue-ticketing',
  summary: 'Opens, updates and closes issues',
  actions,
  providers: {
    github: async () => (await import('./providers/github.ts')).github,
    jira: async () => (await import('./providers/jira.ts')).jira,
    redmine: async () => (await import('./providers/redmine.ts')).redmine,
  },
})
