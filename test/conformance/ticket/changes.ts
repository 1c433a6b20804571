import { expect, test } from '@jest/globals'
import { onceOf } from '../../../shared/providers/once.ts'
import { type ClientOptions, failureOf, keyOf } from '../../functions/helpers.ts'
import { isWrite } from '../common/requests.ts'
import type { TicketFixture } from './fixture.ts'

/** Newer comments of other calls. */
const OTHERS = 100

/** Registers the tests of comments and of states, which need a platform whose tickets can be read. */
export function changeTests(fixture: TicketFixture): void {
  test('comments once per event, also after a lost response', async () => {
    const comments = () => fixture.writesOf('Still down')
    fixture.current.server.loseNext((call) => isWrite(call) && call.text.includes('Still down'))
    const expected = { transient: true, mayHaveWritten: true }
    expect(await failureOf(fixture.update({ comment: 'Still down' }))).toMatchObject(expected)
    for (const isRetry of [true, false]) await fixture.update({ comment: 'Still down' }, { isRetry })
    expect(comments().length === 1).toBe(onceOf(fixture.provider, 'comment').by === 'look-up')
    await fixture.update({ comment: 'Still down' }, { key: keyOf(2) })
    expect(comments()).toHaveLength(2)
    await fixture.update({ comment: 'Still down' }, { key: undefined })
    expect(comments()).toHaveLength(3)
    expect(comments().at(-1)?.text).not.toMatch(/undefined|caw-|webhooks:/)
  })

  test(`a retry after a lost response adds no second comment behind ${OTHERS} others`, async () => {
    fixture.current.server.loseNext((call) => isWrite(call) && call.text.includes('Still down'))
    await failureOf(fixture.update({ comment: 'Still down' }))
    for (let other = 0; other < OTHERS; other++) await fixture.update({ comment: 'Me too' }, { key: undefined })
    await fixture.update({ comment: 'Still down' }, { isRetry: true })
    expect(fixture.writesOf('Still down')).toHaveLength(1)
  })

  closeTests(fixture)
}

/** Registers the test of an update, which a retry repeats. */
export function updateTest(fixture: TicketFixture): void {
  test('an update that is retried after a lost response sets the same values', async () => {
    const update = (options?: ClientOptions) => fixture.update({ title: 'Checkout is slow' }, options)
    const before = fixture.count()
    fixture.current.server.loseNext(isWrite)
    expect(await failureOf(update())).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(await update({ isRetry: true })).toMatchObject({ result: 'pass' })
    const titles = fixture.writesOf('').map(({ path, text }) => [path, text.includes('Checkout is slow')])
    expect(new Set(titles.map(String)).size).toBe(1)
    expect(titles.length > 1).toBe(onceOf(fixture.provider, 'update').by !== 'comparison')
    expect(fixture.count()).toBe(before)
  })
}

function closeTests(fixture: TicketFixture): void {
  const { neverReopens } = fixture.subject
  const countWrites = () => fixture.writesOf('').length

  test('a repeated close passes, and comments and closes once', async () => {
    expect(await fixture.close({ comment: 'Rolled back' })).toMatchObject({ result: 'pass' })
    const writes = countWrites()
    const again = await fixture.close({ comment: 'Rolled back' })
    expect(again).toMatchObject({ result: 'pass', message: expect.stringContaining('already') })
    expect(countWrites()).toBe(writes)
  })

  test('closes once after a lost response', async () => {
    fixture.current.server.loseNext(isWrite)
    expect(await failureOf(fixture.close())).toMatchObject({ transient: true, mayHaveWritten: true })
    expect(await fixture.close({}, { isRetry: true })).toMatchObject({ result: 'pass' })
    expect(countWrites() === 1).toBe(onceOf(fixture.provider, 'close').by === 'comparison')
  })

  test(`closes${neverReopens ? '' : ' and reopens'}, and changes nothing if the ticket is already in that state`, async () => {
    const { data } = await fixture.update({ state: 'closed' })
    expect(data['id']).toBe(fixture.current.id)
    expect(await fixture.update({ state: 'Closed' })).toMatchObject({ data: { state: data['state'] } })
    const writes = countWrites()
    expect(await fixture.close()).toMatchObject({ data, message: expect.stringContaining('already') })
    expect(countWrites()).toBe(writes)
    if (neverReopens) return
    const reopened = await fixture.update({ state: 'open' })
    expect(reopened.data['state']).not.toBe(data['state'])
    expect(await fixture.update({ state: 'open' })).toMatchObject({ data: reopened.data })
  })
}
