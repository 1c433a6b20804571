import '../functions/aws.ts'
import { createHash, randomUUID } from 'node:crypto'
import { LocalDurableTestRunner, type TestResult } from '@aws/durable-execution-sdk-js-testing'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { type Call, type Reply, type Served, serve } from '../../infra/platforms/loopback-server.ts'
import { webhookHandler } from '../../shared/core/http/handler.ts'
import { type TaskResult, taskHandler } from '../../shared/core/task/handler.ts'
import type { Category } from '../../shared/providers/category.ts'
import { startTable } from '../functions/load-testing/table.ts'

const PREFIX = 'cloud-automation-webhooks'
const CALLER_TOKEN = 'token-of-the-caller'
const KEPTN_TOKEN = 'token-of-keptn'

/** An event that the fake orchestrator received. */
export interface SentEvent {
  type: string
  triggeredid: string
  data: { status?: string; result?: string; message?: string } & Record<string, unknown>
}

/** Result of an accepted call. */
export interface CompletedTask {
  status: string | undefined
  outcome: TaskResult['outcome'] | undefined
  /** Name and status of each durable operation, in the order in which they started. */
  operations: string[]
  /** Kinds of the events that the orchestrator received: `started`, `status.changed`, `finished`. */
  sent: string[]
  events: SentEvent[]
}

/** Simulates the AWS services, the orchestrator and the secrets of a task in this process. */
export class Lifecycle {
  readonly secrets = new Map<string, unknown>()
  readonly events: SentEvent[] = []
  keptn!: Served
  readonly #category: Category
  #aws!: Served
  #table!: { close(): Promise<void> }
  #payload: string | undefined

  constructor(category: Category) {
    this.#category = category
  }

  async start(): Promise<this> {
    this.#table = await startTable()
    this.#aws = await serve((call) => this.#answerAsAws(call))
    this.keptn = await serve((call) => this.#answerAsKeptn(call))
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: this.#aws.url,
      AWS_ENDPOINT_URL_LAMBDA: this.#aws.url,
      WEBHOOKS_TASK_FUNCTION: 'arn:aws:lambda:eu-west-1:123456789012:function:task:live',
    })
    const tokens = [`sha256:${createHash('sha256').update(CALLER_TOKEN).digest('hex')}`]
    this.store('callers', { tests: { tokens, categories: ['*'], orchestrator: 'keptn' } })
    this.store('orchestrators/keptn', { type: 'keptn', baseUrl: this.keptn.url, token: KEPTN_TOKEN })
    this.store('identity', { key: 'an-identity-key-of-the-tests-0123456789' })
    this.store('approvals', { key: 'an-approvals-key-of-the-tests-0123456789' })
    await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true })
    // The runner moves its clock past a wait only while a timer is pending.
    setInterval(() => {}, 86_400_000)
    return this
  }

  async close(): Promise<void> {
    await LocalDurableTestRunner.teardownTestEnvironment()
    await Promise.all([this.#aws, this.keptn, this.#table].map((server) => server.close()))
  }

  /** Stores a secret below the prefix. */
  store(path: string, value: unknown): void {
    this.secrets.set(`${PREFIX}/${path}`, value)
  }

  connect(name: string, connection: object): void {
    this.store(`connections/${this.#category.name}/${name}`, connection)
  }

  /** Calls the webhook and returns the payload with which it starts the task. */
  async accept(target: string, event: object = {}): Promise<unknown> {
    this.#payload = undefined
    const [action, search = ''] = target.split('?')
    const query = Object.fromEntries([...new URLSearchParams(search)].map(([name, value]) => [name, [value]]))
    const response = await webhookHandler(this.#category)(
      {
        httpMethod: 'POST',
        path: `/${this.#category.name}/${action}`,
        headers: { authorization: `Bearer ${CALLER_TOKEN}`, 'content-type': 'application/json' },
        multiValueQueryStringParameters: { mode: ['interactive'], sendStarted: ['true'], ...query },
        body: JSON.stringify({ ...triggered(), ...event }),
        isBase64Encoded: false,
        requestContext: { domainName: 'webhooks.example.com', path: `/v1/${action}`, requestId: randomUUID() },
      } as unknown as APIGatewayProxyEvent,
      { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 20_000 } as unknown as Context,
    )
    if (response.statusCode !== 202 || this.#payload === undefined)
      throw new Error(`The webhook answered ${response.statusCode}: ${response.body}`)
    return JSON.parse(this.#payload)
  }

  /** Runs an accepted task to completion. */
  async run(payload: unknown): Promise<CompletedTask> {
    const before = this.events.length
    const runner = new LocalDurableTestRunner<TaskResult>({ handlerFunction: taskHandler(this.#category) as never })
    const result = await runner.run({ payload })
    const events = this.events.slice(before)
    return {
      status: result.getStatus(),
      outcome: outcomeOf(result),
      operations: result.getOperations().map((operation) => `${operation.getName()} ${operation.getStatus()}`),
      sent: events.map(({ type }) => type.split('.').slice(4).join('.')),
      events,
    }
  }

  /** Calls the webhook and runs the task. */
  async call(target: string, event?: object): Promise<CompletedTask> {
    return this.run(await this.accept(target, event))
  }

  #answerAsAws({ path, headers, body, text }: Call): Reply {
    const target = String(headers['x-amz-target'] ?? '')
    if (target.endsWith('GetSecretValue')) {
      const value = this.secrets.get((body as { SecretId: string }).SecretId)
      if (value === undefined) return { status: 400, body: { __type: 'ResourceNotFoundException' } }
      return { status: 200, body: { SecretString: JSON.stringify(value) } }
    }
    if (target.endsWith('ListSecrets')) return { status: 200, body: { SecretList: [] } }
    if (!path.endsWith('/invocations')) return { status: 404, body: { Message: path } }
    this.#payload = text
    const arn = `arn:aws:lambda:eu-west-1:123456789012:function:task:1/durable-execution/x/${randomUUID()}`
    return { status: 202, headers: { 'x-amz-durable-execution-arn': arn } }
  }

  #answerAsKeptn({ method, path, query, body }: Call): Reply {
    if (method === 'POST' && path === '/api/v1/event') {
      this.events.push(body as SentEvent)
      return { status: 200, body: { keptnContext: randomUUID() } }
    }
    const events = this.events.filter(({ type }) => type === query.get('type'))
    return { status: 200, body: { events } }
  }
}

/** The clock that the runner installs. */
interface FakeClock {
  setSystemTime(milliseconds: number): void
}

/** Moves the clock, because the runner skips the delays of retries and polls without moving it. */
export function passTime(seconds: number): void {
  const { clock } = setTimeout as typeof setTimeout & { clock: FakeClock }
  clock.setSystemTime(Date.now() + seconds * 1_000)
}

function outcomeOf(result: TestResult<TaskResult>): TaskResult['outcome'] | undefined {
  return result.getStatus() === 'SUCCEEDED' ? result.getResult()?.outcome : undefined
}

function triggered() {
  return {
    id: randomUUID(),
    type: 'sh.keptn.event.check.triggered',
    shkeptncontext: randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout' },
  }
}
