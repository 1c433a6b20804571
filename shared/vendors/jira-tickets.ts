import * as z from 'zod/mini'
import { invalidInput } from '../errors.ts'
import { refusalBody } from '../http/refusal.ts'
import { segment } from '../http/segment.ts'
import { type Levels, platformLevel } from '../providers/priority-level.ts'
import type { Client } from '../providers/provider.ts'
import { searchIncomplete } from '../providers/search-window.ts'
import type { OpenTicket, Ticket, TicketChanges, TicketProvider, UpdateTicket } from '../providers/ticket.ts'
import { isRecord } from '../record.ts'
import { clipSingleLine, clipTitle } from '../text/single-line.ts'
import { toAdf } from './adf.ts'
import {
  accountOf,
  findIssue,
  hidesUnlabelled,
  holdsKey,
  issuePath,
  type JiraIssue,
  type jiraConnection,
  jiraProject,
  keyProperty,
  labelOf,
  propertyOf,
  readIssue,
  SEARCH_DELAYS_MS,
} from './jira.ts'
import { editIssue, type IssueEdit, move, planMove, withoutHeld } from './jira-workflow.ts'

const property = z.object({ key: z.string(), value: z.optional(z.unknown()) })
const comment = z.object({ id: z.string(), properties: z.optional(z.array(property)) })
const commentPage = z.object({ comments: z.array(comment), total: z.number() })
const createdIssue = z.object({ id: z.string(), key: z.string() })

type Connection = z.output<z.ZodMiniObject<typeof jiraConnection>>
/** The other fields of an input, besides texts, labels and state. */
type Settings = Pick<UpdateTicket, 'type' | 'priority' | 'assignee' | 'urgency' | 'severity'>

const MAX_SUMMARY = 255
const perPage = 100
/** Comments whose property is read one by one, if the list does not contain it. */
const MAX_COMMENT_READS = 20

/** The default priorities of a site. */
const priorities: Levels = { critical: 'Highest', high: 'High', medium: 'Medium', low: 'Low' }

interface JiraTicketOptions<C> {
  /** The default issue type. */
  type: string
  /** Returns fields that only some projects have. */
  fields?(settings: Settings, connection: C): Record<string, unknown>
}

/**
 * The members of a ticket provider for issues of Jira Cloud. Issues store the idempotency key as a label (`caw-<key>`, for
 * the search) and as an entity property; comments only as an entity property.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
 */
export function jiraTickets<C extends Connection>(options: JiraTicketOptions<C>) {
  return {
    project: jiraProject,
    // Jira refuses transitions that it does not perform.
    confirmsState: true as const,

    checkRef({ id }) {
      if (/^(?:\d+|[A-Z][A-Z0-9_]*-\d+)$/i.test(id)) return
      throw invalidInput('input.id', 'must be an issue key such as OPS-12, or the id that open-issue returned')
    },

    reservedFields: [{ path: ['labels'], instead: 'write input.labels' }],

    lookUp: { newest: 'all' as const, delaysMs: SEARCH_DELAYS_MS },

    async find(client: Client<C> & { idempotencyKey: string }, { project = '' }) {
      const found = await findIssue(client, project)
      return found === undefined || found === 'unknown' ? found : ticketOf(client, found)
    },

    async open(client: Client<C>, input) {
      const { id, key } = await createIssue(client, input, options)
      const made = { id, number: key, url: linkTo(client, key), state: 'open', isClosed: false }
      // The issue exists, even if reading its first state fails.
      return readIssue(client.http, id).then(
        (issue) => ticketOf(client, issue),
        () => made,
      )
    },

    async get(client: Client<C>, { id }) {
      return ticketOf(client, await readIssue(client.http, id))
    },

    update: (client: Client<C>, { id }, changes) => updateIssue(client, id, changes, options),

    async comment({ http, idempotencyKey }: Client<C>, { id }, text) {
      await http.post(`${issuePath(id)}/comment`, {
        body: toAdf(text),
        ...(idempotencyKey === undefined ? {} : { properties: [propertyOf(idempotencyKey)] }),
      })
    },

    hasComment: ({ http, idempotencyKey, isRetry }, { id }) => hasCommentWithKey(http, id, idempotencyKey, isRetry),

    async close({ http }, { id }, { resolution }) {
      const plan = await planMove(http, id, 'closed', { fields: {}, update: {} }, resolution)
      if (plan) await move(http, id, plan)
    },
  } satisfies Partial<TicketProvider>
}

