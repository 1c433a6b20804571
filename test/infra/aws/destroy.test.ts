import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { findDurableFunctions, listRunning, stopTasks } from '../../../infra/aws/running-tasks.ts'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { runInProcess } from '../../runner/in-process.ts'
import { durable, folder, plain, type Started, start, startExecution } from '../local/cloud/harness.ts'
import { root } from './synthesize.ts'

const bin = folder.file('bin')
const called = folder.file('cdk-was-called-with')
let cloud: Started

const tagged = (stack: string) => ({ tags: { 'aws:cloudformation:stack-name': stack } })
const ours = tagged('CloudAutomationWebhooks')
const named = (name: string, fn = 'approval', more: object = ours) =>
  durable([fn], more).map((found) => ({ ...found, name }))

beforeAll(async () => {
  // A fake cdk that records its arguments.
  mkdirSync(bin)
  writeFileSync(join(bin, 'cdk'), `#!/bin/sh\necho "$@" > ${quoteForShell(called)}\n`)
  chmodSync(join(bin, 'cdk'), 0o755)
  cloud = await start({
    state: folder.file('state'),
    functions: [
      ...named('ci-cd-task'),
      ...named('slo-task'),
      ...named('finisher', 'waits', { ...ours, handler: 'finisher.waits' }),
      ...named('of-another-stack', 'approval', tagged('AnotherStack')),
      ...named('without-stack', 'approval', {}),
      ...plain(['plain'], ours),
    ],
    // EventBridge starts the finisher.
    onEnded: () => startTask('finisher', { seconds: 4 }),
  })
})
beforeEach(() => writeFileSync(called, ''))

async function startTask(name: string, event: object = {}): Promise<void> {
  await startExecution(cloud.lambda, name, event)
}

const statusesOf = (functionName: string) => cloud.cloud.executions({ functionName }).map(({ status }) => status)
const functionsOf = () => findDurableFunctions(cloud.lambda, 'CloudAutomationWebhooks')
const onChange = () => undefined

describe('running tasks of a stack', () => {
  it('findDurableFunctions returns the tasks and the finisher of this stack only', async () => {
    const arn = (name: string) => `arn:aws:lambda:eu-west-1:000000000000:function:${name}`
    expect(await functionsOf()).toEqual({ tasks: [arn('ci-cd-task'), arn('slo-task')], finisher: [arn('finisher')] })
    expect(await findDurableFunctions(cloud.lambda, 'Elsewhere')).toEqual({ tasks: [], finisher: [] })
  })

  it('listRunning returns running executions, oldest first', async () => {
    for (const name of ['slo-task', 'ci-cd-task', 'of-another-stack', 'slo-task']) await startTask(name)
    const [newest] = cloud.cloud.executions({ functionName: 'slo-task' })
    cloud.cloud.stop(newest?.arn ?? '')
    const running = await listRunning(cloud.lambda, (await functionsOf()).tasks)
    expect(running.map((task) => task.function)).toEqual(['slo-task', 'ci-cd-task'])
    for (const { name, arn, startedAt } of running) {
      expect(arn).toContain(`/durable-execution/${name}/`)
      expect(startedAt).toBeInstanceOf(Date)
    }
  })

  it('stopTasks stops all tasks, including one that starts meanwhile, and waits for the finisher', async () => {
    const counts: number[] = []
    const onChange = (count: number) => {
      // Another call arrives.
      if (counts.push(count) === 1) void startTask('ci-cd-task')
    }
    const options = { quietSeconds: 0.4, timeoutSeconds: 20, onChange }
    expect(await stopTasks(cloud.lambda, await functionsOf(), options)).toEqual([])
    expect(counts.at(-1)).toBe(0)
    expect(statusesOf('slo-task')).toEqual(['STOPPED', 'STOPPED'])
    expect(statusesOf('ci-cd-task')).toEqual(['STOPPED', 'STOPPED'])
    expect(statusesOf('finisher')).toEqual(Array(4).fill('SUCCEEDED'))
    expect(statusesOf('of-another-stack')).toEqual(['RUNNING'])
  })

  it('stopTasks returns a finisher that does not end in time', async () => {
    await startTask('finisher', { seconds: 3_600 })
    const options = { quietSeconds: 0.1, timeoutSeconds: 0.2, onChange }
    const remaining = await stopTasks(cloud.lambda, await functionsOf(), options)
    expect(remaining.map((task) => task.function)).toEqual(['finisher'])
    expect(statusesOf('finisher')[0]).toBe('RUNNING')
  })

  it('stopTasks waits for a cleanup instead of stopping it', async () => {
    cloud = await start({ state: folder.file('cleanup'), functions: named('slo-task', 'waits') })
    for (const name of ['t-1', 't-1-cleanup']) await startExecution(cloud.lambda, 'slo-task', { seconds: 8 }, name)
    const options = { quietSeconds: 0.1, timeoutSeconds: 20, onChange }
    expect(await stopTasks(cloud.lambda, await functionsOf(), options)).toEqual([])
    const ended = cloud.cloud.executions({ functionName: 'slo-task' }).map(({ name, status }) => [name, status])
    expect(Object.fromEntries(ended)).toEqual({ 't-1': 'STOPPED', 't-1-cleanup': 'SUCCEEDED' })
  })
})

describe('npm run destroy', () => {
  async function destroy(...words: string[]) {
    const { code, out, err } = await runInProcess(join(root, 'infra/aws/destroy.ts'), words, {
      env: {
        PATH: `${bin}:/usr/bin:/bin`,
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: cloud.cloud.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: cloud.cloud.credentials.secretAccessKey,
        AWS_ENDPOINT_URL_LAMBDA: cloud.cloud.endpoint,
      },
    })
    return { status: code, output: out + err, cdk: readFileSync(called, 'utf8').trim() }
  }

  it('deletes the stack if no task runs', async () => {
    expect(await destroy('--force')).toEqual({
      status: 0,
      output: 'CloudAutomationWebhooks in eu-west-1 has no running tasks.\n',
      cdk: 'destroy CloudAutomationWebhooks --force',
    })
  })

  it('lists running tasks and changes nothing without a terminal', async () => {
    await startTask('slo-task', { seconds: 3_600 })
    const { status, output, cdk } = await destroy()
    expect({ status, cdk }).toEqual({ status: 1, cdk: '' })
    const [task] = cloud.cloud.executions({ statuses: ['RUNNING'] })
    expect(output).toMatch(
      new RegExp(`^CloudAutomationWebhooks in eu-west-1: 1 running task.*\\n  \\S+Z  slo-task  ${task?.name}\\n`),
    )
    expect(output).toContain('npm run destroy -- --stop')
    expect(task?.status).toBe('RUNNING')
  })

  it('fails if the stack does not exist', async () => {
    cloud = await start({ state: folder.file('empty'), functions: [] })
    expect(await destroy()).toEqual({
      status: 1,
      output:
        'CloudAutomationWebhooks has no task function in eu-west-1. Check the region, the account and stackName.\n',
      cdk: '',
    })
  })

  it('has a help text and rejects unknown options', async () => {
    expect((await destroy('--help')).output).toContain('--stop')
    expect(await destroy('--stopp')).toMatchObject({ status: 1, output: expect.stringContaining("'--stopp'"), cdk: '' })
  })
})

it('package.json defines the script destroy', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(scripts.destroy).toBe(
    'node infra/tools/run.mjs infra/build/main.ts && node infra/tools/run.mjs infra/aws/destroy.ts',
  )
})
