import '../../functions/aws.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { defineFlagProvider, type FlagChange } from '../../../shared/providers/flag.ts'
import { toggleFlag } from '../../../shared/providers/toggle-flag.ts'
import { validate } from '../../../shared/validate.ts'
import { type ClientOptions, clientOf, expectFailure, keyOf } from '../../functions/helpers.ts'
import { startTable } from '../../functions/load-testing/table.ts'

let table: Awaited<ReturnType<typeof startTable>>
beforeAll(async () => {
  table = await startTable()
})
afterAll(() => table.close())

let isOn = false
let sets: FlagChange[] = []
/** The next write is made, but its response is lost. */
let isLost = false
beforeEach(() => {
  isOn = false
  sets = []
  isLost = false
})
const acme = defineFlagProvider({
  title: 'Acme',
  connection: z.strictObject({ baseUrl: z.string() }),
  check: async () => undefined,
  project: undefined,
  get: async () => ({ on: isOn }),
  async set(_client, _location, changes) {
    sets.push(...changes)
    isOn = changes[0]?.on ?? isOn
    if (isLost) throw new Failure('timeout', 'Acme did not respond.', { mayHaveWritten: true })
    return undefined
  },
})

let keys = 0
async function toggle(input: object = {}, options: ClientOptions = { key: keyOf(++keys) }) {
  const asked = validate(
    toggleFlag.input,
    { flag: 'promo', environment: 'live', ...input },
    { what: 'It', root: 'input' },
  )
  const connection = { baseUrl: 'http://127.0.0.1:9' }
  const completed = toggleFlag.complete(asked as never, {
    event: { data: {} } as never,
    connection,
    provider: acme as never,
  })
  return (await toggleFlag.run(acme as never, clientOf(acme, connection, options), completed)).outcome
}

describe('toggle-flag', () => {
  test('switches a flag to its other state if it gets neither a state nor a percentage', async () => {
    expect(await toggle()).toMatchObject({ message: 'promo in live is on, and was off', data: { changed: true } })
    expect(await toggle()).toMatchObject({ data: { after: { state: 'off' } } })
    expect(sets).toMatchObject([{ on: true }, { on: false }])
  })

  test('sets the state that it gets', async () => {
    for (let n = 0; n < 2; n++)
      expect(await toggle({ state: 'on' })).toMatchObject({ data: { after: { state: 'on' } } })
    expect(sets).toHaveLength(1)
  })

  test('does not switch a flag back if the same call runs again after a lost response', async () => {
    const key = keyOf(++keys)
    isLost = true
    await expectFailure(toggle({}, { key }), 'timeout')
    isLost = false
    for (let n = 0; n < 2; n++)
      expect(await toggle({}, { key, isRetry: true })).toMatchObject({
        result: 'pass',
        data: { after: { state: 'on' } },
      })
    expect(sets).toHaveLength(1)
  })

  test('sets the recorded state if the first attempt ended before it wrote', async () => {
    const key = keyOf(++keys)
    await toggle({}, { key })
    isOn = false
    expect(await toggle({}, { key, isRetry: true })).toMatchObject({ data: { after: { state: 'on' } } })
  })

  test('of a call without an id is not repeated after a write that may have been made', async () => {
    expect(await toggle({}, { key: undefined })).toMatchObject({ data: { after: { state: 'on' } } })
    const words = 'It is unknown whether promo was switched, and the call has no id'
    await expectFailure(toggle({}, { key: undefined, isRetry: true }), 'unconfirmed', words)
    expect(isOn).toBe(true)
  })

  test('writes nothing while the state cannot be recorded', async () => {
    await table.close()
    await expectFailure(toggle(), 'unavailable', 'Nothing was changed.')
    expect(sets).toEqual([])
    table = await startTable()
  })
})
