import * as z from 'zod/mini'
import { optional, word } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import { parseProjectNumber } from '../../../shared/providers/project-number.ts'
import {
  defineTicketProvider,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { markdownToHtml } from '../../../shared/text/html.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import {
  type AzureDevops,
  ask,
  azureDevopsApi,
  azureDevopsConnection,
  azureDevopsProject,
  projectPath,
} from '../../../shared/vendors/azure-devops.ts'
import {
  createItem,
  type Fields,
  isClosed,
  type Place,
  readItem,
  reviseItem,
  stateFor,
  statesOf,
  textFieldOf,
  type WorkItem,
} from '../../../shared/vendors/azure-work-items.ts'

const connection = z.strictObject({
  ...azureDevopsConnection,
  type: optional(word('Default work item type; defaults to Task, which every process has')),
})
const queried = z.object({ workItems: z.array(z.object({ id: z.int() })) })
const commentList = z.object({
  comments: z.array(z.object({ text: z.nullish(z.string()) })),
  continuationToken: z.nullish(z.string()),
})

const MAX_TITLE = 255
const PAGE_SIZE = 200
/** The comment operations are in preview; the preview differs by API version. */
const COMMENTS_PREVIEW: Record<AzureDevops['connection']['apiVersion'], string> = {
  '7.1': 'preview.4',
  '7.0': 'preview.3',
}
/** The values in the standard processes. */
const PRIORITIES: Levels = { critical: '1', high: '2', medium: '3', low: '4' }

/**
 * Azure Boards. An issue is a work item of any process. The idempotency key is the tag `caw-<key>` of a work item and the last
 * line of a comment.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/
 */
export const azureBoards = defineTicketProvider({
  title: 'Azure Boards',
  noun: 'work item',
  connection,
  ...azureDevopsApi,
  project: azureDevopsProject,

  check(client) {
    const { project, type } = client.connection
    return statesOf(client, project, type || 'Task')
  },

  checkRef(ref) {
    parseProjectNumber(ref, azureDevopsProject)
  },

  reservedFields: [{ path: ['System.History'], instead: 'write input.comment' }],

  lookUp: { newest: 'all' },

  // The query reads stored data, not a search index.
  async find(client, { project = '' }) {
    const tag = tagOf(client.idempotencyKey)
    const query = `SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Tags] CONTAINS '${tag}' ORDER BY [System.Id]`
    const { body } = await ask(client, 'POST', project, 'wit/wiql', {
      query: { $top: 1 },
      body: { query },
      isRead: true,
      schema: queried,
    })
    const [found] = body.workItems
    return found && readTicket(client, { project, number: String(found.id) })
  },

  async open(client, input) {
    const { http, idempotencyKey, connection } = client
    const { project = '', labels = [], fields } = input
    const { title, description } = clipTitle(input, MAX_TITLE)
    const type = input.type || connection.type || 'Task'
    const item = await createItem(client, project, type, {
      'System.Title': title,
      ...(description ? { [await textFieldOf(client, project, type)]: markdownToHtml(description) } : {}),
      ...settingsOf(input),
      ...fields,
      ...tagsField([...labels, ...tagsIn(fields), ...(idempotencyKey === undefined ? [] : [tagOf(idempotencyKey)])]),
    })
    return ticketOf(http, project, item, false)
  },

  async get(client, ref) {
    return readTicket(client, parseProjectNumber(ref, azureDevopsProject))
  },

  async update(client, ref, changes) {
    const location = parseProjectNumber(ref, azureDevopsProject)
    const { project } = location
    const { title, description, type, labels = [], state, fields } = changes
    const added = [...labels, ...tagsIn(fields)]
    await reviseItem(client, location, async ({ fields: now }) => {
      const kind = type || now['System.WorkItemType']
      const target = state && stateFor(await statesOf(client, project, kind), now['System.State'], state)
      return {
        ...(title === undefined ? {} : { 'System.Title': clipSingleLine(title, MAX_TITLE) }),
        ...(description === undefined
          ? {}
          : { [await textFieldOf(client, project, kind)]: markdownToHtml(description) }),
        ...(type ? { 'System.WorkItemType': type } : {}),
        ...(target ? { 'System.State': target } : {}),
        ...settingsOf(changes),
        ...fields,
        // Keep the tags, so that a repeated open still finds the work item.
        ...(added.length > 0 ? tagsField([...tagsIn(now), ...added]) : {}),
      }
    })
  },

  async comment(client, ref, text) {
    const { idempotencyKey, connection } = client
    const { project, path } = commentsOf(ref)
    const lines = [
      markdownToHtml(text),
      ...(idempotencyKey === undefined ? [] : [`<p>Ref: ${tagOf(idempotencyKey)}</p>`]),
    ]
    const body = { text: lines.join('\n') }
    await ask(client, 'POST', project, path, {
      preview: COMMENTS_PREVIEW[connection.apiVersion],
      body,
      schema: z.object({}),
    })
  },

  async hasComment(client, ref) {
    const tag = tagOf(client.idempotencyKey)
    const preview = COMMENTS_PREVIEW[client.connection.apiVersion]
    const { project, path } = commentsOf(ref)
    let continuationToken: string | undefined
    do {
      const query = { $top: PAGE_SIZE, order: 'desc', continuationToken }
      const { body } = await ask(client, 'GET', project, path, { preview, query, schema: commentList })
      if (body.comments.some(({ text }) => text?.includes(tag))) return true
      continuationToken = body.continuationToken || undefined
    } while (continuationToken)
    return false
  },

  async close(client, ref, { resolution }) {
    const location = parseProjectNumber(ref, azureDevopsProject)
    await reviseItem(client, location, async ({ fields: now }) => {
      const states = await statesOf(client, location.project, now['System.WorkItemType'])
      const isState = isClosed(states, resolution)
      const target = stateFor(states, now['System.State'], isState && resolution ? resolution : 'closed')
      return {
        ...(target ? { 'System.State': target } : {}),
        ...(target && resolution && !isState ? { 'System.Reason': resolution } : {}),
      }
    })
  },
})

