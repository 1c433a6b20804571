import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { type Http, segment } from '../../../shared/http/client.ts'
import { type Levels, platformLevel } from '../../../shared/providers/priority-level.ts'
import {
  defineTicketProvider,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { markdownToHtml } from '../../../shared/text/html.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'
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
  type: optional(word('Default work item type; Task where left out, which every process has')),
})
const queried = z.object({ workItems: z.array(z.object({ id: z.int() })) })
const commentList = z.object({
  comments: z.array(z.object({ text: z.nullish(z.string()) })),
  continuationToken: z.nullish(z.string()),
})

const longestTitle = 255
const perPage = 200
/** The operations of comments are previews, which differ by the version of the API. */
const COMMENTS_PREVIEW: Record<AzureDevops['connection']['apiVersion'], string> = {
  '7.1': 'preview.4',
  '7.0': 'preview.3',
}
/** Numbers in each process that Azure Boards comes with. */
const priorities: Levels = { critical: '1', high: '2', medium: '3', low: '4' }

/**
 * Azure Boards: an issue is a work item of any process. It carries the key of its call as the tag `caw-<key>`, a comment as
 * its last line.
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
    locate(ref)
  },

  // The query reads what is stored: no search index has to follow.
  reservedFields: [{ path: ['System.History'], instead: 'write input.comment' }],

  async find(client, { project = '' }) {
    const { idempotencyKey: key } = client
    const query = `SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Tags] CONTAINS '${tagOf(key)}' ORDER BY [System.Id]`
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
    const { http, idempotencyKey: key, connection } = client
    const { project = '', title, description = '', labels = [], fields } = input
    const type = input.type || connection.type || 'Task'
    const clipped = clipSingleLine(title, longestTitle)
    const text = clipped === singleLine(title) ? description : `${singleLine(title)}\n\n${description}`
    const item = await createItem(client, project, type, {
      'System.Title': clipped,
      ...(text ? { [await textFieldOf(client, project, type)]: markdownToHtml(text) } : {}),
      ...settingsOf(input),
      ...fields,
      ...tagged([...labels, ...tagsIn(fields), ...(key === undefined ? [] : [tagOf(key)])]),
    })
    return ticketOf(http, project, item, false)
  },

  async get(client, ref) {
    return readTicket(client, locate(ref))
  },

  async update(client, ref, changes) {
    const place = locate(ref)
    const { project } = place
    const { title, description, type, labels = [], state, fields } = changes
    const added = [...labels, ...tagsIn(fields)]
    await reviseItem(client, place, async ({ fields: now }) => {
      const kind = type || now['System.WorkItemType']
      const target = state && stateFor(await statesOf(client, project, kind), now['System.State'], state)
      return {
        ...(title === undefined ? {} : { 'System.Title': clipSingleLine(title, longestTitle) }),
        ...(description === undefined
          ? {}
          : { [await textFieldOf(client, project, kind)]: markdownToHtml(description) }),
        ...(type ? { 'System.WorkItemType': type } : {}),
        ...(target ? { 'System.State': target } : {}),
        ...settingsOf(changes),
        ...fields,
        // The tags that are there stay, that of the call that opened it too: a repeat of that call still finds it.
        ...(added.length > 0 ? tagged([...tagsIn(now), ...added]) : {}),
      }
    })
  },

  async comment(client, ref, text) {
    const { idempotencyKey: key, connection } = client
    const { project, path } = commentsOf(ref)
    const lines = [markdownToHtml(text), ...(key === undefined ? [] : [`<p>Ref: ${tagOf(key)}</p>`])]
    const body = { text: lines.join('\n') }
    await ask(client, 'POST', project, path, {
      preview: COMMENTS_PREVIEW[connection.apiVersion],
      body,
      schema: z.object({}),
    })
  },

  async hasComment(client, ref) {
    const { idempotencyKey: key } = client
    const preview = COMMENTS_PREVIEW[client.connection.apiVersion]
    const { project, path } = commentsOf(ref)
    let continuationToken: string | undefined
    do {
      const query = { $top: perPage, order: 'desc', continuationToken }
      const { body } = await ask(client, 'GET', project, path, { preview, query, schema: commentList })
      if (body.comments.some(({ text }) => text?.includes(tagOf(key)))) return true
      continuationToken = body.continuationToken || undefined
    } while (continuationToken)
    return false
  },

  async close(client, ref, { resolution }) {
    const place = locate(ref)
    await reviseItem(client, place, async ({ fields: now }) => {
      const states = await statesOf(client, place.project, now['System.WorkItemType'])
      const names = isClosed(states, resolution)
      const target = stateFor(states, now['System.State'], names && resolution ? resolution : 'closed')
      return {
        ...(target ? { 'System.State': target } : {}),
        ...(target && resolution && !names ? { 'System.Reason': resolution } : {}),
      }
    })
  },
})

function settingsOf({ priority, assignee }: Pick<TicketChanges, 'priority' | 'assignee'>): Fields {
  const level = priority && platformLevel(priorities, priority)
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

/** Tags are one text; each stands there once, and what separates them is no part of one. */
function tagged(tags: string[]): Fields {
  const clean = tags.map((tag) => tag.replace(/[;,\s]+/g, ' ').trim()).filter(Boolean)
  const lower = clean.map((tag) => tag.toLowerCase())
  const once = clean.filter((_, at) => lower.indexOf(lower[at] ?? '') === at)
  return once.length > 0 ? { 'System.Tags': once.join('; ') } : {}
}

/** An id is `organization/project#7`; a bare number goes with the project. */
function locate({ id, project: given }: TicketRef): Place {
  const found = /^(?:([^#]+)#|#)?(\d{1,10})$/.exec(id)
  const project = found?.[1] ?? given
  const number = found?.[2]
  if (number && project && azureDevopsProject.pattern.test(project)) return { project, number }
  const message = `write it like ${azureDevopsProject.example}#7, or as a number with input.project`
  throw new Failure('invalid', `input.id is no work item: ${message}`, { errors: [{ path: 'input.id', message }] })
}

/** @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/comments */
function commentsOf(ref: TicketRef): { project: string; path: string } {
  const { project, number } = locate(ref)
  return { project, path: `wit/workItems/${segment(number)}/comments` }
}

async function readTicket(azure: AzureDevops, place: Place): Promise<Ticket> {
  const item = await readItem(azure, place)
  const states = await statesOf(azure, place.project, item.fields['System.WorkItemType'])
  return ticketOf(azure.http, place.project, item, isClosed(states, item.fields['System.State']))
}

function ticketOf({ baseUrl }: Http, project: string, { id, fields }: WorkItem, isClosed: boolean): Ticket {
  const url = `${baseUrl}/${projectPath(project)}/_workitems/edit/${id}`
  return { id: `${project}#${id}`, number: String(id), url, state: fields['System.State'], isClosed }
}
