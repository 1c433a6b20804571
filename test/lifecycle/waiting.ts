import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals'
import * as z from 'zod/mini'
import { notification } from '../../functions/notification/index.ts'
import type { Task } from '../../shared/core/call.ts'
import { compilePolicy } from '../../shared/policy/file.ts'
import type { Category } from '../../shared/providers/category.ts'
import type { Client, Provider } from '../../shared/providers/provider.ts'
import { startOnce } from '../functions/helpers.ts'
import { type SlackServer, slackServer } from '../functions/notification/slack/fake.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import type { ExecutionOptions } from './execution.ts'
import type { CompletedTask, Lifecycle } from './lifecycle.ts'
import { type FakePlatform, category as fakes, useLifecycle } from './platform.ts'

/** Tasks that wait for people, and the tasks that ask them. Both are of `notification`, which can also start fake jobs here. */
export const category: Category = {
  ...notification,
  actions: { ...fakes.actions, ...notification.actions },
  providers: { ...fakes.providers, ...notification.providers, varied },
}
let parts = 0
/** A provider whose request to start a job has one part more each time. */
async function varied(): Promise<Provider> {
  const job = await fakes.providers['job']?.()
  if (!job) throw new Error('There is no fake job.')
  const start = async ({ http, idempotencyKey: key }: Client) =>
    (
      await http.post(
        'runs',
        { key, parts: Array.from({ length: ++parts }, String) },
        { schema: z.object({ id: z.string() }) },
      )
    ).body
  return Object.assign({}, job, { start })
}
const ASKING_FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:asking:live'

export interface RunOptions extends ExecutionOptions {
  /** Runs a job by default. */
  target?: string
  input?: object
  /** The accepted task. By default, a call is made. */
  task?: Task
  /**
   * Called while a task asks people.
   *
   * @param wait the operation in which it waits for them
   * @returns `open` if they do no more, and the request stays open until the waiting task has ended
   */
  people?(asking: Task, wait: string): Promise<unknown>
  /** For the tasks that ask people. */
  asking?: ExecutionOptions
  /** For the finisher of a task that Lambda ends. */
  finisher?: ExecutionOptions
}

export interface Run extends CompletedTask {
  task: Task
  /** The tasks that have asked people. */
  asked: CompletedTask[]
  /** How many jobs ran when people were asked. */
  early: number
  /** How often people were asked after the end of the waiting task. */
  late: number
  finisherCheckpoints: string[]
}

interface Approvals {
  lifecycle: Lifecycle
  platform: FakePlatform
  slack: SlackServer
  /** Deploys a policy. Rules and defaults are those of `policy.yaml`. */
  deploy(rules: object[], more?: object): void
  /** Makes a call, runs its task, and runs the tasks that ask people for it. */
  run(options?: RunOptions): Promise<Run>
  /** Presses a button of the newest message in Slack, and returns the status. */
  press(decision: 'approve' | 'reject', user?: string, message?: number): Promise<number>
}

/** Two rules whose people decide on a page, and with the buttons of Slack. */
export const onPage = { name: 'one person', approve: { connection: 'chat' } }
export const twoPeople = { name: 'two people', approve: { connection: 'ops', count: 2 } }

/**
 * Starts what the tests of a file need.
 *
 * @param onRequest called before one of the services or the platform answers a request
 */
export function useApprovals(onRequest?: () => Promise<void>): Approvals {
  const { lifecycle, platform } = useLifecycle(category, onRequest)
  const slack = startOnce(async () => {
    const server = await slackServer()
    server.people.push({ id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' })
    server.people.push({ id: 'U0LIZ', name: 'liz', realName: 'Liz Poe', email: 'liz@example.com' })
    return server
  })
  const folder = temporaryFolder()
  let files = 0
  beforeAll(() => {
    Object.assign(process.env, {
      WEBHOOKS_URL: 'https://webhooks.example.com',
      WEBHOOKS_ASKING_FUNCTION: ASKING_FUNCTION,
    })
    const { url: baseUrl, token, signingSecret } = slack
    lifecycle.connect('ops', { provider: 'slack', baseUrl, token, signingSecret, channel: 'C0RELEASES' })
  })
  beforeEach(() => {
    slack.empty()
    slack.recover()
  })
  afterEach(() => {
    delete process.env['WEBHOOKS_POLICY_FILE']
  })
  afterAll(() => {
    delete process.env['WEBHOOKS_ASKING_FUNCTION']
  })
  return {
    lifecycle,
    platform,
    slack,
    deploy(rules, more = {}) {
      // A file of a new name, as each deployment has.
      const file = join(folder, `policy-${++files}.json`)
      writeFileSync(file, JSON.stringify(compilePolicy({ timeZone: 'UTC', waitAtMost: 'PT2H', ...more, rules })))
      process.env['WEBHOOKS_POLICY_FILE'] = file
    },
    run: (options = {}) => run(lifecycle, platform, options),
    async press(decision, user, message = slack.posts.length - 1) {
      const [post] = slack.posts.slice(message)
      if (!post) throw new Error('No one was asked in Slack.')
      const { headers = {}, body } = slack.pressButton(post, decision, user)
      return (await lifecycle.request('POST', 'slack', { headers, body })).statusCode
    },
  }
}

async function run(lifecycle: Lifecycle, platform: FakePlatform, options: RunOptions): Promise<Run> {
  const {
    target = 'start-run?connection=job',
    input = { target: 'deploy' },
    people,
    asking,
    finisher,
    ...others
  } = options
  const task = options.task ?? (await lifecycle.accept(target, { input }))
  const ended = Promise.withResolvers<void>()
  const runs = new Map<string, Promise<CompletedTask>>()
  const finisherCheckpoints: string[] = []
  let [early, late, hasEnded] = [0, 0, false]
  /** Runs a task, and its finisher if Lambda ends it. */
  async function runToEnd(payload: Task, execution: ExecutionOptions): Promise<CompletedTask> {
    const completed = await lifecycle.run(payload, execution)
    if (completed.status === 'FAILED')
      finisherCheckpoints.push(...(await lifecycle.finish(completed.arn, finisher)).checkpoints)
    return completed
  }
  /** Lets people decide. Ends when they have decided, or do no more. */
  async function ask(): Promise<void> {
    const requests = lifecycle.invocations.filter(
      ({ name, payload }) => payload.approvalOf?.taskId === task.id && !runs.has(name),
    )
    await Promise.all(
      requests.map(({ name, payload }) => {
        const isOpen = Promise.withResolvers<void>()
        const onWait = async (wait: string) => {
          late += hasEnded ? 1 : 0
          early += platform.runs.filter(({ key }) => key === task.id).length
          if ((await people?.(payload, wait)) !== 'open') return
          isOpen.resolve()
          await ended.promise
        }
        const asked = runToEnd(payload, { onWait, ...asking })
        runs.set(name, asked)
        return Promise.race([asked, isOpen.promise])
      }),
    )
  }
  const waiting = await runToEnd(task, {
    ...others,
    async onCheckpoint(name) {
      if (/require-wait\S* RETRY/.test(name)) await ask()
      await options.onCheckpoint?.(name)
    },
  })
  hasEnded = true
  ended.resolve()
  await ask()
  return { ...waiting, task, early, late, finisherCheckpoints, asked: await Promise.all(runs.values()) }
}
