import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { awsOperation, type Call, type Served, serve } from '../../../infra/testing/loopback-server.ts'
import { IdempotencyConfig, SilentCallRecord } from '../../../shared/state/silent-call-record.ts'
import { forward, startTable } from '../../functions/load-testing/table.ts'

/** A proxy between the AWS client and the table. */
let between: Served
let table: Awaited<ReturnType<typeof startTable>>
const isWrite = (call: Call) => awsOperation(call) !== 'GetItem'

beforeAll(async () => {
  table = await startTable()
  between = await serve((call) => forward(table.endpoint, call))
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = between.url
})
afterAll(async () => {
  await between.close()
  await table.close()
})
beforeEach(() => {
  between.recover()
  between.calls.length = 0
})

let calls = 0
/** Creates a call with a new key. `again` repeats it in an environment with the given milliseconds left, of which an update may take fewer. */
function call() {
  const key = `key-${calls++}`
  return {
    async again(left = 60_000, leftForUpdate = left) {
      const record = new SilentCallRecord(() => leftForUpdate)
      record.configure({ config: new IdempotencyConfig({ expiresAfterSeconds: 3_600 }), keyPrefix: 'test' })
      await record.saveInProgress(key, left)
      return {
        record,
        succeed: (answer: object) => record.saveSuccess(key, answer as never),
        fail: () => record.deleteRecord(key),
        read: () => record.getRecord(key),
      }
    },
  }
}
const passed = () => new Promise((resolve) => setTimeout(resolve, 20))
const taken = { name: 'IdempotencyItemAlreadyExistsError' }

describe('Record of a call', () => {
  it('is created once and returns the exact response to a repeat', async () => {
    const { again } = call()
    const answer = { data: { build: 1_764_037_927_000_000_000, note: 'ok', parts: [{ a: null }] } }
    const first = await again()
    expect(first.record.mayHaveWritten).toBe(false)
    await expect(again()).rejects.toMatchObject(taken)
    await first.succeed({ ...answer, left: undefined })
    await expect(again()).rejects.toMatchObject({ existingRecord: { responseData: answer } })
    expect((await first.read()).getResponse()).toEqual(answer)
  })

  it('is deleted after a failure without a write', async () => {
    const { again } = call()
    await (await again()).fail()
    expect((await again()).record.mayHaveWritten).toBe(false)
  })

  it('of an interrupted call reports a possible write to the repeat after its timeout', async () => {
    const { again } = call()
    await again(1)
    await passed()
    const second = await again()
    expect(second.record.mayHaveWritten).toBe(true)
    await second.fail()
    expect((await again()).record.mayHaveWritten).toBe(true)
  })

  it('stays after a failure with a possible write, and allows a repeat at once', async () => {
    const { again } = call()
    const first = await again()
    first.record.mayHaveWritten = true
    await first.fail()
    expect((await again()).record.mayHaveWritten).toBe(true)
  })
})

describe('A write that the SDK repeats because its response was lost', () => {
  it('creates the record without a possible write', async () => {
    between.loseNext(isWrite)
    const { record } = await call().again()
    expect(between.calls.filter(isWrite).map(awsOperation)).toEqual(['UpdateItem', 'UpdateItem'])
    expect(record.mayHaveWritten).toBe(false)
  })

  it('keeps the possible write of an earlier call', async () => {
    const { again } = call()
    await again(1)
    await passed()
    between.loseNext(isWrite)
    expect((await again()).record.mayHaveWritten).toBe(true)
  })

  it.each(['fail', 'succeed'] as const)('does not change the record of the next call: %s', async (end) => {
    const { again } = call()
    const first = await again(1)
    await passed()
    const second = await again()
    await first[end]({ of: 'the first' })
    await expect(again()).rejects.toMatchObject(taken)
    await second.succeed({ of: 'the second' })
    expect((await second.read()).getResponse()).toEqual({ of: 'the second' })
  })

  it('does not create a record that was deleted', async () => {
    const { again } = call()
    const first = await again()
    await first.fail()
    first.record.mayHaveWritten = true
    await first.fail()
    await expect(first.read()).rejects.toMatchObject({ name: 'IdempotencyItemNotFoundError' })
    expect((await again()).record.mayHaveWritten).toBe(false)
  })
})

it('An update of the record ends before Lambda ends the call', async () => {
  const { succeed } = await call().again(60_000, 1_000.5)
  between.holdNext(isWrite)
  await expect(succeed({})).rejects.toThrow('The operation was aborted')
})
