import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { Client } from '../../../shared/function/provider.ts'
import { segment } from '../../../shared/http.ts'
import { defineTicketProvider, type Ticket, type TicketRef } from '../../../shared/shapes/ticket.ts'
import { sleep } from '../../../shared/sleep.ts'
import { toAdf } from '../../../shared/vendors/adf.ts'
import {
  accountOf,
  fetchIssues,
  type JiraComment,
  type JiraIssue,
  jiraApi,
  jiraConnection,
  jiraProject,
  keyProperty,
  mostIssues,
  searchIssues,
  type Transition,
} from '../../../shared/vendors/jira.ts'

const connection = z.strictObject(jiraConnection)
type JiraClient = Client<z.output<typeof connection>>

const longestSummary = 255
/** Milliseconds before each look for an issue that an earlier try may have made: three seconds in all. */
const looks = [0, 1_000, 2_000]
const perPage = 100
/** How many comments are asked one by one for their property, where a list does not show it. */
const mostAsked = 20

/**
 * Jira Cloud.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
 */
export const jira = defineTicketProvider({
  title: 'Jira',
  noun: 'issue',
  connection,
  ...jiraApi,
  project: jiraProject,

  checkRef({ id }) {
    if (/^(?:\d+|[A-Z][A-Z0-9_]*-\d+)$/i.test(id)) return
    const message = 'write it like OPS-12, or as the number that open-issue answered'
    throw new Failure('invalid', `input.id is no issue: ${message}`, { errors: [{ path: 'input.id', message }] })
  },

  /**
   * JQL finds the label; an entity property it finds only where an installed app has it indexed. The index lags, so where
   * an earlier try may have made the issue, the newest issues of the project and the keys that come next are read too.
   * What this can not see: an issue that Jira makes more than three seconds after this began, and one that has more than 50
   * newer ones which are not indexed either.
   */
  async find(client, { project = '' }) {
    const { http, key, repeated } = client
    for (const pause of repeated ? looks : [0]) {
      await sleep(pause)
      const [labelled] = await searchIssues(http, `labels = "${labelOf(key)}" ORDER BY created ASC`)
      const found = labelled ?? (repeated ? await findUnindexed(client, project) : undefined)
      if (found) return ticketOf(client, found)
    }
    return undefined
  },

  async open(client, input) {
    const { http, key } = client
    const { project, title, description = '', type, labels = [], priority, assignee, fields } = input
    const summary = summaryOf(title)
    const full = summary === oneLine(title) ? description : `${oneLine(title)}\n\n${description}`
    const body = async (mark: string[]) => ({
      fields: {
        project: /^\d/.test(project ?? '') ? { id: project } : { key: project },
        issuetype: { name: type || client.connection.type || 'Task' },
        summary,
        description: toAdf(full),
        ...(priority ? { priority: { name: priorityOf(priority) } } : {}),
        ...(assignee ? { assignee: await accountOf(client, assignee) } : {}),
        ...fields,
        ...withLabels([...labels, ...listed(fields?.['labels']), ...mark]),
      },
      ...(key === undefined ? {} : { properties: [propertyOf(key)] }),
    })
    const mark = key === undefined ? [] : [labelOf(key)]
    const made = await http.post('rest/api/3/issue', await body(mark)).catch(async (error: unknown) => {
      // The screen of some projects has no labels. The property is still there, for `find` to see.
      const noLabels = error instanceof Failure && error.kind === 'refused' && error.message.includes('labels: ')
      if (!noLabels || labels.length > 0 || mark.length === 0) throw error
      return http.post('rest/api/3/issue', await body([]))
    })
    const { id, key: number } = made.body as { id: string; key: string }
    const ticket = { id, number, url: linkTo(client, number), state: 'open', closed: false }
    // It is made, whatever happens to the look at the state that it was made with.
    return readIssue(client, { id }).then(
      (issue) => ticketOf(client, issue),
      () => ticket,
    )
  },

  async get(client, ref) {
    return ticketOf(client, await readIssue(client, ref))
  },

  async change(client, ref, changes) {
    const { title, description, type, labels = [], priority, assignee, state, fields } = changes
    // Many workflows let nobody edit a closed issue: it is reopened first, and closed last.
    if (state && state.toLowerCase() !== 'closed') await move(client, ref, state)
    const set = {
      ...(title === undefined ? {} : { summary: summaryOf(title) }),
      ...(description === undefined ? {} : { description: toAdf(description) }),
      ...(type ? { issuetype: { name: type } } : {}),
      ...(priority ? { priority: { name: priorityOf(priority) } } : {}),
      ...(assignee ? { assignee: await accountOf(client, assignee) } : {}),
      ...fields,
    }
    const added = withLabels(labels).labels ?? []
    if (Object.keys(set).length > 0 || added.length > 0) {
      await client.http.put(pathOf(ref), {
        fields: set,
        ...(added.length > 0 ? { update: { labels: added.map((label) => ({ add: label })) } } : {}),
      })
    }
    if (state?.toLowerCase() === 'closed') await move(client, ref, state)
  },

  async comment({ http, key }, ref, comment) {
    await http.post(`${pathOf(ref)}/comment`, {
      body: toAdf(comment),
      ...(key === undefined ? {} : { properties: [propertyOf(key)] }),
    })
  },

  async hasComment(client, ref) {
    const { http, key, repeated } = client
    for (let startAt = 0; ; startAt += perPage) {
      const query = { startAt, maxResults: perPage, orderBy: '-created', expand: 'properties' }
      const page = (await http.get(`${pathOf(ref)}/comment`, { query })).body as {
        comments: JiraComment[]
        total: number
      }
      const { comments } = page
      if (comments.some(({ properties = [] }) => properties.some((held) => isProperty(held, key)))) return true
      // The expansion is old but not in today's reference: without it, each comment's property is asked for.
      if (startAt === 0 && repeated && comments.every(({ properties }) => properties === undefined)) {
        for (const { id } of comments.slice(0, mostAsked)) if (await carries(http, id, key)) return true
      }
      if (comments.length === 0 || startAt + comments.length >= page.total) return false
    }
  },

  async close(client, ref, { resolution }) {
    await move(client, ref, 'closed', resolution)
  },
})

