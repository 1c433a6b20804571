import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'

import { type Http, segment } from '../../../shared/http/client.ts'
import {
  defineTicketProvider,
  type OpenTicket,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { clipSingleLine, singleLine } from '../../../shared/text/single-line.ts'
import {
  gitlabApi,
  gitlabConnection,
  gitlabProject,
  pages,
  projectPath,
  userIdOf,
} from '../../../shared/vendors/gitlab.ts'
import { marked, markIn, markOf } from '../../../shared/vendors/hidden-marker.ts'

const issue = z.object({
  iid: z.int(),
  web_url: z.string(),
  state: z.string(),
  description: z.nullish(z.string()),
})
type Issue = z.output<typeof issue>
const note = z.object({ body: z.nullish(z.string()) })

const longestTitle = 255
/** How far back an issue of our own is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000
const mostPages = 5

/** What brings an issue to a state; GitLab has no others. */
const stateEvents = new Map([
  ['open', 'reopen'],
  ['opened', 'reopen'],
  ['closed', 'close'],
])

/**
 * GitLab Issues.
 *
 * @see https://docs.gitlab.com/api/issues/
 * @see https://docs.gitlab.com/api/notes/
 */
export const gitlab = defineTicketProvider({
  title: 'GitLab',
  noun: 'issue',
  connection: z.strictObject(gitlabConnection),
  ...gitlabApi,
  project: gitlabProject,

  checkRef(ref) {
    locate(ref)
  },

  checkInput({ state }) {
    if (!state || stateEvents.has(state.toLowerCase())) return
    const message = 'is no state of GitLab: write open or closed'
    throw new Failure('invalid', `input.state ${message}`, { errors: [{ path: 'input.state', message }] })
  },

  // The list, newest first, is read from the database, by who has just written from the one that is written to.
  reservedFields: [{ path: ['description'], instead: 'write input.description' }],

  async find({ http, idempotencyKey: key, isRetry: repeated }, { project = '' }) {
    const created_after = new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString()
    const query = { state: 'all', order_by: 'created_at', sort: 'desc', created_after }
    for await (const issues of pages(http, `${projectPath(project)}/issues`, issue, query, mostPages)) {
      const found = issues.find(({ description }) => description?.includes(markOf(key)))
      if (found) return ticketOf(project, found)
    }
    return undefined
  },

  async open({ http, idempotencyKey: key }, input) {
    const { project = '', title, description = '', labels = [], fields } = input
    const clipped = clipSingleLine(title, longestTitle)
    const text = clipped === singleLine(title) ? description : `${singleLine(title)}\n\n${description}`
    const content = {
      title: clipped,
      description: marked(inert(text), key),
      ...(await settingsOf(http, input)),
      ...labelled('labels', [...labels, ...priorityLabel(input)]),
      ...fields,
    }
    const { body } = await http.post(`${projectPath(project)}/issues`, content, { schema: issue })
    return ticketOf(project, body)
  },

  async get({ http }, ref) {
    const { project, path } = locate(ref)
    return ticketOf(project, (await http.get(path, { schema: issue })).body)
  },

  async update({ http }, ref, changes) {
    const { path } = locate(ref)
    const { title, description, labels = [], state, fields } = changes
    const set = {
      ...(title === undefined ? {} : { title: clipSingleLine(title, longestTitle) }),
      // The key of the call that opened it stays: a repeat of that call still finds it.
      ...(description === undefined ? {} : { description: inert(description) + (await hiddenPart(http, path)) }),
      ...(await settingsOf(http, changes)),
      ...labelled('add_labels', [...labels, ...priorityLabel(changes)]),
      ...(state ? { state_event: stateEvents.get(state.toLowerCase()) } : {}),
      ...fields,
    }
    if (Object.keys(set).length > 0) await http.put(path, set)
  },

  async comment({ http, idempotencyKey: key }, ref, text) {
    await http.post(`${locate(ref).path}/notes`, { body: marked(inert(text), key) })
  },

  async hasComment({ http, idempotencyKey: key }, ref) {
    const query = { order_by: 'created_at', sort: 'desc' }
    for await (const notes of pages(http, `${locate(ref).path}/notes`, note, query)) {
      if (notes.some(({ body }) => body?.includes(markOf(key)))) return true
    }
    return false
  },

  async close({ http }, ref, { resolution }) {
    const label = resolution ? [`resolution::${resolution}`] : []
    await http.put(locate(ref).path, { state_event: 'close', ...labelled('add_labels', label) })
  },
})

async function settingsOf(http: Http, { type, assignee }: Pick<TicketChanges, 'type' | 'assignee'>) {
  return {
    ...(type ? { issue_type: type.toLowerCase() } : {}),
    ...(assignee ? { assignee_ids: [await userIdOf(http, assignee)] } : {}),
  }
}

/** GitLab has no priorities: they become a scoped label, of which an issue has only one where the edition knows scopes. */
function priorityLabel({ priority }: Pick<OpenTicket, 'priority'>): string[] {
  return priority ? [`priority::${priority}`] : []
}

/** Labels are sent as one text with commas. */
function labelled(field: 'labels' | 'add_labels', labels: string[]) {
  return labels.length > 0 ? { [field]: labels.map((label) => label.replaceAll(',', ' ')).join() } : {}
}

/**
 * A text in which no line is a quick action: GitLab does what a line like `/close` or `/assign me` says, and nobody may
 * command it through the title of a problem.
 *
 * @see https://docs.gitlab.com/user/project/quick_actions/
 */
function inert(text: string): string {
  return text.replace(/^\//gm, ' /')
}

async function hiddenPart(http: Http, path: string): Promise<string> {
  return markIn((await http.get(path, { schema: issue })).body.description)
}

/** An id is `group/project#7`; a bare number goes with the project. */
function locate({ id, project: given }: TicketRef): { project: string; path: string } {
  const found = /^(?:([^#]+)#|#)?(\d{1,10})$/.exec(id)
  const project = found?.[1] ?? given
  const number = found?.[2]
  if (!number || !project || !gitlabProject.pattern.test(project)) {
    const message = `write it like ${gitlabProject.example}#7, or as a number with input.project`
    throw new Failure('invalid', `input.id is no issue: ${message}`, { errors: [{ path: 'input.id', message }] })
  }
  return { project, path: `${projectPath(project)}/issues/${segment(number)}` }
}

function ticketOf(project: string, { iid, web_url, state }: Issue): Ticket {
  return { id: `${project}#${iid}`, number: String(iid), url: web_url, state, isClosed: state === 'closed' }
}
