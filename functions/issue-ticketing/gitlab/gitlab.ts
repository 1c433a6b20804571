import * as z from 'zod/mini'
import { invalidInput } from '../../../shared/errors.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { parseProjectNumber } from '../../../shared/providers/project-number.ts'
import { searchSince } from '../../../shared/providers/search-window.ts'
import {
  defineTicketProvider,
  type OpenTicket,
  type Ticket,
  type TicketChanges,
  type TicketRef,
} from '../../../shared/providers/ticket.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import {
  gitlabApi,
  gitlabConnection,
  gitlabProject,
  PAGE_SIZE,
  pages,
  projectPath,
  userIdOf,
} from '../../../shared/vendors/gitlab.ts'
import { markerIn, markerOf, withMarker, withoutMarkers } from '../../../shared/vendors/hidden-marker.ts'

const issue = z.object({
  iid: z.int(),
  web_url: z.string(),
  state: z.string(),
  description: z.nullish(z.string()),
})
type Issue = z.output<typeof issue>
const note = z.object({ body: z.nullish(z.string()) })

const MAX_TITLE = 255
const MAX_PAGES = 5

/** Maps the states of an issue to the events that set them. */
const STATE_EVENTS = new Map([
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
    if (!state || STATE_EVENTS.has(state.toLowerCase())) return
    throw invalidInput('input.state', 'must be open or closed: GitLab has no other states')
  },

  reservedFields: [{ path: ['description'], instead: 'write input.description' }],

  lookUp: { newest: MAX_PAGES * PAGE_SIZE },

  // The list is read from the primary database after a write, so it shows a new issue immediately.
  async find({ http, idempotencyKey, isRetry }, { project = '' }) {
    const created_after = searchSince(isRetry).toISOString()
    const query = { state: 'all', order_by: 'created_at', sort: 'desc', created_after }
    let isComplete = true
    for await (const issues of pages(http, `${projectPath(project)}/issues`, issue, query, MAX_PAGES)) {
      const found = issues.find(({ description }) => description?.includes(markerOf(idempotencyKey)))
      if (found) return ticketOf(project, found)
      isComplete = issues.length < PAGE_SIZE
    }
    return isComplete ? undefined : 'unknown'
  },

  async open({ http, idempotencyKey }, input) {
    const { project = '', labels = [], fields } = input
    const { title, description } = clipTitle(input, MAX_TITLE)
    const content = {
      title,
      description: withMarker(withoutQuickActions(description), idempotencyKey),
      ...(await settingsOf(http, input)),
      ...joinLabels('labels', [...labels, ...priorityLabel(input)]),
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
      ...(title === undefined ? {} : { title: clipSingleLine(title, MAX_TITLE) }),
      // Keep the marker, so that a repeated open still finds the issue.
      ...(description === undefined
        ? {}
        : { description: withoutQuickActions(withoutMarkers(description)) + (await readMarker(http, path)) }),
      ...(await settingsOf(http, changes)),
      ...joinLabels('add_labels', [...labels, ...priorityLabel(changes)]),
      ...(state ? { state_event: STATE_EVENTS.get(state.toLowerCase()) } : {}),
      ...fields,
    }
    if (Object.keys(set).length > 0) await http.put(path, set)
  },

  async comment({ http, idempotencyKey }, ref, text) {
    await http.post(`${locate(ref).path}/notes`, { body: withMarker(withoutQuickActions(text), idempotencyKey) })
  },

  async hasComment({ http, idempotencyKey }, ref) {
    const query = { order_by: 'created_at', sort: 'desc' }
    for await (const notes of pages(http, `${locate(ref).path}/notes`, note, query)) {
      if (notes.some(({ body }) => body?.includes(markerOf(idempotencyKey)))) return true
    }
    return false
  },

  async close({ http }, ref, { resolution }) {
    const label = resolution ? [`resolution::${resolution}`] : []
    await http.put(locate(ref).path, { state_event: 'close', ...joinLabels('add_labels', label) })
  },
})

async function settingsOf(http: Http, { type, assignee }: Pick<TicketChanges, 'type' | 'assignee'>) {
  return {
    ...(type ? { issue_type: type.toLowerCase() } : {}),
    ...(assignee ? { assignee_ids: [await userIdOf(http, assignee)] } : {}),
  }
}

/** Returns the priority as a scoped label, because GitLab has no priorities. Paid editions allow one label per scope. */
function priorityLabel({ priority }: Pick<OpenTicket, 'priority'>): string[] {
  return priority ? [`priority::${priority}`] : []
}

/** Joins labels with commas, as GitLab expects them. */
function joinLabels(field: 'labels' | 'add_labels', labels: string[]) {
  return labels.length > 0 ? { [field]: labels.map((label) => label.replaceAll(',', ' ')).join() } : {}
}

/**
 * Adds a space before each leading slash. GitLab would run lines such as `/close` or `/assign me`, also from the title of a
 * problem.
 *
 * @see https://docs.gitlab.com/user/project/quick_actions/
 */
function withoutQuickActions(text: string): string {
  return text.replace(/^\//gm, ' /')
}

async function readMarker(http: Http, path: string): Promise<string> {
  return markerIn((await http.get(path, { schema: issue })).body.description)
}

function locate(ref: TicketRef): { project: string; path: string } {
  const { project, number } = parseProjectNumber(ref, gitlabProject)
  return { project, path: `${projectPath(project)}/issues/${segment(number)}` }
}

function ticketOf(project: string, { iid, web_url, state }: Issue): Ticket {
  return { id: `${project}#${iid}`, number: String(iid), url: web_url, state, isClosed: state === 'closed' }
}
