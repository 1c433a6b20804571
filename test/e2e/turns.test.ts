import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { webhooks } from '../infra/cli/webhooks.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { type Answer, Service, triggered } from './service.ts'

/** More in a long run: `TURN_TASKS=200`. */
const TASKS = Number(process.env['TURN_TASKS'] ?? 12)
const SERVICES = ['checkout', 'cart', 'search']
const TARGET = 'remediation/default/checkout'
/** At twenty times the speed, longer than a second, which is the precision of the times of the platform. */
const JOB_SECONDS = 21
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

const run = (name: string, target = 'checkout', parameters: Record<string, string> = {}) =>
  service.call(
    '/v1/remediation/run-runbook?mode=interactive&connection=default',
    triggered({
      type: 'sh.keptn.event.remediation.triggered',
      data: { project: 'shop', stage: 'production', service: target },
      input: { target: 'clear-cache', parameters: { seconds: String(JOB_SECONDS), name, ...parameters } },
    }),
  )
const statusOf = async ({ body }: Answer) =>
  (await service.call(new URL(body.statusUrl).pathname, undefined, { method: 'GET' })).body
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

it('Tasks run one at a time for each target, in the order of their numbers, although the runtime is killed', async () => {
  const answers = new Map<string, Answer>()
  for (let index = 0; index < TASKS; index++) {
    const target = SERVICES[index % SERVICES.length]
    answers.set(`${target} ${index}`, await run(`${target} ${index}`, target))
    if (index !== Math.floor(TASKS / 2)) continue
    await service.kill()
    await service.start()
  }
  await service.ended(TASKS * 20)
  const all = await runs()
  expect(all.map(({ status }) => status)).toEqual(Array(TASKS).fill('succeeded'))
  const numbers = await numbersByTask()
  for (const target of SERVICES) {
    const mine = all.filter(({ inputs }) => inputs.name?.startsWith(`${target} `))
    for (const [index, { created_at }] of mine.entries()) {
      const before = mine[index - 1]
      // The times are seconds: two jobs that overlap may start in the same one.
      expect(Date.parse(created_at)).toBeGreaterThanOrEqual(Date.parse(before?.completed_at ?? created_at))
      expect(created_at).not.toBe(before?.created_at)
    }
    const order = mine.map(({ inputs: { name = '' } }) => numbers.get(`remediation/${answers.get(name)?.body.taskId}`))
    expect(order).toEqual(order.toSorted((a = 0, b = 0) => a - b))
    expect(order).not.toContain(undefined)
  }
  expect(await listed()).toEqual([])
}, 1_800_000)

it('webhooks turns shows who has the turn and who waits, and lets the next task start', async () => {
  const first = await run('holder', 'checkout', { outcome: 'hang' })
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
  const progress = `Waits for its turn for ${TARGET} (one at a time). The task http`
  await service.until(async () => (await statusOf(second)).progress.includes(progress), 'its progress')
  expect((await statusOf(second)).requirements).toEqual([{ type: 'turn', rule: 'one at a time', target: TARGET }])
  expect(await cli('turns --local --release unknown --yes')).toMatchObject({
    code: 2,
    err: expect.stringContaining('No task has the turn for unknown.'),
  })
  expect(await cli(`turns --local --release ${TARGET}`)).toMatchObject({
    code: 2,
    err: expect.stringContaining('Pass --yes.'),
  })
  expect(await cli(`turns --local --release ${TARGET} --yes`)).toMatchObject({
    code: 0,
    out: `Released the turn of remediation/${first.body.taskId} for ${TARGET}.\n`,
  })
  await service.until(async () => (await runs()).some(({ inputs }) => inputs.name === 'next'), 'the next run')
  await service.until(async () => (await statusOf(second)).state === 'finished', 'the end of the next task')
  expect((await statusOf(second)).outcome.message).toContain(
    `a job of ${first.body.statusUrl} may still have been running for ${TARGET}`,
  )
  const released = service.logs().filter(({ audit }) => audit === 'release')
  expect(released).toMatchObject([{ taskId: first.body.taskId, category: 'remediation', by: 'an operator' }])
})

/** Returns the number of the place of each task. A task that was killed may have taken several numbers. */
async function numbersByTask(): Promise<Map<string, number>> {
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
  return new Map(places.sort((a, b) => a.number - b.number).map(({ number, task }) => [task, number]))
}