function settingsOf({ priority, assignee }: Pick<TicketChanges, 'priority' | 'assignee'>): Fields {
  const level = priority && platformLevel(PRIORITIES, priority)
  return {
    ...(level ? { 'Microsoft.VSTS.Common.Priority': /^\d+$/.test(level) ? Number(level) : level } : {}),
    ...(assignee ? { 'System.AssignedTo': assignee } : {}),
  }
}

function tagOf(key: string): string {
  return `caw-${key}`
}

function tagsIn(fields: Fields | undefined): string[] {
  const tags = fields?.['System.Tags']
  return typeof tags === 'string' ? tags.split(';') : []
}

/** Joins tags without duplicates, and replaces separators within a tag. */
function tagsField(tags: string[]): Fields {
  const clean = tags.map((tag) => tag.replace(/[;,\s]+/g, ' ').trim()).filter(Boolean)
  const lower = clean.map((tag) => tag.toLowerCase())
  const unique = clean.filter((_, index) => lower.indexOf(lower[index] ?? '') === index)
  return unique.length > 0 ? { 'System.Tags': unique.join('; ') } : {}
}

/** @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/comments */
function commentsOf(ref: TicketRef): { project: string; path: string } {
  const { project, number } = parseProjectNumber(ref, azureDevopsProject)
  return { project, path: `wit/workItems/${segment(number)}/comments` }
}

async function readTicket(azure: AzureDevops, location: Place): Promise<Ticket> {
  const item = await readItem(azure, location)
  const states = await statesOf(azure, location.project, item.fields['System.WorkItemType'])
  return ticketOf(azure.http, location.project, item, isClosed(states, item.fields['System.State']))
}

function ticketOf({ baseUrl }: Http, project: string, { id, fields }: WorkItem, isClosed: boolean): Ticket {
  const url = `${baseUrl}/${projectPath(project)}/_workitems/edit/${id}`
  return { id: `${project}#${id}`, number: String(id), url, state: fields['System.State'], isClosed }
}
