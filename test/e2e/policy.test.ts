import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service, triggered } from './service.ts'

const MINUTE_MS = 60_000
/** Windows open at a full minute. The runtime has to start before. */
const opensAt = Math.ceil((Date.now() + 30_000) / MINUTE_MS) * MINUTE_MS
const folder = temporaryFolder()
const policyFile = join(folder, 'policy.yaml')
writeFileSync(
  policyFile,
  `timeZone: UTC
rules:
  - name: migration
    when: { actions: [issue-ticketing/open-issue] }
    freeze: [{ from: 2026-01-01, to: ${new Date(opensAt).toISOString().slice(0, 16)}, reason: Migration of the tracker }]
    otherwise: wait
  - name: no updates
    when: { actions: [issue-ticketing/update-issue] }
    freeze: [{ from: 2026-01-01, to: 2999-12-31 }]
    otherwise: wait
`,
)

const service = new Service({ policyFile })
const open = triggered({ input: { title: 'Opened after the migration' } })
let accepted: Awaited<ReturnType<Service['openIssue']>>
beforeAll(async () => {
  await service.start()
  accepted = await service.openIssue(open, '?mode=interactive&sendStarted=true')
})
afterAll(() => service.end())

const status = async (taskId: string) =>
  (await service.call(`/v1/issue-ticketing/tasks/${taskId}`, undefined, { method: 'GET' })).body

describe('The local runtime with a policy', () => {
  it('ends a task that waits at once when it is canceled', async () => {
    const event = triggered({ input: { id: 'demo/shop#1', comment: 'No' } })
    const { body } = await service.call('/v1/issue-ticketing/update-issue?mode=interactive', event)
    await service.until(
      async () => String((await status(body.taskId)).progress).includes('no updates'),
      'the wait for the window',
    )
    expect(await status(body.taskId)).toMatchObject({ verdict: 'running', waitUntil: expect.any(String) })
    const canceled = await service.call(`/v1/issue-ticketing/tasks/${body.taskId}/cancel`)
    expect(canceled.status).toBe(202)
    const { finished } = await finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'aborted', message: expect.stringMatching(/^Canceled by /) }])
  })

  it('lets a task wait until the window opens, and runs its action once', async () => {
    expect(accepted).toMatchObject({ status: 202, body: { duplicate: false } })
    const { started, finished } = await finishedOf(open.id, 90)
    expect({ started, results: finished.map(({ result }) => result) }).toEqual({ started: 1, results: ['pass'] })
    expect(Date.now()).toBeGreaterThanOrEqual(opensAt)
    expect((await service.issues()).map(({ title }) => title)).toEqual(['Opened after the migration'])
    // A repeat gets the same task.
    expect((await service.openIssue(open, '?mode=interactive&sendStarted=true')).body).toMatchObject({
      taskId: accepted.body.taskId,
      duplicate: true,
    })
  })
})

it('The local runtime does not start with an invalid policy, and names the line', async () => {
  const invalid = join(folder, 'invalid.yaml')
  writeFileSync(invalid, 'rules:\n  - { name: a, denny: No }\n')
  const other = new Service({ policyFile: invalid })
  await expect(other.start()).rejects.toThrow('line 2: rules.0.denny is not a known field. Did you mean "deny"?')
  await other.end()
})

/** Waits for the `finished` event of one call. Other tasks may still wait. */
async function finishedOf(id: string, seconds?: number) {
  await service.until(
    async () => (await service.repliesTo(id)).finished.length > 0,
    `a finished event for ${id}`,
    seconds,
  )
  return service.repliesTo(id)
}
