import { get, send } from './api.js'
import { h } from './dom.js'
import { until } from './format.js'

/** Kinds with a button. The others are in the form. */
const commonKinds = ['slow', '500', '503', '429', 'hang', 'reset']
const durations = {
  '': 'until switched off',
  'seconds:10': 'for 10 s',
  'seconds:30': 'for 30 s',
  'count:1': 'for 1 call',
  'count:3': 'for 3 calls',
}

let targets = []
let kinds = []
let active = []
let problem
let duration = ''
let isAfter = false

export const title = 'Faults'
export const refreshes = true

export async function load() {
  if (kinds.length === 0) ({ targets, kinds } = await get('/console/faults'))
  active = await get('/sandbox/faults')
}

export async function onSandbox() {
  await load()
  return true
}

export function render(_parameters, redraw) {
  const act = async (method, path, body) => {
    problem = undefined
    try {
      await send(method, path, body)
    } catch (error) {
      problem = error.message
    }
    await load()
    redraw()
  }
  const add = (target, kind) => {
    const [unit, value] = duration.split(':')
    return act('POST', '/sandbox/faults', {
      target,
      kind,
      ...(unit ? { [unit]: Number(value) } : {}),
      ...(isAfter ? { after: true } : {}),
    })
  }
  return [
    h('h1', 'Faults'),
    h('p.muted', 'Let a platform of the sandbox fail to see how your sequence reacts.'),
    h(
      'div.row',
      h('label', { for: 'duration' }, 'Switch on '),
      h(
        'select',
        {
          id: 'duration',
          change: (event) => {
            duration = event.currentTarget.value
          },
        },
        Object.entries(durations).map(([value, text]) => h('option', { value, selected: value === duration }, text)),
      ),
      h(
        'label.check',
        h('input', {
          type: 'checkbox',
          checked: isAfter,
          change: (event) => {
            isAfter = event.currentTarget.checked
          },
        }),
        ' Run the request and break only its response',
      ),
    ),
    problem && h('p.outcome.bad', { role: 'alert' }, problem),
    h(
      'div.switches',
      targets.map((target) => row(target, act, add)),
    ),
    otherFaults(add),
    // Below the buttons, so that it does not move them.
    active.length > 0 && list(act),
    h(
      'section',
      { 'aria-labelledby': 'of-runs' },
      h('h2', { id: 'of-runs' }, 'Failing runs'),
      h(
        'p',
        'Set the parameter ',
        h('code', 'outcome'),
        ' of a run: ',
        [
          ['fails', 1],
          ['never ends', 2],
          ['disappears', 3],
        ].map(([text, at], index) => [
          index > 0 && ', ',
          h('a', { href: `#/send/optimization/start-model/${at}` }, text),
        ]),
        '.',
      ),
    ),
  ]
}

function row(target, act, add) {
  return h(
    'fieldset.switchrow',
    { 'data-key': target },
    h('legend', target),
    commonKinds.map((kind) => {
      const on = active.find((fault) => fault.target === target && fault.kind === kind)
      return h(
        'button.switch',
        {
          type: 'button',
          'aria-pressed': String(on !== undefined),
          'aria-label': `${target}: ${kind}`,
          title: describe(kind),
          click: () => (on ? act('DELETE', `/sandbox/faults/${on.id}`) : add(target, kind)),
        },
        kind,
      )
    }),
  )
}

const describe = (kind) => kinds.find((one) => one.kind === kind)?.text ?? ''

function list(act) {
  return h(
    'section',
    { 'aria-labelledby': 'of-active' },
    h('h2', { id: 'of-active' }, 'Switched on ', h('span.count', active.length)),
    h(
      'ul.active',
      active.map(({ id, target, kind, left, until: end, after, match }) =>
        h(
          'li',
          { 'data-key': `fault-${id}` },
          h('strong', `${target} ${kind}`),
          ' ',
          h(
            'span.muted',
            [
              describe(kind),
              left !== undefined && `${left} calls left`,
              after && 'response only',
              match && JSON.stringify(match),
            ]
              .filter(Boolean)
              .join(' · '),
          ),
          end && [' ', until(Date.parse(end))],
          ' ',
          h(
            'button',
            {
              type: 'button',
              'aria-label': `Switch off ${target} ${kind}`,
              click: () => act('DELETE', `/sandbox/faults/${id}`),
            },
            'Switch off',
          ),
        ),
      ),
    ),
    h('p', h('button', { type: 'button', click: () => act('DELETE', '/sandbox/faults') }, 'Switch all off')),
  )
}

function otherFaults(add) {
  const submit = (event) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    return add(fields.get('target'), fields.get('kind'))
  }
  return h(
    'form.row',
    { submit, 'aria-label': 'Other fault' },
    h('label', { for: 'target' }, 'Other fault: '),
    h(
      'select',
      { id: 'target', name: 'target' },
      targets.map((target) => h('option', target)),
    ),
    h(
      'select',
      { name: 'kind', 'aria-label': 'Kind of fault' },
      kinds
        .filter(({ kind }) => !commonKinds.includes(kind))
        .map(({ kind, text }) => h('option', { value: kind }, `${kind}: ${text}`)),
    ),
    h('button', { type: 'submit' }, 'Switch on'),
  )
}
