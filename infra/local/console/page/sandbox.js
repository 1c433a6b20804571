import { get } from './api.js'
import { cell } from './call.js'
import { h, link } from './dom.js'
import { badge, code, pretty, time } from './format.js'

/** The lists of the sandbox with their columns. */
const lists = {
  issues: {
    title: 'Issues',
    platform: 'GitHub',
    columns: ['number', 'title', 'state', 'labels', 'comments', 'updated_at'],
  },
  incidents: {
    title: 'Incidents',
    platform: 'ServiceNow',
    columns: ['number', 'short_description', 'state', 'urgency', 'priority', 'sys_updated_on'],
  },
  flags: { title: 'Flags', platform: 'Unleash', columns: ['name', 'description', 'environments', 'changeRequests'] },
  tickets: {
    title: 'Tickets',
    platform: 'generic API',
    columns: ['number', 'title', 'status', 'queue', 'notes'],
    page: ['/sandbox/tool', 'Open the page of the generic API'],
  },
  runs: {
    title: 'Runs',
    platform: 'GitHub Actions, Databricks, Rundeck and generic API',
    columns: ['platform', 'id', 'job', 'status', 'conclusion', 'inputs', 'started_at', 'completed_at'],
  },
  toxics: {
    title: 'Toxics',
    platform: 'Toxiproxy',
    columns: ['proxy', 'name', 'type', 'attributes', 'stream', 'toxicity'],
  },
  messages: {
    title: 'Messages',
    platform: 'Slack',
    columns: ['channel', 'at', 'text', 'buttons'],
    page: ['/sandbox/slack', 'Open Slack to click buttons'],
  },
  slos: {
    title: 'SLOs',
    platform: 'Dynatrace',
    page: ['/sandbox/dynatrace', 'Open the page that changes their values'],
  },
  reports: { title: 'Reports', platform: 'Dynatrace', columns: ['at', 'eventType', 'title', 'entities', 'properties'] },
  events: { title: 'Events', platform: 'Keptn', columns: ['at', 'via', 'type', 'source', 'result', 'message'] },
  'engine-runs': {
    title: 'Orchestrators',
    platform: 'all orchestrators except Keptn',
    columns: ['startedAt', 'engine', 'step', 'verdict', 'message'],
    page: ['/sandbox/engines', 'Open the page of the orchestrators'],
  },
  requests: {
    title: 'Requests',
    platform: 'all platforms',
    columns: ['at', 'target', 'method', 'path', 'status', 'fault'],
  },
}
const MAX_ROWS = 100
/** Text up to this length stays on one line, even next to a long title. */
const SHORT_TEXT_LENGTH = 20
const links = ['html_url', 'url']

let name = 'issues'
let rows
let problem

export const title = 'Sandbox'
/** Runs change with time and send no notification, so the view is refreshed regularly. */
export const refreshes = true

export async function load([requested = 'issues']) {
  if (requested !== name) rows = undefined
  name = Object.hasOwn(lists, requested) ? requested : 'issues'
  problem = undefined
  try {
    const body = await get(`/sandbox/${name}`)
    rows = Array.isArray(body) ? body : (Object.values(body).find(Array.isArray) ?? [])
  } catch (error) {
    rows = undefined
    problem = error.status === 404 ? 'The sandbox does not have this list.' : error.message
  }
}

export async function onSandbox(_change, parameters) {
  await load(parameters)
  return true
}

export function render() {
  const { title: heading, platform, columns, page } = lists[name]
  const latest = (rows ?? []).map(flatten).reverse()
  return [
    h('h1', 'Sandbox'),
    h(
      'nav.tabs',
      { 'aria-label': 'Lists of the sandbox' },
      Object.entries(lists).map(([key, list]) =>
        h('a', { href: `#/sandbox/${key}`, 'aria-current': key === name && 'page' }, list.title),
      ),
    ),
    h('h2', heading, ' ', rows && h('span.count', rows.length)),
    h('p.muted', `Simulated platform: ${platform}. `, page && link(...page)),
    problem && h('p.empty', problem),
    rows?.length === 0 && h('p.empty', 'Nothing yet.'),
    latest.length > 0 && table(latest.slice(0, MAX_ROWS), columns ?? columnsOf(latest)),
    latest.length > MAX_ROWS && h('p.muted', `Latest ${MAX_ROWS}`),
  ]
}

/** Moves the fields of an event to the top level, and renames the workflow of a GitHub run to `job`. */
function flatten(row) {
  if (row.event && typeof row.event === 'object') {
    const { type, source, data = {} } = row.event
    return { at: row.at, via: row.via, type, source, result: data.result, message: data.message, json: row.event }
  }
  return { ...row, job: row.job ?? row.workflow, json: row }
}

function columnsOf(all) {
  const names = [...new Set(all.flatMap(Object.keys))].filter(
    (key) => key !== 'json' && !links.includes(key) && all.some((row) => row[key] !== undefined),
  )
  return names.slice(0, 8)
}

function table(all, columns) {
  const used = columns.filter((column) =>
    all.some((row) => row[column] !== undefined && row[column] !== null && row[column] !== ''),
  )
  return h(
    'table.wide',
    h(
      'thead',
      h(
        'tr',
        used.map((column) => h('th', { scope: 'col' }, labelOf(column))),
        h('th', { scope: 'col' }, 'JSON'),
      ),
    ),
    h(
      'tbody',
      all.map((row) => {
        const url = links.map((key) => row[key]).find(Boolean)
        return h(
          'tr',
          used.map((column, at) => {
            const content = contentOf(column, row[column])
            const isShort = typeof content === 'string' && content.length <= SHORT_TEXT_LENGTH
            const text = isShort ? h('span.short', content) : content
            return cell(labelOf(column), at === 0 || column === 'id' ? link(url, text) : text)
          }),
          cell('JSON', h('details', h('summary', 'Show'), code(pretty(row.json), 'JSON'))),
        )
      }),
    ),
  )
}

const labelOf = (column) =>
  column
    .replace(/^sys_/, '')
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()

function contentOf(column, value) {
  if (value === undefined || value === null || value === '') return '–'
  if (column === 'environments' && Array.isArray(value)) {
    return h(
      'span.chips',
      value.map(({ name: environment, enabled, rollout }) =>
        badge(`${environment} ${enabled ? `on, ${rollout} %` : 'off'}`, enabled ? 'good' : 'plain'),
      ),
    )
  }
  if (column === 'status' && typeof value === 'number')
    return badge(value, value >= 500 ? 'bad' : value >= 400 ? 'warn' : 'good')
  if (column === 'result') return badge(value, value === 'pass' ? 'good' : value === 'warning' ? 'warn' : 'bad')
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return time(Date.parse(value))
  if (Array.isArray(value))
    return value.length === 0
      ? '–'
      : value.every((one) => typeof one === 'string')
        ? value.join(', ')
        : value.map((one) => one?.text ?? one?.body ?? one?.name ?? JSON.stringify(one)).join(' · ')
  if (typeof value === 'object')
    return (
      Object.entries(value)
        .map(([key, field]) => `${key} ${typeof field === 'object' ? JSON.stringify(field) : field}`)
        .join(', ') || '–'
    )
  return String(value)
}
