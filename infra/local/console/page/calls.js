import { get } from './api.js'
import { detail } from './call.js'
import { h } from './dom.js'
import { badge, since, span, time, toneOf, until } from './format.js'

/** id -> what the list shows of a call. */
const calls = new Map()
let filter = 'all'
/** The call that is open, with all that belongs to it. */
let open
let missing
/** Whether older calls are not shown. */
let isCut = false

const filters = {
  all: ['All', () => true],
  going: ['Going on', ({ endedAt }) => endedAt === undefined],
  bad: ['Not well', ({ state }) => ['fail', 'errored', 'refused', 'warning', 'aborted'].includes(state)],
}

export const title = 'Calls'

export async function load([id]) {
  const { calls: list, hasDropped } = await get('/console/calls')
  isCut = hasDropped
  calls.clear()
  for (const call of list) calls.set(call.id, call)
  await loadOpen(id)
}

async function loadOpen(id) {
  if (open?.id !== id) open = undefined
  missing = undefined
  if (id === undefined) return
  try {
    open = await get(`/console/calls/${encodeURIComponent(id)}`)
  } catch (error) {
    open = undefined
    missing = error.message
  }
}

/** @returns whether there is something else to be seen now */
export async function onCalls({ changed, gone, hasDropped }, [id]) {
  for (const call of changed) calls.set(call.id, call)
  for (const one of gone) calls.delete(one)
  isCut ||= hasDropped
  if (id !== undefined && changed.some((call) => call.id === id)) await loadOpen(id)
  return true
}

export function render([id], redraw) {
  const newest = [...calls.values()].sort((a, b) => b.at - a.at)
  const shown = newest.filter(filters[filter][1])
  const chooser = h(
    'div.segments',
    { role: 'group', 'aria-label': 'Which calls' },
    Object.entries(filters).map(([name, [words, holds]]) =>
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
        `${words} `,
        h('span.count', {}, newest.filter(holds).length),
      ),
    ),
  )
  const list = h(
    'ol.calls',
    { keydown: moveFocus },
    shown.map((call) => row(call, call.id === id)),
  )
  const none = h(
    'p.empty',
    {},
    newest.length > 0
      ? 'No such call.'
      : [
          'Nothing has come in yet. ',
          h('a', { href: '#/sequences' }, 'Play a sequence'),
          ', or ',
          h('a', { href: '#/send' }, 'send an example'),
          '.',
        ],
  )
  return [
    h(
      `div.panes${id === undefined ? '' : '.opened'}`,
      {},
      h(
        'section.list',
        { 'aria-label': 'List of calls' },
        h('h1', {}, 'Calls'),
        chooser,
        shown.length > 0 ? list : none,
        isCut && h('p.muted', {}, 'Older calls that have ended are no longer shown.'),
      ),
      h('section.detail', { 'aria-label': 'The call' }, pane(id)),
    ),
  ]
}

function pane(id) {
  if (open) return detail(open)
  if (missing) return h('p.empty', { role: 'alert' }, missing)
  return h(
    'p.empty',
    {},
    id === undefined ? 'Choose a call to see what came in, what went out, and what it waits for.' : 'Loading ..',
  )
}

function row(call, chosen) {
  const { id, at, endedAt, category, action, connection, mode, state, text, waiting } = call
  return h(
    'li',
    { 'data-key': id },
    h(
      `a.call.${toneOf(state)}`,
      { href: `#/calls/${encodeURIComponent(id)}`, 'aria-current': chosen && 'true' },
      h('span.what', {}, h('strong', {}, action), ' ', badge(state, toneOf(state))),
      h('span.when', {}, time(at)),
      h('span.where', {}, [category, connection, mode].filter(Boolean).join(' · ')),
      h('span.took', {}, endedAt === undefined ? since(at) : span(endedAt - at)),
      text ? h('span.text', {}, text) : undefined,
      waiting?.until ? h('span.text', {}, until(waiting.until)) : undefined,
    ),
  )
}

/** The arrows go from call to call. */
function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step) return
  const links = [...event.currentTarget.querySelectorAll('a.call')]
  const next = links[links.indexOf(document.activeElement) + step]
  if (!next) return
  event.preventDefault()
  next.focus()
}
