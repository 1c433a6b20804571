import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service, triggered } from './service.ts'

/** More in a long run: `TURN_TASKS=200`. */
const TASKS = Number(process.env['TURN_TASKS'] ?? 12)
const TARGET = 'remediation/default/checkout'
const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `rules:
  - name: one at a time
    when: { actions: [remediation/run-runbook] }
    oneAtATime: { per: "{connection}/{service}", queue: 1000 }
    waitAtMost: P1D
`,
)

const service = new Service({ policyFile, timeScale: 20, concurrency: 4 })
beforeAll(() => service.start())
afterAll(() => service.end())

const run = (name: string, parameters: Record<string, string> = {}, more: object = {}) =>
  service.call(
    '/v1/remediation/run-runbook?mode=interactive&connection=default',
    triggered({
      type: 'sh.keptn.event.remediation.triggered',
      data: { project: 'shop', stage: 'production', service: 'checkout' },
      input: { target: 'clear-cache', parameters: { seconds: '5', name, ...parameters } },
      ...more,
    }),
  )
const cli = (line: string) => webhooks(line, { env: { WEBHOOKS_STATE: service.state } })
const listed = async () => JSON.parse((await cli('turns --local --json')).out)

interface Run {
  id: number
  inputs: { name?: string }
  status: string
  created_at: string
  completed_at: string | null
}
const runs = async (): Promise<Run[]> =>
  (await service.list('runs'))
    .filter(({ platform }: { platform: string }) => platform === 'rundeck')
    .sort((a: Run, b: Run) => a.id - b.id)

it('Tasks for one target run one at a time, in the order of their numbers, although the runtime is killed', async () => {
  const names = new Map<string, string>()
  for (let index = 0; index < TASKS; index++) {
    const { status, body } = await run(`task-${index}`)
    expect(status).toBe(202)
    names.set(`remediation/${body.taskId}`, `task-${index}`)
    if (index === Math.floor(TASKS / 2)) {
      await service.kill()
      await service.start()
    }
  }
  await service.ended(TASKS * 20)
  const all = await runs()
  expect(all.map(({ status }) => status)).toEqual(Array(TASKS).fill('succeeded'))
  for (const [index, { created_at }] of all.entries())
    expect(Date.parse(created_at)).toBeGreaterThanOrEqual(Date.parse(all[index - 1]?.completed_at ?? created_at))
  expect(all.map(({ inputs }) => inputs.name)).toEqual((await tasksByNumber()).map((task) => names.get(task)))
  expect(await listed()).toEqual([])
}, 1_800_000)

it('webhooks turns shows who has the turn and who waits, and lets the next task start', async () => {
  const first = await run('holder', { outcome: 'hang' })
  await service.until(async () => (await runs()).some(({ inputs }) => inputs.name === 'holder'), 'the run')
  const second = await run('next')
  await service.until(async () => (await listed())[0]?.waiting.length === 1, 'the queue')
  const [target] = await listed()
  expect(target).toMatchObject({
    target: TARGET,
    rule: 'one at a time',
    holder: { task: `remediation/${first.body.taskId}`, caller: expect.any(String) },
    waiting: [{ task: `remediation/${second.body.taskId}` }],
  })
  const text = await cli('turns --local')
  expect(text.out).toMatch(new RegExp(`${TARGET} +one at a time +remediation/${first.body.taskId} .+Z +1\n`))
  const status = await service.call(new URL(second.body.statusUrl).pathname, undefined, { method: 'GET' })
  expect(status.body.requirements).toEqual([{ type: 'turn', rule: 'one at a time', target: TARGET }])
  expect(status.body.progress).toContain(`Waits for its turn for ${TARGET} (one at a time). The task http`)
  expect(await cli('turns --local --release unknown --yes')).toMatchObject({ code: 2, err: /No task has the turn/ })
  expect(await cli(`turns --local --release ${TARGET}`)).toMatchObject({ code: 2, err: /Pass --yes/ })
  expect(await cli(`turns --local --release ${TARGET} --yes`)).toMatchObject({
    code: 0,
    out: `Released the turn of remediation/${first.body.taskId} for ${TARGET}.\n`,
  })
  await service.until(async () => (await runs()).some(({ inputs }) => inputs.name === 'next'), 'the next run')
  const ended = async () =>
    (await service.call(new URL(second.body.statusUrl).pathname, undefined, { method: 'GET' })).body
  await service.until(async () => (await ended()).state === 'finished', 'the end of the next task')
  expect((await ended()).outcome.message).toContain(
    `a job of ${first.body.statusUrl} may still have been running for ${TARGET}`,
  )
  const released = service.logs().filter(({ audit }) => audit === 'release')
  expect(released).toMatchObject([{ taskId: first.body.taskId, category: 'remediation', by: 'an operator' }])
})

/** Returns the tasks in the order of their places. A task that was killed may have taken several. */
async function tasksByNumber(): Promise<string[]> {
  const { aws } = readRuntimeFile(service.state) ?? {}
  if (!aws) throw new Error('The runtime does not run.')
  const { dynamodb: endpoint, ...credentials } = aws
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, credentials, region: 'eu-west-1' }))
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'webhooks' }))
  client.destroy()
  const places = Items.flatMap(({ id, task }) => {
    const [, number] = /^turn#[0-9a-f]+#(\d+)$/.exec(id) ?? []
    return number !== undefined && String(task).includes('/') ? [{ number: Number(number), task: String(task) }] : []
  })
  const numbers = new Map(places.sort((a, b) => a.number - b.number).map(({ number, task }) => [task, number]))
  return [...numbers].sort(([, a], [, b]) => a - b).map(([task]) => task)
}