/** The platform's own scheme of priorities, as every new site has it. */
const priorities: Record<string, string> = { critical: 'Highest', high: 'High', medium: 'Medium', low: 'Low' }

function priorityOf(priority: string): string {
  return priorities[priority.toLowerCase()] ?? priority
}

/**
 * Takes the issue where it is asked to be, unless it is there: `open` and `closed` go by the category of the status, what
 * else is asked by the name of a status or a transition.
 */
async function move(client: JiraClient, ref: TicketRef, state: string, resolution?: string): Promise<void> {
  const { http } = client
  const { key, fields } = await readIssue(client, ref)
  const wanted = state.toLowerCase()
  const category = fields.status.statusCategory.key
  if (wanted === 'closed' ? category === 'done' : wanted === 'open' ? category !== 'done' : named(fields.status, state))
    return
  const { body } = await http.get(`${pathOf(ref)}/transitions`, { query: { expand: 'transitions.fields' } })
  const transitions = (body as { transitions: Transition[] }).transitions.filter((one) => one.isAvailable !== false)
  const chosen = wanted === 'closed' ? pickDone(transitions, resolution) : pick(transitions, state)
  if (!chosen) {
    const ways = transitions.map(({ name, to }) => `"${name}" to ${to.name}`).join(', ') || 'none'
    throw new Failure(
      'refused',
      `Jira has no transition that brings ${key} from ${fields.status.name} to ${state}; there are: ${ways}.`,
    )
  }
  const solved = resolution === undefined ? undefined : resolutionOn(chosen, resolution)
  await http.post(`${pathOf(ref)}/transitions`, {
    transition: { id: chosen.id },
    ...(solved ? { fields: { resolution: { name: solved } } } : {}),
  })
}

function pick(transitions: Transition[], state: string): Transition | undefined {
  if (state.toLowerCase() === 'open') {
    return transitions.find(inCategory('new')) ?? transitions.find(inCategory('indeterminate'))
  }
  return transitions.find(({ to }) => named(to, state)) ?? transitions.find((transition) => named(transition, state))
}

