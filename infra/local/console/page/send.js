import { get, send as post } from './api.js'
import { h } from './dom.js'
import { badge, code, pretty } from './format.js'

let actions = []
let response
let problem
let isSending = false
/** Number of the form. A new number resets its fields. */
let draft = 0

export const title = 'Send'

export async function load() {
  actions = await get('/console/actions')
  draft += 1
  response = undefined
  problem = undefined
}

/** Updates an example that waits for the result of another action. */
export async function onCalls(_change, [category, action, at]) {
  const before = exampleOf(category, action, at)
  if (!before?.needs) return false
  actions = await get('/console/actions')
  if (exampleOf(category, action, at)?.needs) return false
  draft += 1
  return true
}

function exampleOf(category, action, at = '0') {
  return actions.find((one) => one.category === category && one.action === action)?.examples[Number(at)]
}

export function render([category, action, at = '0'], redraw) {
  return [
    h(
      `div.panes${action === undefined ? '' : '.opened'}`,
      h(
        'section.list',
        { 'aria-label': 'Actions' },
        h('h1', 'Send an example'),
        h(
          'nav',
          { 'aria-label': 'Actions' },
          [...Map.groupBy(actions, (one) => one.category)].map(([name, all]) => group(name, all, category, action)),
        ),
      ),
      h('section.detail', { 'aria-label': 'Example' }, pane(category, action, at, redraw)),
    ),
  ]
}

function group(name, all, category, action) {
  return h(
    'div.group',
    { 'data-key': name },
    h('h2', name),
    h(
      'ul.plain',
      all.map((one) =>
        h(
          'li',
          h(
            'a',
            {
              href: `#/send/${name}/${one.action}`,
              'aria-current': one.action === action && name === category && 'true',
            },
            one.action,
            one.examples.length === 0 && h('small', ' not in the sandbox'),
          ),
        ),
      ),
    ),
  )
}

function pane(category, action, at, redraw) {
  const found = actions.find((one) => one.category === category && one.action === action)
  if (!found) return h('p.empty', 'Select an action. Its examples work with the sandbox.')
  const example = found.examples[Number(at)]
  const back = h('a.back', { href: '#/send' }, '← All actions')
  const head = [h('h2', { tabindex: -1 }, action), h('p.muted', `${category} · ${found.summary}`)]
  if (!example) {
    return h(
      'div',
      back,
      head,
      h(
        'p',
        'The sandbox has no platform for this action. Add a connection with ',
        h('code', 'webhooks connect --local'),
        '.',
      ),
    )
  }
  return h(
    'div',
    { 'data-key': `${category}/${action}` },
    back,
    head,
    found.examples.length > 1 &&
      h(
        'ul.choices',
        found.examples.map((one, index) =>
          h(
            'li',
            h(
              'a',
              { href: `#/send/${category}/${action}/${index}`, 'aria-current': index === Number(at) && 'true' },
              one.name,
            ),
          ),
        ),
      ),
    found.examples.length === 1 && h('p', example.name),
    example.needs &&
      h(
        'p.outcome.warn',
        'This example needs the result of ',
        h('a', { href: `#/send/${category}/${example.needs}` }, example.needs),
        '. Send it first.',
      ),
    form(category, action, at, example, redraw),
    problem && h('p.outcome.bad', { role: 'alert' }, problem),
    response && responseSection(),
  )
}

function form(category, action, at, { query, body, needs }, redraw) {
  const submit = async (event) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    await call(category, action, String(fields.get('query')), String(fields.get('body')), fields.has('keep'), redraw)
  }
  return h(
    'form.send',
    { submit, 'data-key': `${category}/${action}/${at}/${draft}` },
    h('label', { for: 'query' }, 'POST ', h('code', `/v1/${category}/${action}?`)),
    h('input', { id: 'query', name: 'query', value: query, spellcheck: 'false', autocomplete: 'off' }),
    h('label', { for: 'body' }, 'Body'),
    h(
      'textarea',
      { id: 'body', name: 'body', spellcheck: 'false', rows: Math.min(24, pretty(body).split('\n').length + 1) },
      pretty(body),
    ),
    h(
      'p.row',
      h(
        'button.primary',
        { type: 'submit', disabled: isSending || Boolean(needs) },
        isSending ? 'Sending ...' : 'Send',
      ),
      h('label.check', h('input', { type: 'checkbox', name: 'keep' }), ' Keep the ids to send a duplicate next'),
    ),
  )
}

async function call(category, action, query, text, reuseIds, redraw) {
  problem = undefined
  let body
  try {
    body = JSON.parse(text)
  } catch (error) {
    problem = `The body is not JSON: ${error.message}`
    return redraw()
  }
  isSending = true
  redraw()
  try {
    response = await post('POST', `/console/actions/${encodeURIComponent(category)}/${encodeURIComponent(action)}`, {
      query,
      body,
    })
    if (!reuseIds) {
      // Preserves edits, but uses new ids for the next call.
      const area = document.getElementById('body')
      if (area && typeof body.id === 'string')
        area.value = pretty({ ...body, id: crypto.randomUUID(), shkeptncontext: crypto.randomUUID() })
    }
  } catch (error) {
    problem = error.message
  }
  isSending = false
  redraw()
}

function responseSection() {
  const { status, body, id } = response
  return h(
    'section',
    { 'aria-label': 'Response', role: 'status' },
    h('h3', 'Response ', badge(status, status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good')),
    id && h('p', h('a', { href: `#/calls/${encodeURIComponent(id)}` }, 'Open the call')),
    code(pretty(body), 'Response'),
  )
}
