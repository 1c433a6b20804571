import { github } from './github.ts'
export const jira = github
