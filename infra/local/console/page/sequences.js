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
    h('h1', 'Sequences'),
    h(
      'p.muted',
      'A simulated Keptn triggers the tasks of a shipyard and calls this runtime through webhook subscriptions.',
    ),
    problem && h('p.outcome.bad', { role: 'alert' }, problem),
    h(
      'ul.cards',
      sequences.map((sequence) => card(sequence, redraw)),
    ),
  ]
}

function card({ name, stages, run }, redraw) {
  const isRunning = run?.state === 'running'
  const act = async (path) => {
    try {
      problem = undefined
      await send('POST', `/console/sequences/${encodeURIComponent(name)}${path}`)
    } catch (error) {
      problem = error.message
    }
    redraw()
  }
  const hasApproval = stages.some(({ tasks }) => tasks.includes('approval'))
  return h(
    'li.card',
    { 'data-key': name },
    h('h2', name, ' ', run && badge(run.state, toneOf(run.state))),
    stages.map((stage) =>
      h(
        'p.flow',
        h('span.muted', `${stage.stage} `),
        stage.tasks.map((task, at) => [at > 0 && h('span.muted', ' → '), h('code', task)]),
      ),
    ),
    h(
      'p.row',
      isRunning
        ? h('button', { type: 'button', click: () => act('/stop') }, `Stop ${name}`)
        : h('button.primary', { type: 'button', click: () => act('') }, `Run ${name}`),
      run &&
        h(
          'span.muted',
          time(run.startedAt),
          ' · ',
          run.endedAt === undefined ? since(run.startedAt) : span(run.endedAt - run.startedAt),
        ),
      hasApproval && h('span', link('/sandbox/slack', 'Approve in Slack')),
    ),
    run &&
      run.lines.length > 0 &&
      h(
        'details',
        { open: true, 'data-key': `${name} lines` },
        h('summary', `Output (${run.lines.length} lines)`),
        code(run.lines.join('\n'), `Output of ${name}`),
      ),
  )
}
