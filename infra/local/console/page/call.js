import { h, link } from './dom.js'
import { badge, code, pretty, since, span, time, toneOf, until } from './format.js'

/** Renders a call with its requests, outgoing calls, events and steps. */
export function detail(call) {
  return h(
    'article',
    { 'data-key': call.id },
    heading(call),
    timeline(call),
    requests(call),
    outgoing(call),
    events(call),
    steps(call),
  )
}

/** Returns `openticket of checkout in shop/production`, without the parts that the call does not have. */
function describeOrigin({ task, project, stage, service }) {
  const place = [project, stage].filter(Boolean).join('/')
  return [task, service && `of ${service}`, place && `in ${place}`].filter(Boolean).join(' ')
}

function heading(call) {
  const { id, at, endedAt, category, action, connection, mode, state, text, event, deadlineAt, outcome, waiting } = call
  const about = event && describeOrigin(event)
  const links = Object.entries(outcome?.links ?? {})
  return h(
    'header.head',
    h('a.back', { href: '#/calls' }, '← All calls'),
    h('h2', { tabindex: -1 }, action, ' ', badge(state, toneOf(state))),
    h('p.muted', [category, connection, mode, about].filter(Boolean).join(' · ')),
    h(
      'dl.facts',
      fact('Received', time(at)),
      fact(endedAt === undefined ? 'Running for' : 'Duration', endedAt === undefined ? since(at) : span(endedAt - at)),
      deadlineAt && endedAt === undefined && fact('Deadline', until(deadlineAt, 'at')),
      fact(mode === 'interactive' ? 'Task' : 'Request', h('code', id)),
    ),
    text && h(`p.outcome.${toneOf(state)}`, text, waiting?.people && [' ', link('/sandbox/slack', 'Decide in Slack')]),
    links.length > 0 &&
      h(
        'p.links',
        links.map(([name, url]) => h('span', link(url, name))),
      ),
  )
}

function fact(name, value) {
  return h('div', h('dt', name), h('dd', value))
}

function section(name, title, count, ...content) {
  return h(
    'section',
    { 'data-key': name, 'aria-labelledby': `of-${name}` },
    h('h3', { id: `of-${name}` }, title, ' ', count !== undefined && h('span.count', count)),
    content,
  )
}

function timeline({ timeline: moments }) {
  const startedAt = moments[0]?.at ?? 0
  return section(
    'timeline',
    'Timeline',
    undefined,
    h(
      'ol.timeline',
      moments.map(({ at, kind, text, detail: more, tone, times, lastAt, until: end }) =>
        h(
          `li.${tone ?? 'plain'}${kind === 'waiting' ? '.now' : ''}`,
          h(
            'span.at',
            kind === 'waiting' ? 'now' : time(at, true),
            h('small', kind === 'waiting' || at === startedAt ? '' : ` +${span(at - startedAt)}`),
          ),
          h('span.kind', kind),
          h(
            'span.moment',
            h('span', text),
            times && h('b', ` ×${times}`),
            lastAt && h('small', ' last at ', time(lastAt)),
            end && [' ', until(end)],
            more && h('small.more', more),
          ),
        ),
      ),
    ),
  )
}

function requests({ requests: all }) {
  if (all.length === 0)
    return section(
      'requests',
      'Inbound',
      0,
      h('p.muted', 'Received before the last restart: the requests are no longer available.'),
    )
  return section(
    'requests',
    all.length === 1 ? 'Inbound request' : 'Inbound requests',
    all.length > 1 ? all.length : undefined,
    all.map(({ at, method, path, query, headers, body, isClipped, response }, index) =>
      h(
        'details',
        { 'data-key': at },
        h(
          'summary',
          time(at),
          ' ',
          h('code', `${method} ${path}${query ? `?${query}` : ''}`),
          ' ',
          response && statusBadge(response.status),
        ),
        h('h4', 'Headers'),
        code(
          Object.entries(headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n'),
          `Headers of request ${index + 1}`,
        ),
        h('h4', isClipped ? 'Body (clipped)' : 'Body'),
        code(body === '' ? '(none)' : pretty(body), `Body of request ${index + 1}`),
        response && [h('h4', 'Response'), code(pretty(response.body), `Response to request ${index + 1}`)],
      ),
    ),
  )
}

function statusBadge(status) {
  return badge(status ?? 'no response', !status || status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good')
}

function outgoing({ outgoing: all, droppedCalls }) {
  if (all.length === 0) return section('outgoing', 'Outgoing calls', 0, h('p.muted', 'None since the last restart.'))
  return section(
    'outgoing',
    'Outgoing calls',
    all.length + droppedCalls,
    droppedCalls > 0 && h('p.muted', `Latest ${all.length}`),
    h(
      'table',
      h(
        'thead',
        h(
          'tr',
          ['Time', 'Platform', 'Request', 'Status', 'Duration', 'Step'].map((name) => h('th', { scope: 'col' }, name)),
        ),
      ),
      h(
        'tbody',
        all.map(({ at, platform, method, host, path, status, ms, step }) =>
          h(
            'tr',
            cell('Time', time(at - ms, true)),
            cell('Platform', h('span.short', platform)),
            cell('Request', h('code', { title: host }, `${method} ${path ?? ''}`)),
            cell('Status', statusBadge(status)),
            cell('Duration', h('span.short', `${ms} ms`)),
            cell('Step', step ?? 'webhook'),
          ),
        ),
      ),
    ),
  )
}

function events({ events: all, mode }) {
  if (mode !== 'interactive') return undefined
  return section(
    'events',
    'Sent events',
    all.length,
    all.length === 0 && h('p.muted', 'The sandbox has received no events.'),
    all.map(({ at, event }) =>
      h(
        'details',
        { 'data-key': event.id },
        h(
          'summary',
          time(Date.parse(at)),
          ' ',
          h('code', event.type),
          ' ',
          event.data?.result && badge(event.data.result, toneOf(event.data.result)),
        ),
        code(pretty(event), event.type),
      ),
    ),
  )
}

function steps({ steps: all, mode }) {
  if (mode !== 'interactive' || all.length === 0) return undefined
  return section(
    'steps',
    'Durable steps',
    all.length,
    all.map(
      ({ id, name, type, subType, status, startedAt, endedAt, attempts, nextAt, result, error, isFailedAttempt }) =>
        h(
          'details',
          { 'data-key': `${id} ${startedAt}` },
          h(
            'summary',
            time(startedAt),
            ' ',
            h('code', name ?? subType ?? type),
            ' ',
            isFailedAttempt
              ? badge('failed, retried', 'bad')
              : badge(
                  status.toLowerCase(),
                  status === 'SUCCEEDED' ? 'good' : ['FAILED', 'TIMED_OUT'].includes(status) ? 'bad' : 'busy',
                ),
            h(
              'small',
              [
                subType ?? type,
                attempts > 1 && `${attempts} attempts`,
                endedAt !== undefined && span(endedAt - startedAt),
              ]
                .filter(Boolean)
                .map((word) => ` · ${word}`),
            ),
            nextAt && [' ', until(nextAt)],
          ),
          error && code(`${error.ErrorType ?? 'Error'}: ${error.ErrorMessage ?? ''}`, `Error of ${name}`),
          result !== undefined && code(pretty(result), `Result of ${name}`),
          !error && result === undefined && h('p.muted', 'No result'),
        ),
    ),
  )
}

/** Renders a table cell. On a phone, a row becomes a card with the name of each cell. */
export function cell(name, ...content) {
  return h('td', { 'data-name': name }, h('span', content))
}