/** How Jira's own templates call what is simply done: a workflow may have `Won't do` or `Duplicate` beside it. */
const plainlyDone = ['done', 'closed', 'resolved']

/** What the resolution names, else what is plainly done, else the first in the workflow's own order. */
function pickDone(transitions: Transition[], resolution: string | undefined): Transition | undefined {
  const done = transitions.filter(inCategory('done'))
  const meant = resolution && done.find(({ name, to }) => named({ name }, resolution) || named(to, resolution))
  if (meant) return meant
  const plain = plainlyDone.map((word) => done.find(({ to }) => named(to, word)))
  return plain.find((transition) => transition !== undefined) ?? done[0]
}

/** The resolution as the transition's screen has it; Jira refuses one that the screen does not have. */
function resolutionOn({ fields, to }: Transition, resolution: string): string | undefined {
  const field = fields?.['resolution']
  if (!field) return undefined
  const known = field.allowedValues?.find(({ name }) => named({ name }, resolution))?.name
  // It has said already which status was meant; anything else is sent, for Jira to say what is wrong with it.
  return known ?? (named(to, resolution) ? undefined : resolution)
}

function inCategory(key: string): (transition: Transition) => boolean {
  return ({ to }) => to.statusCategory.key === key
}

function named({ name }: { name?: string | undefined }, asked: string): boolean {
  return name?.toLowerCase() === asked.toLowerCase()
}

async function findUnindexed({ http, key }: JiraClient & { key: string }, project: string) {
  const newest = await searchIssues(
    http,
    `project = ${/^\d/.test(project) ? project : `"${project}"`} ORDER BY key DESC`,
  )
  const [, prefix = project, last = '0'] = /^(.+)-(\d+)$/.exec(newest[0]?.key ?? '') ?? []
  const next = Array.from({ length: mostIssues }, (_, at) => `${prefix}-${Number(last) + at + 1}`)
  const isOurs = ({ fields, properties = {} }: JiraIssue) =>
    fields.labels?.includes(labelOf(key)) || isProperty({ key: keyProperty, value: properties[keyProperty] }, key)
  return newest.find(isOurs) ?? (await fetchIssues(http, next)).find(isOurs)
}

async function carries(http: Client['http'], comment: string, key: string): Promise<boolean> {
  const path = `rest/api/3/comment/${segment(comment)}/properties/${segment(keyProperty)}`
  const { status, body } = await http.get(path, { accept: [404] })
  return status === 200 && isProperty(body as { key: string; value: unknown }, key)
}

function propertyOf(key: string) {
  return { key: keyProperty, value: { key } }
}

function isProperty(property: { key: string; value: unknown }, key: string): boolean {
  return property.key === keyProperty && (property.value as { key?: unknown } | undefined)?.key === key
}

function labelOf(key: string): string {
  return `caw-${key}`
}

/** Labels as Jira takes them: without spaces, each once. */
function withLabels(labels: string[]): { labels?: string[] } {
  const clean = labels.map((label) => label.trim().replace(/\s+/g, '-')).filter(Boolean)
  return clean.length > 0 ? { labels: [...new Set(clean)] } : {}
}

function listed(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function oneLine(title: string): string {
  return title.replace(/\s+/g, ' ').trim()
}

function summaryOf(title: string): string {
  const line = oneLine(title)
  // Never half of a character that takes two places.
  return line.length > longestSummary ? `${line.slice(0, longestSummary - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : line
}

function pathOf({ id }: Pick<TicketRef, 'id'>): string {
  return `rest/api/3/issue/${segment(id)}`
}

async function readIssue({ http }: Client, ref: Pick<TicketRef, 'id'>): Promise<JiraIssue> {
  return (await http.get(pathOf(ref), { query: { fields: 'status' } })).body as JiraIssue
}

function linkTo({ connection, http }: JiraClient, key: string): string {
  return `${connection.site?.replace(/\/$/, '') ?? http.baseUrl}/browse/${key}`
}

function ticketOf(client: JiraClient, { id, key, fields: { status } }: JiraIssue): Ticket {
  return {
    id,
    number: key,
    url: linkTo(client, key),
    state: status.name,
    closed: status.statusCategory.key === 'done',
  }
}
