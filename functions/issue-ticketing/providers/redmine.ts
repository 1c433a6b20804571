import { github } from './github.ts'
export const redmine = github
