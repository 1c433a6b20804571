import { expect, test } from '@jest/globals'
import { ticketRow as redmineIssues } from '../functions/issue-ticketing/redmine/fake.ts'
import type { Issue } from '../functions/issue-ticketing/redmine/issue.ts'
import { testRedmine } from '../functions/issue-ticketing/redmine/suite.ts'
import { send, startedProgram, startPlatform } from './platform.ts'

const keys = startedProgram().details
const asAdmin = { 'x-redmine-api-key': keys['admin'] ?? '' }
const { project: parent } = await send('GET', `/projects/${keys['project']}.json`, asAdmin)
let projects = 0

/** A project of its own for each test, with the members of the first one. */
async function start() {
  const project = `ops-${++projects}`
  const copy = { name: project, identifier: project, parent_id: parent.id, inherit_members: true }
  await send('POST', '/projects.json', asAdmin, { project: { ...copy, is_public: true } })
  const server = await startPlatform(async () => ({ issues: await readIssues(project) }), { keys })
  return {
    server,
    connection: { baseUrl: server.url, token: keys['robot'], project },
    made: () => server.state.issues.length,
  }
}

/** Returns the issues of a project as the fake has them. */
async function readIssues(project: string): Promise<Issue[]> {
  const list = await send('GET', `/issues.json?project_id=${project}&status_id=*&sort=id`, asAdmin)
  return Promise.all(list.issues.map(({ id }: { id: number }) => readIssue(id)))
}

async function readIssue(id: number): Promise<Issue> {
  const { issue } = await send('GET', `/issues/${id}.json?include=journals`, asAdmin)
  return {
    id,
    tracker: issue.tracker.id,
    status: issue.status.id,
    priority: issue.priority.id,
    author: issue.author.id,
    assignee: issue.assigned_to?.id,
    subject: issue.subject,
    description: issue.description,
    created: issue.created_on,
    updated: issue.updated_on,
    closed: issue.closed_on,
    journals: issue.journals,
  }
}

const { open } = testRedmine({ ...redmineIssues, start })

test('Redmine: the link of an issue leads to its page', async () => {
  const { data } = await open()
  const page = await fetch(String(data['url']))
  expect(await page.text()).toContain('Checkout fails')
})
