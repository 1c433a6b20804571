import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { approveInSandbox } from '../../../infra/cli/approve-in-sandbox.ts'
import { type Call, ok, type Reply, type Served, serve } from '../../../infra/testing/loopback-server.ts'

describe('The approval in the Slack of the sandbox', () => {
  let sandbox: Served
  /** The statuses of the next clicks. */
  let statuses: number[] = []
  let printed: string[] = []
  beforeAll(async () => {
    sandbox = await serve(answer)
  })
  afterAll(() => sandbox.close())
  beforeEach(() => {
    printed = []
  })

  function answer({ path }: Call): Reply {
    if (path.endsWith('/click')) return { status: statuses.shift() ?? 500, body: '' }
    return ok([{ ts: '1.2', buttons: [{}], metadata: { event_payload: { key: 'task' } } }])
  }

  async function approve(...given: number[]): Promise<string | undefined> {
    statuses = given
    const run = approveInSandbox({ url: sandbox.url, autoApproveReason: '--approve was passed' })
    await run({ taskId: 'task', statusUrl: '' }, (text) => printed.push(text), new AbortController().signal)
    expect(statuses).toEqual([])
    expect(printed[0]).toContain('clicks Approve')
    return printed[1]
  }

  it('is clicked once', async () => {
    expect(await approve(303)).toBeUndefined()
  })

  it.each([
    ['has no response yet', [502, 502, 303]],
    ['had no response, but has arrived', [502, 409]],
  ])('is clicked again if the click %s', async (_, given) => {
    expect(await approve(...given)).toBeUndefined()
  })

  it.each([
    [404, [404]],
    [409, [409]],
    [502, Array(10).fill(502)],
  ])('is left to the user if the click ends with %s', async (status, given) => {
    expect(await approve(...given)).toBe(`could not click Approve (${status}): click it yourself`)
  })
})
