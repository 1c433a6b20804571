import * as calls from './calls.js'
import { h, morphChildren } from './dom.js'
import * as faults from './faults.js'
import { tick, timeZone } from './format.js'
import * as sandbox from './sandbox.js'
import * as send from './send.js'
import * as sequences from './sequences.js'

const views = { calls, send, sequences, sandbox, faults }
const main = document.getElementById('main')
const connection = document.getElementById('connection')

/** Returns the view and its parameters from the URL: `#/calls/<id>`. */
function currentView() {
  const [name = 'calls', ...parameters] = location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .map(decodeURIComponent)
  return Object.hasOwn(views, name)
    ? { name, view: views[name], parameters }
    : { name: 'calls', view: calls, parameters: [] }
}

function draw() {
  const { name, view, parameters } = currentView()
  document.title = `${view.title} · Console`
  for (const link of document.querySelectorAll('header nav a')) {
    if (link.hash === `#/${name}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  morphChildren(main, view.render(parameters, draw).filter(Boolean))
}

/** Number of the latest navigation. Results of earlier navigations are ignored. */
let latest = 0
async function load(isNavigation) {
  const number = ++latest
  const { view, parameters } = currentView()
  try {
    await view.load(parameters)
  } catch (error) {
    if (number === latest)
      morphChildren(main, [h('p.empty', { role: 'alert' }, `Cannot load from the runtime: ${error.message}`)])
    return
  }
  if (number !== latest) return
  draw()
  if (!isNavigation) return
  // Focuses the opened item, which is the only visible part on a phone.
  window.scrollTo(0, 0)
  main.querySelector('.opened .detail')?.scrollTo(0, 0)
  main.querySelector('.opened h2')?.focus({ preventScroll: true })
}

/** Passes a change to the open view. */
async function notify(kind, data) {
  const { view, parameters } = currentView()
  const changed = await view[kind]?.(data, parameters)
  if (changed && view === currentView().view) draw()
}

document.getElementById('zone').textContent = `Time zone: ${timeZone()}`

const stream = new EventSource('/console/stream')
stream.addEventListener('ready', () => {
  show('connected')
  load(false)
})
stream.addEventListener('error', () => show('reconnecting'))
stream.addEventListener('calls', (event) => notify('onCalls', JSON.parse(event.data)))
stream.addEventListener('sandbox', () => notify('onSandbox'))
stream.addEventListener('sequence', (event) => notify('onSequence', JSON.parse(event.data)))

function show(state) {
  connection.textContent = state
  connection.className = state
}

window.addEventListener('hashchange', () => {
  if (location.hash === '#main') return
  load(true)
})
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
setInterval(tick, 1_000)
setInterval(() => {
  if (document.visibilityState === 'visible' && currentView().view.refreshes) notify('onSandbox')
}, 4_000)
