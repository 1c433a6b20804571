import { expect, test } from '@jest/globals'
import type { Call } from '../../../infra/testing/loopback-server.ts'
import { MAX_TITLE } from '../../../shared/providers/cut-text.ts'
import { onceOf } from '../../../shared/providers/once.ts'
import { MAX_TASK_MS } from '../../../shared/providers/search-window.ts'
import { slug } from '../../../shared/text/slug.ts'
import { expectFailure, failureOf, keyOf } from '../../functions/helpers.ts'
import { Clock } from '../common/clock.ts'
import { loseResponse, retryWithBody } from '../common/lost-response.ts'
import { unexpectedBodies } from '../unexpected-bodies.ts'
import type { TicketFixture } from './fixture.ts'

/** Registers the tests of an open. */
export function openTests(fixture: TicketFixture, { anyTitle }: { anyTitle?: true }): void {
  const { provider, subject } = fixture

  test('open returns the id, the number, the link and the state', async () => {
    const { data, links, message } = await fixture.open()
    const { id, number, url, state } = data
    const text = expect.stringMatching(/./)
    expect(data).toEqual({ id: text, number: text, state, ...(url ? { url } : {}) })
    expect(links).toEqual(url ? { [`${slug(provider.title)} ${number}`]: url } : {})
    if (!subject.blind) expect({ id, message }).toEqual({ id, message: `Opened ${provider.noun} ${number}` })
  })

  if (!anyTitle) {
    test('writes the title on one line, and a long one also in the description', async () => {
      await fixture.open({}, { title: 'Checkout\n fails' })
      expect(fixture.writesOf('Checkout fails')).not.toEqual([])
      await fixture.open({ key: keyOf(2) }, { title: `${'x'.repeat(MAX_TITLE - 18)} and its last word` })
      expect(fixture.writesOf('and its last word')).not.toEqual([])
    })
  }
}

/** Registers the tests of an open that is repeated. */
export function repeatedOpenTests(fixture: TicketFixture): void {
  test('a repeated open returns the first ticket, and another event opens another', async () => {
    const before = fixture.count() ?? 0
    const first = await fixture.open()
    expect((await fixture.open()).data['id']).toBe(first.data['id'])
    expect(fixture.count()).toBe(before + 1)
    await fixture.open({ key: keyOf(2) })
    expect(fixture.count()).toBe(before + 2)
  })

  if (!fixture.subject.blind) {
    test('a repeated open finds the ticket after it was closed', async () => {
      const { data } = await fixture.open()
      await fixture.close({ id: String(data['id']) }, { key: keyOf(2) })
      const before = fixture.count()
      const found = { data: { id: data['id'] }, message: expect.stringContaining('Found') }
      expect(await fixture.open()).toMatchObject(found)
      expect(fixture.count()).toBe(before)
    })
  }

  test('a retry after a lost response opens no second ticket', async () => {
    const before = fixture.count() ?? 0
    fixture.current.server.loseNext(({ text }) => text.includes('Checkout fails'))
    expect(await failureOf(fixture.open())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: true })
    expect(await fixture.open({ isRetry: true })).toMatchObject({ result: 'pass' })
    expect(fixture.count()).toBe(before + 1)
    const { by } = onceOf(fixture.provider, 'open')
    expect(fixture.writesOf('Checkout fails')).toHaveLength(by === 'platform-key' ? 2 : 1)
  })

  searchTests(fixture)

  test.each(Object.entries(unexpectedBodies))(
    'a retry after a lost response opens no second ticket if the response to a search is %s',
    async (_name, body) => {
      const { current } = fixture
      const before = fixture.count() ?? 0
      const isOpen = ({ text }: Call) => text.includes('Checkout fails')
      const searches = await loseResponse(current.server, isOpen, () => fixture.open())
      if (searches.length > 0)
        await retryWithBody(current.server, searches, body, () => fixture.open({ isRetry: true }))
      expect(fixture.count()).toBe(before + 1)
    },
  )

  test('stores no marker without an idempotency key, and opens each ticket', async () => {
    const before = fixture.count() ?? 0
    for (let call = 0; call < 2; call++) await fixture.open({ key: undefined })
    expect(fixture.count()).toBe(before + 2)
    for (const { text } of fixture.writesOf('Checkout fails')) expect(text).not.toMatch(/undefined|caw-|webhooks:/)
  })
}

/** Newer tickets of other calls, if the search has no limit. */
const OTHERS = 100

/** Registers the tests of a retry that searches the lists of the platform, as far as the provider states. */
function searchTests(fixture: TicketFixture): void {
  const { newest, needs } = onceOf(fixture.provider, 'open')
  const limit = typeof newest === 'number' ? newest : undefined
  const others = limit === undefined ? OTHERS : limit - 1
  const end = limit === undefined ? '' : ', and has an unknown outcome behind one more'
  const isOpen = ({ text }: Call) => text.includes('Checkout fails')

  test(`a retry after a lost response opens no second ticket behind ${others} others${end}`, async () => {
    fixture.current.server.loseNext(({ text }) => text.includes('Checkout fails'))
    await failureOf(fixture.open())
    for (let other = 0; other < others; other++) await fixture.open({ key: undefined })
    const before = fixture.count()
    expect(await fixture.open({ isRetry: true })).toMatchObject({ result: 'pass' })
    expect(fixture.count()).toBe(before)
    if (limit === undefined) return
    await fixture.open({ key: undefined })
    await expectFailure(fixture.open({ isRetry: true }), { kind: 'unconfirmed', transient: false })
    expect(fixture.count()).toBe((before ?? 0) + 1)
  })

  test('a retry as late as a task can run opens no second ticket', async () => {
    await loseResponse(fixture.current.server, isOpen, () => fixture.open())
    const before = fixture.count()
    const clock = new Clock()
    clock.advance(MAX_TASK_MS / 1_000 - 60)
    const retried = await fixture.open({ isRetry: true }).finally(() => clock.reset())
    expect({ result: retried.result, count: fixture.count() }).toEqual({ result: 'pass', count: before })
  })

  if (!needs?.without) return

  test(`a retry after a lost response has an unknown outcome without ${needs.text}`, async () => {
    const { current } = fixture
    const platform = { ...current, connection: { ...current.connection, ...needs.without } }
    await loseResponse(current.server, isOpen, () => fixture.open({}, {}, platform))
    const before = fixture.count()
    const retry = fixture.open({ isRetry: true }, {}, platform)
    await expectFailure(retry, { kind: 'unconfirmed', transient: false })
    expect(fixture.count()).toBe(before)
  })
}
