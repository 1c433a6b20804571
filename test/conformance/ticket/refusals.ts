import { expect, test } from '@jest/globals'
import { failureOf } from '../../functions/helpers.ts'
import type { TicketFixture } from './fixture.ts'

/** Registers the tests of ids of no ticket. */
export function ticketIdTests(fixture: TicketFixture): void {
  const { blind, unknownId, wrongId } = fixture.subject

  if (unknownId) {
    test('refuses an unknown ticket with the reason of the platform', async () => {
      const id = unknownId
      for (const act of [() => fixture.update({ id, title: 'x' }), () => fixture.close({ id })])
        expect(await failureOf(act())).toMatchObject({ kind: 'refused', transient: false, mayHaveWritten: false })
    })
  }

  if (wrongId) {
    test('refuses an invalid id', () => {
      for (const id of [wrongId, ...(blind ? [] : ['../1', ''])]) {
        const expected = expect.objectContaining({ kind: 'invalid' })
        expect(() => fixture.provider.checkRef?.({ id, project: undefined })).toThrow(expected)
      }
    })
  }
}
