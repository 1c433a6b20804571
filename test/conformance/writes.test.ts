import { describe, expect, test } from '@jest/globals'
import { ok, serve } from '../../infra/testing/loopback-server.ts'
import { Failure } from '../../shared/errors.ts'
import type { Provider } from '../../shared/providers/provider.ts'
import type { TicketProvider } from '../../shared/providers/ticket.ts'
import { isRecord } from '../../shared/record.ts'
import { readRunState } from '../../shared/state/run-states.ts'
import { uuidOf } from '../../shared/text/uuid.ts'
import { failureOf } from '../functions/helpers.ts'
import './deployment.ts'
import { categories } from '../../functions/index.ts'
import { categoryOf } from './category-of.ts'
import { platforms } from './platforms.ts'
import type { WriteRow } from './row.ts'
import { rowsOf } from './rows.ts'
import { unexpectedBodies } from './unexpected-bodies.ts'
import { observe } from './writes.ts'

/** Providers without a write that could be repeated, and why. */
const readers: Record<string, string> = {
  'load-testing/autocannon': 'runs in the task itself, without a platform',
}

/** A provider reads every body with the same code in both modes: an object and a text show how a silent call ends. */
const silentBodies = ['an empty object', 'a web page']

/** The write was found, or its outcome is unknown. */
const KNOWN_ENDS =
  /^succeeded: |^(?:unconfirmed|errored): .*(?:may have (?:been )?created|is unknown|before you repeat)/s

test('the conformance suite lists every provider that writes', async () => {
  // A provider of several categories is tested once.
  const paths = new Map<Provider, string[]>()
  for (const category of categories) {
    for (const [name, load] of Object.entries(category.providers)) {
      const provider = await load()
      paths.set(provider, [...(paths.get(provider) ?? []), `${category.name}/${name}`])
    }
  }
  const missing = [...paths].filter(([provider, found]) => {
    const isReader = provider.kind === 'evaluation' && !('startMeasurement' in provider)
    return !isReader && !found.some((path) => path in platforms || path in readers)
  })
  expect(missing.map(([, found]) => found)).toEqual([])
})

describe.each(Object.entries(platforms))('%s: a success with an unexpected body', (path, platform) => {
  test.each(Object.entries(unexpectedBodies))('%s is one write', async (what, body) => {
    const isInteractiveOnly = platform.needsTask || !silentBodies.includes(what)
    for (const mode of isInteractiveOnly ? (['interactive'] as const) : (['silent', 'interactive'] as const)) {
      const { ends, writes, made } = await observe(path, platform, { body, mode })
      const accepted = (writes[0] ?? 500) < 300
      const once = platform.repeatable ? (made ?? 1) : writes.length
      const end = expect.stringMatching(KNOWN_ENDS)
      expect({ mode, ends, accepted, once }).toEqual({ mode, ends: ends.map(() => end), accepted: true, once: 1 })
    }
  })
})

describe.each(Object.entries(platforms))('%s: an unexpected response to a search', (path, platform) => {
  test('does not mean that nothing was written', async () => {
    const retried = { ...platform, repeatable: 'a retry finds the first write' }
    const lose = (readBody?: string) => observe(path, retried, { mode: 'interactive', lost: true, readBody })
    // Some platforms cannot be searched, so that a retry writes again.
    const { searches, ...first } = await lose()
    const expected = first.made ?? first.requests
    for (const body of searches ? ['{}', '{"items":null}', ''] : []) {
      const { made, requests } = await lose(body)
      expect({ body, writes: Math.max(made ?? requests, expected) }).toEqual({ body, writes: expected })
    }
  })
})

/** How a call ends that may not start, by what forbids it and its mode. */
const FORBIDDEN_ENDS = {
  'stop silent': /^stopped: Stopped by jane@example\.com: bad release\. Nothing was started\./,
  'stop interactive': /^held: Stopped by jane@example\.com: bad release$/,
  'window silent': /^closed: The window has closed: year end \(Closing\), until .+\. Nothing was started\.$/,
  'window interactive': /^succeeded: The window has closed: year end \(Closing\), until .+\. Nothing was started\.$/,
}
/** The write was found, the platform cannot say yet, or the outcome is unknown. */
const LOST_ENDS =
  /^succeeded: (?!.*Nothing was started)|^held: .+ It may have written$|may (?:have|still have|belong to)|is unknown|attempted again/s

const { free = [], stoppable = [] } = Object.groupBy(Object.entries(platforms), ([path, { action }]) =>
  asksOrReads(path, action) ? 'free' : 'stoppable',
)

