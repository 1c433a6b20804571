import { defineCategory } from '../../shared/providers/category.ts'
import { actions } from './actions.ts'

/** Opens, updates and closes issues. */
export const issueTicketing = defineCategory({
  name: 'issue-ticketing',
  summary: 'Opens, updates and closes issues',
  actions,
  providers: {
    'azure-boards': async () => (await import('./azure-boards/azure-boards.ts')).azureBoards,
    github: async () => (await import('./github/github.ts')).github,
    gitlab: async () => (await import('./gitlab/gitlab.ts')).gitlab,
    jira: async () => (await import('./jira/jira.ts')).jira,
    linear: async () => (await import('./linear/linear.ts')).linear,
    redmine: async () => (await import('./redmine/redmine.ts')).redmine,
    http: async () => (await import('./http/http.ts')).http,
  },
})
