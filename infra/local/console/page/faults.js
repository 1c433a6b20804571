import { get, send } from './api.js'
import { h } from './dom.js'
import { until } from './format.js'

/** The kinds that have a switch of their own; the others are in the form. */
const common = ['slow', '500', '503', '429', 'hang', 'reset']
const lasts = {
  '': 'until switched off',
  'seconds:10': 'for 10 s',
  'seconds:30': 'for 30 s',
  'count:1': 'for one call',
  'count:3': 'for three calls',
}

let targets = []
let kinds = []
let active = []
let problem
let last = ''
let after = false

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
    const [unit, value] = last.split(':')
    return act('POST', '/sandbox/faults', {
      target,
      kind,
      ...(unit ? { [unit]: Number(value) } : {}),
      ...(after ? { after: true } : {}),
    })
  }
  return [
    h('h1', {}, 'Faults'),
    h('p.muted', {}, 'A platform of the sandbox fails as you say, so that you see what your sequence will see.'),
    h(
      'div.row',
      {},
      h('label', { for: 'last' }, 'Switch on '),
      h(
        'select',
        {
          id: 'last',
          change: (event) => {
            last = event.currentTarget.value
          },
        },
        Object.entries(lasts).map(([value, text]) => h('option', { value, selected: value === last }, text)),
      ),
      h(
        'label.check',
        {},
        h('input', {
          type: 'checkbox',
          checked: after,
          change: (event) => {
            after = event.currentTarget.checked
          },
        }),
        ' carry the call out, and spoil only its answer',
      ),
    ),
    problem && h('p.outcome.bad', { role: 'alert' }, problem),
    h(
      'div.switches',
      {},
      targets.map((target) => row(target, act, add)),
    ),
    other(add),
    // Below: what is switched on must not move the switches.
    active.length > 0 && list(act),
    h(
      'section',
      { 'aria-labelledby': 'of-runs' },
      h('h2', { id: 'of-runs' }, 'Runs that misbehave'),
      h(
        'p',
        {},
        'A run ends as its parameter ',
        h('code', {}, 'outcome'),
        ' says: ',
        [
          ['fails', 1],
          ['never ends', 2],
          ['vanishes', 3],
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
    h('legend', {}, target),
    common.map((kind) => {
      const on = active.find((fault) => fault.target === target && fault.kind === kind)
      return h(
        'button.switch',
        {
          type: 'button',
          'aria-pressed': String(on !== undefined),
          'aria-label': `${target}: ${kind}`,
          title: textOf(kind),
          click: () => (on ? act('DELETE', `/sandbox/faults/${on.id}`) : add(target, kind)),
        },
        kind,
      )
    }),
  )
}

const textOf = (kind) => kinds.find((one) => one.kind === kind)?.text ?? ''

function list(act) {
  return h(
    'section',
    { 'aria-labelledby': 'of-active' },
    h('h2', { id: 'of-active' }, 'Switched on ', h('span.count', {}, active.length)),
    h(
      'ul.active',
      {},
      active.map(({ id, target, kind, left, until: end, after: spoils, match }) =>
        h(
          'li',
          { 'data-key': `fault-${id}` },
          h('strong', {}, `${target} ${kind}`),
          ' ',
          h(
            'span.muted',
            {},
            [
              textOf(kind),
              left !== undefined && `${left} calls left`,
              spoils && 'after the work',
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
            'Off',
          ),
        ),
      ),
    ),
    h('p', {}, h('button', { type: 'button', click: () => act('DELETE', '/sandbox/faults') }, 'Switch all off')),
  )
}

function other(add) {
  const submit = (event) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    return add(fields.get('target'), fields.get('kind'))
  }
  return h(
    'form.row',
    { submit, 'aria-label': 'Any other fault' },
    h('label', { for: 'target' }, 'Any other: '),
    h(
      'select',
      { id: 'target', name: 'target' },
      targets.map((target) => h('option', {}, target)),
    ),
    h(
      'select',
      { name: 'kind', 'aria-label': 'Kind of fault' },
      kinds
        .filter(({ kind }) => !common.includes(kind))
        .map(({ kind, text }) => h('option', { value: kind }, `${kind}: ${text}`)),
    ),
    h('button', { type: 'submit' }, 'Switch on'),
  )
}
