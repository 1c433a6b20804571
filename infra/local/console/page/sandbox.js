import { get } from './api.js'
import { cell } from './call.js'
import { h, link } from './dom.js'
import { badge, code, pretty, time } from './format.js'

/** What is shown of each list; of one without columns, whatever is short enough. */
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
    platform: "somebody's own tool",
    columns: ['number', 'title', 'status', 'queue', 'notes'],
    page: ['/sandbox/tool', 'Open its page, with all else that it keeps'],
  },
  runs: {
    title: 'Runs',
    platform: "GitHub Actions, Databricks, Rundeck and somebody's own tool",
    columns: ['platform', 'id', 'job', 'status', 'conclusion', 'inputs', 'started_at', 'completed_at'],
  },
  toxics: {
    title: 'Toxics',
    platform: 'Toxiproxy',
    columns: ['proxy', 'name', 'type', 'attributes', 'stream', 'toxicity'],
  },
  messages: {
    title: 'Chat',
    platform: 'Slack',
    columns: ['channel', 'at', 'text', 'buttons'],
    page: ['/sandbox/slack', 'Open the chat, and click there'],
  },
  slos: { title: 'SLOs', platform: 'Dynatrace', page: ['/sandbox/dynatrace', 'Open its page'] },
  reports: { title: 'Reports', platform: 'Dynatrace', columns: ['at', 'eventType', 'title', 'entities', 'properties'] },
  events: { title: 'Events', platform: 'Keptn', columns: ['at', 'via', 'type', 'source', 'result', 'message'] },
  requests: {
    title: 'Requests',
    platform: 'every platform',
    columns: ['at', 'target', 'method', 'path', 'status', 'fault'],
  },
}
const mostRows = 100
/** Text up to this length stays on one line, next to whatever long title. */
const SHORT_TEXT_LENGTH = 20
const links = ['html_url', 'url']

let name = 'issues'
let rows
let problem

export const title = 'Sandbox'
/** Runs go on by the clock, and tell nobody. */
export const refreshes = true

export async function load([asked = 'issues']) {
  if (asked !== name) rows = undefined
  name = Object.hasOwn(lists, asked) ? asked : 'issues'
  problem = undefined
  try {
    const answer = await get(`/sandbox/${name}`)
    rows = Array.isArray(answer) ? answer : (Object.values(answer).find(Array.isArray) ?? [])
  } catch (error) {
    rows = undefined
    problem = error.status === 404 ? 'The sandbox has no such list.' : error.message
  }
}

export async function onSandbox(_change, parameters) {
  await load(parameters)
  return true
}

export function render() {
  const { title: heading, platform, columns, page } = lists[name]
  const newest = (rows ?? []).map(flat).reverse()
  return [
    h('h1', {}, 'Sandbox'),
    h(
      'nav.tabs',
      { 'aria-label': 'Lists of the sandbox' },
      Object.entries(lists).map(([key, list]) =>
        h('a', { href: `#/sandbox/${key}`, 'aria-current': key === name && 'page' }, list.title),
      ),
    ),
    h('h2', {}, heading, ' ', rows && h('span.count', {}, rows.length)),
    h('p.muted', {}, `As the sandbox plays ${platform}. `, page && link(...page)),
    problem && h('p.empty', {}, problem),
    rows?.length === 0 && h('p.empty', {}, 'Nothing yet.'),
    newest.length > 0 && table(newest.slice(0, mostRows), columns ?? columnsOf(newest)),
    newest.length > mostRows && h('p.muted', {}, `The newest ${mostRows}.`),
  ]
}

/** An event is listed with when and by whom; a run of GitHub has a workflow instead of a job. */
function flat(row) {
  if (row.event && typeof row.event === 'object') {
    const { type, source, data = {} } = row.event
    return { at: row.at, via: row.via, type, source, result: data.result, message: data.message, whole: row.event }
  }
  return { ...row, job: row.job ?? row.workflow, whole: row }
}

function columnsOf(all) {
  const names = [...new Set(all.flatMap(Object.keys))].filter(
    (key) => key !== 'whole' && !links.includes(key) && all.some((row) => row[key] !== undefined),
  )
  return names.slice(0, 8)
}

function table(all, columns) {
  const used = columns.filter((column) =>
    all.some((row) => row[column] !== undefined && row[column] !== null && row[column] !== ''),
  )
  return h(
    'table.wide',
    {},
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        used.map((column) => h('th', { scope: 'col' }, words(column))),
        h('th', { scope: 'col' }, 'whole'),
      ),
    ),
    h(
      'tbody',
      {},
      all.map((row) => {
        const address = links.map((key) => row[key]).find(Boolean)
        return h(
          'tr',
          {},
          used.map((column, at) => {
            const content = shown(column, row[column])
            const isShort = typeof content === 'string' && content.length <= SHORT_TEXT_LENGTH
            const text = isShort ? h('span.short', {}, content) : content
            return cell(words(column), at === 0 || column === 'id' ? link(address, text) : text)
          }),
          cell('whole', h('details', {}, h('summary', {}, 'JSON'), code(pretty(row.whole), 'JSON'))),
        )
      }),
    ),
  )
}

const words = (column) =>
  column
    .replace(/^sys_/, '')
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()

function shown(column, value) {
  if (value === undefined || value === null || value === '') return '–'
  if (column === 'environments' && Array.isArray(value)) {
    return h(
      'span.chips',
      {},
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
        .map(([key, held]) => `${key} ${typeof held === 'object' ? JSON.stringify(held) : held}`)
        .join(', ') || '–'
    )
  return String(value)
}