describe.each(free)('%s: an action that only asks people, or evaluates', (path, platform) => {
  test('is not stopped', async () => {
    for (const forbiddenBy of ['stop', 'window'] as const) {
      const { ends, requests } = await observe(path, platform, { mode: 'interactive', forbiddenBy })
      expect({ ends, requests }).toEqual({ ends: [expect.stringMatching(/^succeeded: /)], requests: 1 })
    }
  })
})

describe.each(stoppable)('%s: an action that may not start', (path, platform) => {
  const modes = platform.needsTask ? (['interactive'] as const) : (['silent', 'interactive'] as const)

  test.each(['stop', 'window'] as const)('writes nothing during a %s', async (forbiddenBy) => {
    for (const mode of modes) {
      const { ends, requests, made } = await observe(path, platform, { mode, forbiddenBy })
      const end = expect.stringMatching(FORBIDDEN_ENDS[`${forbiddenBy} ${mode}`])
      expect({ mode, ends, requests, made: made ?? 0 }).toEqual({
        mode,
        ends: ends.map(() => end),
        requests: 0,
        made: 0,
      })
    }
  })

  test.each(['stop', 'window'] as const)(
    'only looks for a write whose response was lost, after a %s',
    async (forbiddenBy) => {
      const retried = { ...platform, repeatable: 'a retry looks for the first write' }
      for (const mode of forbiddenBy === 'stop' ? (['interactive'] as const) : modes) {
        const { ends, requests } = await observe(path, retried, { mode, lost: true, forbiddenBy })
        const end = expect.stringMatching(LOST_ENDS)
        expect({ mode, ends, requests }).toEqual({ mode, ends: ends.map(() => end), requests: 1 })
      }
    },
  )
})

const tickets = rowsOf('ticketRow')
const opening = Object.entries(platforms).filter(([path, { action }]) => /^open-/.test(action) && !/http$/.test(path))

describe.each(opening)('%s: input.fields', (path, platform) => {
  test('never removes the idempotency key from the ticket', async () => {
    const { sent, key = '' } = await observe(path, platform, { mode: 'silent' })
    const carriers = namesOf(sent, key)
    expect(carriers).not.toEqual([])
    for (const name of carriers) {
      const fields = { [name]: 'mine' }
      const retried = { ...platform, repeatable: 'a retry finds the first ticket' }
      const options = { mode: 'interactive', lost: true, input: { fields } } as const
      const opened = observe(path, retried, options)
      const result = await opened.then(({ made, ends: [end] }) => ({ name, made, end }), asRefusal)
      // Refused here or by the platform, or opened once and found.
      expect([
        { kind: 'invalid', path: expect.stringMatching(/^input\.fields/) },
        { name, made: 0, end: expect.stringMatching(/^errored: .* answered 4\d\d /) },
        { name, made: 1, end: expect.stringMatching(/^succeeded: Found /) },
      ]).toContainEqual(result)
    }
  })

  test('is refused before anything is sent if it sets a reserved field', async () => {
    const { reservedFields = [] } = (await providerOf(path)) as TicketProvider
    for (const { path: names, instead } of reservedFields) {
      const fields = names.reduceRight<unknown>((value, name) => ({ [name]: value }), 'mine')
      const update = { ...platform, action: platform.action.replace('open', 'update') }
      for (const [changed, input] of [
        [platform, { fields }],
        [update, { fields, id: tickets[path]?.unknownId ?? 'acme/shop#1' }],
      ] as const) {
        const refused = observe(path, changed, { mode: 'silent', input })
        const { kind, message, errors } = await failureOf(refused)
        const expected = { kind: 'invalid', errors: [{ path: `input.fields.${names.join('.')}` }] }
        expect({ kind, errors }).toMatchObject(expected)
        expect(message).toContain(instead)
      }
    }
  })
})

