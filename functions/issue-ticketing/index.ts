import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Opens, updates and closes issues. */
export const issueTicketing = defineCategory({
  name: 'issue-ticketing',
  summary: 'Opens, updates and closes issues',
  actions,
  providers: {
    'azure-boards': async () => (await import('./providers/azure-boards.ts')).azureBoards,
    github: async () => (await import('./providers/github.ts')).github,
    gitlab: async () => (await import('./providers/gitlab.ts')).gitlab,
    jira: async () => (await import('./providers/jira.ts')).jira,
    linear: async () => (await import('./providers/linear.ts')).linear,
    redmine: async () => (await import('./providers/redmine.ts')).redmine,
    http: async () => (await import('./providers/http.ts')).http,
  },
})
