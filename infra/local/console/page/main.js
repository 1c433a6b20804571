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

/** The view and its parameters, as the address has them: `#/calls/<id>`. */
function place() {
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
  const { name, view, parameters } = place()
  document.title = `${view.title} · Console`
  for (const link of document.querySelectorAll('header nav a')) {
    if (link.hash === `#/${name}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  morphChildren(main, view.render(parameters, draw).filter(Boolean))
}

/** The newest wish counts: what an older one has loaded is not shown any more. */
let wish = 0
async function go(moved) {
  const mine = ++wish
  const { view, parameters } = place()
  try {
    await view.load(parameters)
  } catch (error) {
    if (mine === wish)
      morphChildren(main, [h('p.empty', { role: 'alert' }, `The runtime does not answer: ${error.message}`)])
    return
  }
  if (mine !== wish) return
  draw()
  if (!moved) return
  // What was opened is read first, and on a phone it is all there is.
  window.scrollTo(0, 0)
  main.querySelector('.opened .detail')?.scrollTo(0, 0)
  main.querySelector('.opened h2')?.focus({ preventScroll: true })
}

/** Has the view that is open take a change in. */
async function tell(kind, data) {
  const { view, parameters } = place()
  const changed = await view[kind]?.(data, parameters)
  if (changed && view === place().view) draw()
}

document.getElementById('zone').textContent = `Times: ${timeZone()}`

const stream = new EventSource('/console/stream')
stream.addEventListener('ready', () => {
  show('live')
  go(false)
})
stream.addEventListener('error', () => show('reconnecting'))
stream.addEventListener('calls', (event) => tell('onCalls', JSON.parse(event.data)))
stream.addEventListener('sandbox', () => tell('onSandbox'))
stream.addEventListener('sequence', (event) => tell('onSequence', JSON.parse(event.data)))

function show(state) {
  connection.textContent = state
  connection.className = state
}

window.addEventListener('hashchange', () => {
  if (location.hash === '#main') return
  go(true)
})
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
setInterval(tick, 1_000)
setInterval(() => {
  if (document.visibilityState === 'visible' && place().view.refreshes) tell('onSandbox')
}, 4_000)