describe('generic HTTP API: a connection that does not match its API', () => {
  const nowhere = { path: 'things', query: { ref: 'key' }, at: 'response.nowhere' }
  const ticket = { id: 'response.wrongplace', state: 'response.state', closed: "response.state=='done'" }
  const answer = { path: 'things', body: '{ref: key}', at: 'response.answer' }
  const [tickets, jobs] = ['issue-ticketing/http', 'ci-cd/http'] as const
  const modes = ['silent', 'interactive'] as const

  test.each<[string, path: string, wrong: object, expression: string]>([
    ['the id of a ticket does not exist', tickets, { ticket }, 'ticket.id of the connection'],
    [
      'the id of a ticket is the text null',
      tickets,
      { ticket: { ...ticket, id: 'to_string(response.wrongplace)' } },
      'ticket.id of the connection finds nothing',
    ],
    [
      'the state of a ticket does not exist',
      tickets,
      { ticket: { ...ticket, id: 'response.id', state: 'response.nope' } },
      'ticket.state of the connection',
    ],
    [
      'an expression needs another type',
      tickets,
      { ticket: { ...ticket, id: "join(',', response.id)" } },
      'ticket.id of the connection',
    ],
    ['"at" finds nothing', tickets, { open: answer }, 'ticket.id of the connection'],
    [
      'the id of a job does not exist',
      jobs,
      { run: { id: 'to_string(response.nope)', state: 'response.state' } },
      'run.id of the connection finds nothing',
    ],
  ])('writes once if %s', async (_what, path, wrong, expression) => {
    for (const find of [undefined, nowhere]) {
      for (const mode of modes) {
        const { ends, writes } = await observe(path, withConnection(path, { find, ...wrong }), { mode })
        expect({ mode, find, writes }).toEqual({ mode, find, writes: [201] })
        expect(ends[0]).toMatch(/^(?:unconfirmed|errored): HTTP API accepted the request/)
        const answered = 'The response was 201 {"result":{"id":1,'
        for (const part of [expression, answered, 'The request may have created something'])
          expect(ends[0]).toContain(part)
        expect(ends[1] ?? 'unconfirmed: ').toMatch(/^unconfirmed: /)
      }
    }
  })

  test.each(modes)('finds a ticket if the API can search for the idempotency key (%s)', async (mode) => {
    const { ends, writes } = await observe(tickets, withConnection(tickets, { open: answer }), { mode })
    expect(writes).toEqual([201])
    for (const end of ends) expect(end).toMatch(/^succeeded: Found ticket 1/)
  })

  test.each(modes)('repeats a start with an idempotency header, and one run exists (%s)', async (mode) => {
    const more = { idempotencyHeader: 'Idempotency-Key', start: answer }
    const { ends, made } = await observe(jobs, withConnection(jobs, more), { mode })
    expect(made).toBe(1)
    expect(ends[0]).toContain('The request may have created something')
  })
})

test('load-testing/autocannon: a test that may not start is not saved, so no poll sends its load', async () => {
  const shop = await serve(() => ok({}))
  const row: WriteRow = {
    action: 'start-test',
    writes: /./,
    start: async () => ({ server: shop, connection: { allow: shop.url }, input: { target: shop.url } }),
  }
  const {
    ends,
    requests,
    key = '',
  } = await observe('load-testing/autocannon', row, {
    mode: 'interactive',
    forbiddenBy: 'stop',
  })
  const end = expect.stringMatching(FORBIDDEN_ENDS['stop interactive'])
  expect({ ends, requests, state: await readRunState(key.slice(0, 20)) }).toEqual({ ends: [end], requests: 0 })
})

function asksOrReads(path: string, name: string): boolean {
  const action = categoryOf(path).actions[name]
  return action?.type === 'approval' || action?.effect === 'reads'
}

async function providerOf(path: string): Promise<unknown> {
  const [, name = ''] = path.split('/')
  const load = categoryOf(path).providers[name]
  if (!load) throw new Error(`Unknown provider ${path}`)
  return load()
}

/** Returns the innermost names in a request whose text contains the idempotency key. */
function namesOf(sent: unknown, key: string, name = ''): string[] {
  if (typeof sent === 'string') return sent.includes(key) || sent === uuidOf(key) ? [name] : []
  if (Array.isArray(sent)) return [...new Set(sent.flatMap((item) => namesOf(item, key, name)))]
  if (!isRecord(sent)) return []
  // A JSON Patch names its fields in paths.
  const field = typeof sent['path'] === 'string' ? sent['path'].split('/').at(-1) : undefined
  return [...new Set(Object.entries(sent).flatMap(([inner, value]) => namesOf(value, key, field ?? inner)))]
}

function asRefusal(error: unknown): object {
  if (!(error instanceof Failure)) throw error
  return { kind: error.kind, path: error.errors?.[0]?.path }
}

/** Returns the platform with other fields in its connection. */
function withConnection(path: string, fields: object): WriteRow {
  const played = platforms[path]
  if (!played) throw new Error(`No fake platform for ${path}`)
  return {
    ...played,
    async start() {
      const target = await played.start()
      return { ...target, connection: { ...target.connection, ...fields } }
    },
  }
}
