import { get } from './api.js'
import { detail } from './call.js'
import { h } from './dom.js'
import { badge, since, span, time, toneOf, until } from './format.js'

/** Calls of the list by id. */
const calls = new Map()
let filter = 'all'
/** The open call with its details. */
let open
let problem
/** Whether older calls were dropped. */
let hasDropped = false

const filters = {
  all: ['All', () => true],
  running: ['Running', ({ endedAt }) => endedAt === undefined],
  failed: ['Failed', ({ state }) => ['fail', 'errored', 'refused', 'warning', 'aborted'].includes(state)],
}

export const title = 'Calls'

export async function load([id]) {
  const response = await get('/console/calls')
  hasDropped = response.hasDropped
  calls.clear()
  for (const call of response.calls) calls.set(call.id, call)
  await loadOpen(id)
}

async function loadOpen(id) {
  if (open?.id !== id) open = undefined
  problem = undefined
  if (id === undefined) return
  try {
    open = await get(`/console/calls/${encodeURIComponent(id)}`)
  } catch (error) {
    open = undefined
    problem = error.message
  }
}

/** @returns whether the view must be rendered again */
export async function onCalls(change, [id]) {
  const { changed, removed } = change
  for (const call of changed) calls.set(call.id, call)
  for (const one of removed) calls.delete(one)
  hasDropped ||= change.hasDropped
  if (id !== undefined && changed.some((call) => call.id === id)) await loadOpen(id)
  return true
}

export function render([id], redraw) {
  const all = [...calls.values()].sort((a, b) => b.at - a.at)
  const filtered = all.filter(filters[filter][1])
  const filterButtons = h(
    'div.segments',
    { role: 'group', 'aria-label': 'Filter calls' },
    Object.entries(filters).map(([name, [label, matches]]) =>
      h(
        'button',
        {
          type: 'button',
          'aria-pressed': String(filter === name),
          click: () => {
            filter = name
            redraw()
          },
        },
        `${label} `,
        h('span.count', all.filter(matches).length),
      ),
    ),
  )
  const list = h(
    'ol.calls',
    { keydown: moveFocus },
    filtered.map((call) => row(call, call.id === id)),
  )
  const none = h(
    'p.empty',
    all.length > 0
      ? 'No calls match the filter.'
      : [
          'No calls yet. ',
          h('a', { href: '#/sequences' }, 'Run a sequence'),
          ' or ',
          h('a', { href: '#/send' }, 'send an example'),
          '.',
        ],
  )
  return [
    h(
      `div.panes${id === undefined ? '' : '.opened'}`,
      h(
        'section.list',
        { 'aria-label': 'List of calls' },
        h('h1', 'Calls'),
        filterButtons,
        filtered.length > 0 ? list : none,
        hasDropped && h('p.muted', 'Older finished calls are not shown.'),
      ),
      h('section.detail', { 'aria-label': 'Call' }, pane(id)),
    ),
  ]
}

function pane(id) {
  if (open) return detail(open)
  if (problem) return h('p.empty', { role: 'alert' }, problem)
  return h(
    'p.empty',
    id === undefined ? 'Select a call to see its requests, outgoing calls and events.' : 'Loading ...',
  )
}

function row(call, isSelected) {
  const { id, at, endedAt, category, action, connection, mode, state, text, waiting } = call
  return h(
    'li',
    { 'data-key': id },
    h(
      `a.call.${toneOf(state)}`,
      { href: `#/calls/${encodeURIComponent(id)}`, 'aria-current': isSelected && 'true' },
      h('span.what', h('strong', action), ' ', badge(state, toneOf(state))),
      h('span.when', time(at)),
      h('span.where', [category, connection, mode].filter(Boolean).join(' · ')),
      h('span.took', endedAt === undefined ? since(at) : span(endedAt - at)),
      text ? h('span.text', text) : undefined,
      waiting?.until ? h('span.text', until(waiting.until)) : undefined,
    ),
  )
}

/** Moves the focus between calls with the arrow keys. */
function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step) return
  const links = [...event.currentTarget.querySelectorAll('a.call')]
  const next = links[links.indexOf(document.activeElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}