async function createIssue<C extends Connection>(
  client: Client<C>,
  input: OpenTicket,
  options: JiraTicketOptions<C>,
): Promise<{ id: string; key: string }> {
  const { http, idempotencyKey, connection } = client
  const { title: _, description: __, project = '', type, labels = [], fields, ...settings } = input
  const { title, description } = clipTitle(input, MAX_SUMMARY)
  const issue = {
    project: /^\d/.test(project) ? { id: project } : { key: project },
    summary: title,
    description: toAdf(description),
    ...(await settingFields(client, { ...settings, type: type || connection.type || options.type }, options)),
    ...fields,
  }
  const post = async (labels: string[]) => {
    const content = {
      fields: { ...issue, ...(labels.length > 0 ? { labels: cleanLabels(labels) } : {}) },
      ...(idempotencyKey === undefined ? {} : { properties: [propertyOf(idempotencyKey)] }),
    }
    return (await http.post('rest/api/3/issue', content, { schema: createdIssue })).body
  }
  if (idempotencyKey === undefined) return post(labels)
  try {
    return await post([...labels, labelOf(idempotencyKey)])
  } catch (error) {
    // Some projects do not allow labels. Then only the property stores the key.
    if (labels.length > 0 || !refusesLabels(error)) throw error
    if (client.isRetry && (await hidesUnlabelled(http, project)))
      throw searchIncomplete('Jira', 'created the issue without labels')
    return post([])
  }
}

async function updateIssue<C extends Connection>(
  client: Client<C>,
  id: string,
  changes: TicketChanges,
  options: JiraTicketOptions<C>,
): Promise<void> {
  const { http, isRetry } = client
  const { title, description, labels = [], state, fields, ...settings } = changes
  const added = cleanLabels(labels).map((label) => ({ add: label }))
  const edit: IssueEdit = {
    fields: {
      ...(title === undefined ? {} : { summary: clipSingleLine(title, MAX_SUMMARY) }),
      ...(description === undefined ? {} : { description: toAdf(description) }),
      ...(await settingFields(client, settings, options)),
      ...fields,
    },
    update: added.length > 0 ? { labels: added } : {},
  }
  const plan = state ? await planMove(http, id, state, edit) : undefined
  if (!plan) {
    // An earlier attempt may have set fields with the transition that cannot be edited after it.
    await editIssue(http, id, state && isRetry ? await withoutHeld(http, id, edit) : edit)
    return
  }
  // Many workflows do not allow edits of closed issues: reopen first, close last.
  if (!plan.closes) await move(http, id, plan)
  await editIssue(http, id, plan.rest)
  if (plan.closes) await move(http, id, plan)
}

/** Returns the fields of an issue for the other fields of an input. */
async function settingFields<C extends Connection>(
  { http, connection }: Client<C>,
  settings: Settings,
  options: JiraTicketOptions<C>,
): Promise<Record<string, unknown>> {
  const { type, priority, assignee } = settings
  return {
    // Some sites accept only the id of a type.
    ...(type ? { issuetype: /^\d+$/.test(type) ? { id: type } : { name: type } } : {}),
    ...(priority ? { priority: { name: platformLevel(priorities, priority) } } : {}),
    ...(assignee ? { assignee: await accountOf(http, assignee) } : {}),
    ...options.fields?.(settings, connection),
  }
}

async function hasCommentWithKey(
  http: Client['http'],
  id: string,
  key: string,
  isRetry: boolean,
): Promise<boolean | 'unknown'> {
  for (let startAt = 0; ; startAt += perPage) {
    const query = { startAt, maxResults: perPage, orderBy: '-created', expand: 'properties' }
    const { body } = await http.get(`${issuePath(id)}/comment`, { query, schema: commentPage })
    const { comments, total } = body
    if (comments.some(({ properties = [] }) => properties.some((property) => holdsKey(property, key)))) return true
    // The API reference documents only the property of each comment, not this expansion.
    if (isRetry && startAt === 0 && comments.every(({ properties }) => properties === undefined)) {
      for (const comment of comments.slice(0, MAX_COMMENT_READS)) if (await carries(http, comment, key)) return true
      if (total > MAX_COMMENT_READS) return 'unknown'
    }
    if (comments.length === 0 || startAt + comments.length >= total) return false
  }
}

function refusesLabels(error: unknown): boolean {
  const body = refusalBody(error)
  return isRecord(body) && isRecord(body['errors']) && 'labels' in body['errors']
}

/** Returns unique labels without spaces, as Jira requires. */
function cleanLabels(labels: string[]): string[] {
  return [...new Set(labels.map((label) => label.trim().replace(/\s+/g, '-')))].filter(Boolean)
}

async function carries(http: Client['http'], { id }: z.output<typeof comment>, key: string): Promise<boolean> {
  const path = `rest/api/3/comment/${segment(id)}/properties/${segment(keyProperty)}`
  const { status, body } = await http.get(path, { accept: [404], schema: property })
  return status !== 404 && holdsKey(body, key)
}

function linkTo({ connection: { site }, http }: Client<Connection>, key: string): string {
  return `${site?.replace(/\/$/, '') ?? http.baseUrl}/browse/${key}`
}

function ticketOf(client: Client<Connection>, { id, key, fields: { status } }: JiraIssue): Ticket {
  const isClosed = status.statusCategory.key === 'done'
  return { id, number: key, url: linkTo(client, key), state: status.name, isClosed }
}
