import { h, link } from './dom.js'
import { badge, code, pretty, since, span, time, toneOf, until } from './format.js'

/** All that belongs to one call. */
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

function heading(call) {
  const { id, at, endedAt, category, action, connection, mode, state, text, event, deadlineAt, outcome, waiting } = call
  const about = event && `${event.task} of ${event.service} in ${event.project}/${event.stage}`
  const links = Object.entries(outcome?.links ?? {})
  return h(
    'header.head',
    {},
    h('a.back', { href: '#/calls' }, '← All calls'),
    h('h2', { tabindex: -1 }, action, ' ', badge(state, toneOf(state))),
    h('p.muted', {}, [category, connection, mode, about].filter(Boolean).join(' · ')),
    h(
      'dl.facts',
      {},
      fact('Received', time(at)),
      fact(endedAt === undefined ? 'For' : 'Took', endedAt === undefined ? since(at) : span(endedAt - at)),
      deadlineAt && endedAt === undefined && fact('Deadline', until(deadlineAt, 'at')),
      fact(mode === 'interactive' ? 'Task' : 'Request', h('code', {}, id)),
    ),
    text &&
      h(`p.outcome.${toneOf(state)}`, {}, text, waiting?.people && [' ', link('/sandbox/slack', 'Decide in the chat')]),
    links.length > 0 &&
      h(
        'p.links',
        {},
        links.map(([name, address]) => h('span', {}, link(address, name))),
      ),
  )
}

function fact(name, value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value))
}

function section(name, title, count, ...content) {
  return h(
    'section',
    { 'data-key': name, 'aria-labelledby': `of-${name}` },
    h('h3', { id: `of-${name}` }, title, ' ', count !== undefined && h('span.count', {}, count)),
    content,
  )
}

const words = {
  received: 'received',
  answered: 'answered',
  started: 'started',
  called: 'called',
  polled: 'polled',
  trouble: 'trouble',
  asked: 'asked',
  event: 'event back',
  waiting: 'waiting',
  finished: 'finished',
}

function timeline({ timeline: moments }) {
  const began = moments[0]?.at ?? 0
  return section(
    'timeline',
    'Timeline',
    undefined,
    h(
      'ol.timeline',
      {},
      moments.map(({ at, kind, text, detail: more, tone, times, lastAt, until: end }) =>
        h(
          `li.${tone ?? 'plain'}${kind === 'waiting' ? '.now' : ''}`,
          {},
          h(
            'span.at',
            {},
            kind === 'waiting' ? 'now' : time(at, true),
            h('small', {}, kind === 'waiting' || at === began ? '' : ` +${span(at - began)}`),
          ),
          h('span.kind', {}, words[kind] ?? kind),
          h(
            'span.said',
            {},
            h('span', {}, text),
            times && h('b', {}, ` ×${times}`),
            lastAt && h('small', {}, ' last at ', time(lastAt)),
            end && [' ', until(end)],
            more && h('small.more', {}, more),
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
      h('p.muted', {}, 'It came in before this start of the runtime: only its task was kept.'),
    )
  return section(
    'requests',
    all.length === 1 ? 'Inbound request' : 'Inbound requests',
    all.length > 1 ? all.length : undefined,
    all.map(({ at, method, path, query, headers, body, cut, answer }, index) =>
      h(
        'details',
        { 'data-key': at },
        h(
          'summary',
          {},
          time(at),
          ' ',
          h('code', {}, `${method} ${path}${query ? `?${query}` : ''}`),
          ' ',
          answer && statusBadge(answer.status),
        ),
        h('h4', {}, 'Headers'),
        code(
          Object.entries(headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n'),
          `Headers of request ${index + 1}`,
        ),
        h('h4', {}, cut ? 'Body, the beginning' : 'Body'),
        code(body === '' ? '(none)' : pretty(body), `Body of request ${index + 1}`),
        answer && [h('h4', {}, 'Answer'), code(pretty(answer.body), `Answer to request ${index + 1}`)],
      ),
    ),
  )
}

function statusBadge(status) {
  return badge(status ?? 'no answer', !status || status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good')
}

function outgoing({ outgoing: all, forgotten }) {
  if (all.length === 0)
    return section('outgoing', 'Calls out', 0, h('p.muted', {}, 'None since this start of the runtime.'))
  return section(
    'outgoing',
    'Calls out',
    all.length + forgotten,
    forgotten > 0 && h('p.muted', {}, `The newest ${all.length}.`),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['Time', 'Platform', 'Request', 'Status', 'Took', 'Step'].map((name) => h('th', { scope: 'col' }, name)),
        ),
      ),
      h(
        'tbody',
        {},
        all.map(({ at, platform, method, host, path, status, ms, step }) =>
          h(
            'tr',
            {},
            cell('Time', time(at - ms, true)),
            cell('Platform', h('span.short', {}, platform)),
            cell('Request', h('code', { title: host }, `${method} ${path ?? ''}`)),
            cell('Status', statusBadge(status)),
            cell('Took', h('span.short', {}, `${ms} ms`)),
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
    'Events back',
    all.length,
    all.length === 0 && h('p.muted', {}, 'None that the sandbox has recorded.'),
    all.map(({ at, event }) =>
      h(
        'details',
        { 'data-key': event.id },
        h(
          'summary',
          {},
          time(Date.parse(at)),
          ' ',
          h('code', {}, event.type),
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
            {},
            time(startedAt),
            ' ',
            h('code', {}, name ?? subType ?? type),
            ' ',
            isFailedAttempt
              ? badge('failed, tried again', 'bad')
              : badge(
                  status.toLowerCase(),
                  status === 'SUCCEEDED' ? 'good' : ['FAILED', 'TIMED_OUT'].includes(status) ? 'bad' : 'busy',
                ),
            h(
              'small',
              {},
              [subType ?? type, attempts > 1 && `${attempts} times`, endedAt !== undefined && span(endedAt - startedAt)]
                .filter(Boolean)
                .map((word) => ` · ${word}`),
            ),
            nextAt && [' ', until(nextAt)],
          ),
          error && code(`${error.ErrorType ?? 'Error'}: ${error.ErrorMessage ?? ''}`, `Error of ${name}`),
          result !== undefined && code(pretty(result), `Result of ${name}`),
          !error && result === undefined && h('p.muted', {}, 'No result.'),
        ),
    ),
  )
}

/** On a phone a row is a card, where each cell says what it is. */
export function cell(name, ...content) {
  return h('td', { 'data-name': name }, h('span', {}, content))
}
