import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { durablePartsOf, runningOn, stopTasks } from '../../../infra/aws/running-tasks.ts'
import { buildHandlers, durable, plain, type Started, start, temporaryFolder } from '../local/cloud/harness.ts'
import { root } from './synthesize.ts'

const folder = temporaryFolder()
const bin = folder.file('bin')
const called = folder.file('cdk-was-called-with')
let file: string
let cloud: Started

const tagged = (stack: string) => ({ tags: { 'aws:cloudformation:stack-name': stack } })
const ours = tagged('CloudAutomationWebhooks')
const named = (name: string, fn = 'approval', more: object = ours) =>
  durable(file, [fn], more).map((found) => ({ ...found, name }))

beforeAll(() => {
  file = buildHandlers(folder.path)
  // In the place of cdk: what it is asked for is what matters here.
  mkdirSync(bin)
  writeFileSync(join(bin, 'cdk'), `#!/bin/sh\necho "$@" > '${called}'\n`)
  chmodSync(join(bin, 'cdk'), 0o755)
})

let number = 0
beforeEach(async () => {
  writeFileSync(called, '')
  cloud = await start({
    state: folder.file(`state-${number++}`),
    timeScale: 20,
    functions: [
      ...named('ci-cd-task'),
      ...named('slo-task'),
      ...named('finisher', 'waits', { ...ours, handler: 'finisher.waits' }),
      ...named('of-another-stack', 'approval', tagged('AnotherStack')),
      ...named('of-nobody', 'approval', {}),
      ...plain(file, ['plain'], ours),
    ],
    // As EventBridge does; it takes two tenths of a second to answer.
    onEnded: () => begin('finisher', { seconds: 4 }),
  })
})

async function begin(name: string, event: object = {}): Promise<void> {
  const Payload = JSON.stringify(event)
  await cloud.lambda.send(new InvokeCommand({ FunctionName: `${name}:live`, InvocationType: 'Event', Payload }))
}

const statusesOf = (functionName: string) => cloud.cloud.executions({ functionName }).map(({ status }) => status)

describe('what must end before a stack is deleted', () => {
  it('is what runs on its task functions and on its finisher, and on no function of others', async () => {
    const parts = await durablePartsOf(cloud.lambda, 'CloudAutomationWebhooks')
    const arn = (name: string) => `arn:aws:lambda:eu-west-1:000000000000:function:${name}`
    expect(parts).toEqual({ tasks: [arn('ci-cd-task'), arn('slo-task')], finisher: [arn('finisher')] })
    expect(await durablePartsOf(cloud.lambda, 'Elsewhere')).toEqual({ tasks: [], finisher: [] })
  })

  it('is listed, the oldest first, and not what has ended', async () => {
    for (const name of ['slo-task', 'ci-cd-task', 'of-another-stack', 'slo-task']) await begin(name)
    const [newest] = cloud.cloud.executions({ functionName: 'slo-task' })
    cloud.cloud.stop(newest?.arn ?? '')
    const { tasks } = await durablePartsOf(cloud.lambda, 'CloudAutomationWebhooks')
    const running = await runningOn(cloud.lambda, tasks)
    expect(running.map((task) => task.function)).toEqual(['slo-task', 'ci-cd-task'])
    for (const { name, arn, startedAt } of running) {
      expect(arn).toContain(`/durable-execution/${name}/`)
      expect(startedAt).toBeInstanceOf(Date)
    }
  })

  it('is stopped, also what begins in the meantime, and the finisher is waited for', async () => {
    for (const name of ['slo-task', 'ci-cd-task', 'of-another-stack']) await begin(name)
    const parts = await durablePartsOf(cloud.lambda, 'CloudAutomationWebhooks')
    const told: number[] = []
    const tell = (count: number) => {
      // Somebody calls once more.
      if (told.push(count) === 1) void begin('ci-cd-task')
    }
    expect(await stopTasks(cloud.lambda, parts, { quiet: 1, most: 20, tell })).toEqual([])
    expect(told.at(-1)).toBe(0)
    expect(statusesOf('slo-task')).toEqual(['STOPPED'])
    expect(statusesOf('ci-cd-task')).toEqual(['STOPPED', 'STOPPED'])
    expect(statusesOf('finisher')).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
    expect(statusesOf('of-another-stack')).toEqual(['RUNNING'])
  })

  it('is not stopped but waited for, where it ends at a platform what a task had begun', async () => {
    cloud = await start({ state: folder.file('take-back'), timeScale: 20, functions: named('slo-task', 'waits') })
    for (const DurableExecutionName of ['t-1', 't-1-take-back']) {
      const Payload = JSON.stringify({ seconds: 8 })
      const FunctionName = 'slo-task:live'
      await cloud.lambda.send(
        new InvokeCommand({ FunctionName, InvocationType: 'Event', DurableExecutionName, Payload }),
      )
    }
    const parts = await durablePartsOf(cloud.lambda, 'CloudAutomationWebhooks')
    const tell = () => undefined
    expect(await stopTasks(cloud.lambda, parts, { quiet: 0.5, most: 20, tell })).toEqual([])
    const ended = cloud.cloud.executions({ functionName: 'slo-task' }).map(({ name, status }) => [name, status])
    expect(Object.fromEntries(ended)).toEqual({ 't-1': 'STOPPED', 't-1-take-back': 'SUCCEEDED' })
  })

  it('is told where the finisher does not get through in time', async () => {
    await begin('finisher', { seconds: 3_600 })
    const parts = await durablePartsOf(cloud.lambda, 'CloudAutomationWebhooks')
    const left = await stopTasks(cloud.lambda, parts, { quiet: 0.1, most: 0.5, tell: () => undefined })
    expect(left.map((task) => task.function)).toEqual(['finisher'])
    expect(statusesOf('finisher')).toEqual(['RUNNING'])
  })
})

