import { get, send } from './api.js'
import { h, link } from './dom.js'
import { badge, code, since, span, time, toneOf } from './format.js'

let sequences = []
let problem

export const title = 'Sequences'

export async function load() {
  sequences = await get('/console/sequences')
  problem = undefined
}

export function onSequence(view) {
  const { line: _line, ...changed } = view
  sequences = sequences.map((one) => (one.name === view.name ? changed : one))
  return true
}

export function render(_parameters, redraw) {
  return [
    h('h1', {}, 'Sequences'),
    h(
      'p.muted',
      {},
      "Keptn's part is played here: it triggers the tasks of a shipyard, and calls this runtime through webhook subscriptions.",
    ),
    problem && h('p.outcome.bad', { role: 'alert' }, problem),
    h(
      'ul.cards',
      {},
      sequences.map((sequence) => card(sequence, redraw)),
    ),
  ]
}

function card({ name, stages, play }, redraw) {
  const playing = play?.state === 'playing'
  const act = async (path) => {
    try {
      problem = undefined
      await send('POST', `/console/sequences/${encodeURIComponent(name)}${path}`)
    } catch (error) {
      problem = error.message
    }
    redraw()
  }
  const asks = stages.some(({ tasks }) => tasks.includes('approval'))
  return h(
    'li.card',
    { 'data-key': name },
    h('h2', {}, name, ' ', play && badge(play.state, toneOf(play.state))),
    stages.map((stage) =>
      h(
        'p.flow',
        {},
        h('span.muted', {}, `${stage.stage} `),
        stage.tasks.map((task, at) => [at > 0 && h('span.muted', {}, ' → '), h('code', {}, task)]),
      ),
    ),
    h(
      'p.row',
      {},
      playing
        ? h('button', { type: 'button', click: () => act('/stop') }, `Stop ${name}`)
        : h('button.primary', { type: 'button', click: () => act('') }, `Play ${name}`),
      play &&
        h(
          'span.muted',
          {},
          time(play.startedAt),
          ' · ',
          play.endedAt === undefined ? since(play.startedAt) : span(play.endedAt - play.startedAt),
        ),
      asks && h('span', {}, link('/sandbox/slack', 'Approve in the chat')),
    ),
    play &&
      play.lines.length > 0 &&
      h(
        'details',
        { open: true, 'data-key': `${name} lines` },
        h('summary', {}, `${play.lines.length} lines`),
        code(play.lines.join('\n'), `What the player of ${name} tells`),
      ),
  )
}