describe('npm run destroy', () => {
  async function destroy(...words: string[]) {
    const child = spawn(process.execPath, ['--no-warnings', join(root, 'infra/aws/destroy.ts'), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${bin}:/usr/bin:/bin`,
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: cloud.cloud.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: cloud.cloud.credentials.secretAccessKey,
        AWS_ENDPOINT_URL_LAMBDA: cloud.cloud.endpoint,
      },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    const [status] = await once(child, 'close')
    return { status, output, cdk: readFileSync(called, 'utf8').trim() }
  }

  it('removes the stack where no task runs', async () => {
    expect(await destroy('--force')).toEqual({
      status: 0,
      output: 'No task of CloudAutomationWebhooks runs in eu-west-1.\n',
      cdk: 'destroy CloudAutomationWebhooks --force',
    })
  })

  it('shows the tasks that run, changes nothing and says how to go on, where nobody can be asked', async () => {
    await begin('slo-task')
    const { status, output, cdk } = await destroy()
    expect({ status, cdk }).toEqual({ status: 1, cdk: '' })
    const [task] = cloud.cloud.executions({ functionName: 'slo-task' })
    expect(output).toMatch(
      new RegExp(`^CloudAutomationWebhooks in eu-west-1: 1 tasks? run.*\\n  \\S+Z  slo-task  ${task?.name}\\n`),
    )
    expect(output).toContain('npm run destroy -- --stop')
    expect(task?.status).toBe('RUNNING')
  })

  it('says so where there is no such stack', async () => {
    await cloud.cloud.close()
    cloud = await start({ state: folder.file('empty'), functions: [] })
    expect(await destroy()).toEqual({
      status: 1,
      output:
        'There is no task function of CloudAutomationWebhooks in eu-west-1: look at region, account and stackName.\n',
      cdk: '',
    })
  })

  it('explains itself, and refuses what it does not know', async () => {
    expect((await destroy('--help')).output).toContain('--stop')
    expect(await destroy('--stopp')).toMatchObject({ status: 1, output: expect.stringContaining("'--stopp'"), cdk: '' })
  })
})

it('package.json has it', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(scripts.destroy).toBe('node infra/run.mjs infra/build/main.ts && node infra/run.mjs infra/aws/destroy.ts')
})
