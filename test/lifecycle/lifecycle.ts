import '../functions/aws.ts'
import { createHash, randomUUID } from 'node:crypto'
import type { DurableLambdaHandler } from '@aws/durable-execution-sdk-js'
import type { TestResult } from '@aws/durable-execution-sdk-js-testing'
import type { APIGatewayProxyEvent, Context } from 'aws-lambda'
import { type Call, newestOf, type Reply, type Served, serve } from '../../infra/testing/loopback-server.ts'
import type { Task } from '../../shared/core/call.ts'
import { finisherHandler } from '../../shared/core/task/finisher.ts'
import { taskHandler } from '../../shared/core/task/handler.ts'
import type { TaskResult } from '../../shared/core/task/task-result.ts'
import { webhookHandler } from '../../shared/core/webhook/handler.ts'
import type { WebhookResponse } from '../../shared/http/response.ts'
import type { Category } from '../../shared/providers/category.ts'
import { startTable } from '../functions/load-testing/table.ts'
import { latency } from '../runner/latency.ts'
import { AwsApi, TASK_FUNCTION } from './aws-api.ts'
import { Execution, type ExecutionOptions, operationsOf } from './execution.ts'
import { passTime, startRunner, stopRunner } from './runner.ts'

const PREFIX = 'cloud-automation-webhooks'
/** Tokens of the callers. Each has the name of its orchestrator, except the agent, which polls. */
const CALLER_TOKENS = {
  keptn: 'token-of-the-caller',
  poll: 'token-of-a-caller-that-polls',
  callback: 'token-of-a-caller-with-urls',
  agent: 'token-of-an-agent',
  dynatrace: 'token-of-a-workflow',
  'azure-devops': 'token-of-a-check',
}
type CallerName = keyof typeof CALLER_TOKENS
export const APPROVALS_KEY = 'an-approvals-key-of-the-tests-0123456789'
const KEPTN_TOKEN = 'token-of-keptn'
/** Longer than a function caches secrets. */
const CACHE_SECONDS = 301

interface PostOptions {
  caller?: CallerName
  timeLeftMs?: number
}

interface CallOptions extends ExecutionOptions {
  caller?: CallerName
}

/** An event that the fake orchestrator received. */
export interface SentEvent {
  type: string
  triggeredid: string
  data: { status?: string; result?: string; message?: string } & Record<string, unknown>
}

/** The result of an execution of the task. */
export interface CompletedTask {
  /** The key under which the task writes at the platform. */
  id: string
  /** ARN of the execution. */
  arn: string
  status: string | undefined
  outcome: TaskResult['outcome'] | undefined
  /** Why the orchestrator did not get the outcome. */
  unanswered: TaskResult['unanswered']
  /** AWS's record of the execution. */
  result: TestResult<TaskResult>
  /** Name and status of each durable operation, in the order in which they started. */
  operations: string[]
  /** Each checkpoint, such as `start SUCCEED`. */
  checkpoints: string[]
  /** Kinds of the events that the orchestrator has received for the task: `started`, `status.changed`, `finished`. */
  sent: string[]
  events: SentEvent[]
}

/** The body of a response of the webhook. */
// biome-ignore lint/suspicious/noExplicitAny: the tests assert on any body.
type Answer = any

interface JsonResponse {
  status: number
  body: Answer
}

interface SendOptions {
  headers?: Record<string, string>
  body?: string
  timeLeftMs?: number | undefined
}

/** Simulates the AWS services, the orchestrator and the secrets of a task in this process. */
export class Lifecycle {
  readonly events: SentEvent[] = []
  keptn!: Served
  /** How long Keptn takes until a query returns an event that it has accepted. */
  recordsAfterMs = 0
  aws!: Served
  readonly #acceptedAt = new WeakMap<SentEvent, number>()
  readonly #category: Category
  readonly #api = new AwsApi()
  readonly secrets = this.#api.secrets
  /** Executions that a webhook or a finisher has started. They run when the test runs their payload. */
  readonly invocations = this.#api.invocations
  #table!: { close(): Promise<void> }
  readonly #onRequest: (() => Promise<void>) | undefined

  /** @param onRequest called before AWS, the orchestrator or the table answers a request */
  constructor(category: Category, onRequest?: () => Promise<void>) {
    this.#category = category
    this.#onRequest = onRequest
  }

  async start(): Promise<this> {
    this.#table = await startTable(this.#onRequest)
    this.aws = await serve((call) =>
      latency()
        .then(this.#onRequest)
        .then(() => this.#api.answer(call)),
    )
    this.keptn = await serve(async (call) => {
      await this.#onRequest?.()
      return this.#answerAsKeptn(call)
    })
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: this.aws.url,
      AWS_ENDPOINT_URL_LAMBDA: this.aws.url,
      WEBHOOKS_TASK_FUNCTION: `${TASK_FUNCTION}:live`,
    })
    const callers = Object.entries(CALLER_TOKENS).map(([name, token]) => {
      const tokens = [`sha256:${createHash('sha256').update(token).digest('hex')}`]
      const more = name === 'agent' ? { agent: true, writes: 'allow', reads: 'all' } : { orchestrator: name }
      return [name, { tokens, categories: ['*'], ...more }]
    })
    this.store('callers', Object.fromEntries(callers))
    this.store('orchestrators/keptn', { type: 'keptn', baseUrl: this.keptn.url, token: KEPTN_TOKEN })
    this.store('identity', { key: 'an-identity-key-of-the-tests-0123456789' })
    this.store('approvals', { key: APPROVALS_KEY })
    await startRunner()
    return this
  }

  async close(): Promise<void> {
    await stopRunner()
    await Promise.all([this.aws, this.keptn, this.#table].map((server) => server.close()))
  }

  /** Stores a secret below the prefix. */
  store(path: string, value: unknown): void {
    this.secrets.set(`${PREFIX}/${path}`, value)
  }

  /** Stores a secret, and lets the functions forget the values that they have cached. */
  replace(path: string, value: unknown): void {
    this.store(path, value)
    passTime(CACHE_SECONDS)
  }

  connect(name: string, connection: object): void {
    this.store(`connections/${this.#category.name}/${name}`, connection)
  }

  authorization(caller: CallerName): Record<string, string> {
    return { authorization: `Bearer ${CALLER_TOKENS[caller]}` }
  }

  /**
   * Sends a request to the webhook.
   *
   * @param timeLeftMs until Lambda ends the webhook
   */
  request(
    method: string,
    path: string,
    request: Partial<APIGatewayProxyEvent> = {},
    timeLeftMs = 20_000,
  ): Promise<WebhookResponse> {
    const event = {
      httpMethod: method,
      path: `/${this.#category.name}/${path}`,
      headers: {},
      multiValueQueryStringParameters: {},
      body: null,
      isBase64Encoded: false,
      requestContext: {
        domainName: 'webhooks.example.com',
        path: `/v1/${this.#category.name}/${path}`,
        requestId: randomUUID(),
        identity: { sourceIp: '192.0.2.7' },
      },
      ...request,
    } as unknown as APIGatewayProxyEvent
    const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => timeLeftMs } as unknown as Context
    return webhookHandler(this.#category)(event, context)
  }

  /** Makes a call. For Keptn, the event needs the fields of `triggered`. */
  async post(target: string, event: object, options: PostOptions = {}): Promise<JsonResponse> {
    const { caller = 'keptn', timeLeftMs } = options
    const headers = { ...this.authorization(caller), 'content-type': 'application/json' }
    return this.send('POST', target, { headers, body: JSON.stringify(event), timeLeftMs })
  }

  /** Requests something of a task: `cancel`, `answer`, `rerun`. */
  command(verb: string, taskId: string, caller: CallerName = 'keptn'): Promise<JsonResponse> {
    return this.send('POST', `tasks/${taskId}/${verb}`, { headers: this.authorization(caller) })
  }

  /** Sends the form of the page of an approval. */
  decide(page = '', fields: Record<string, string> = { decision: 'approve' }): Promise<WebhookResponse> {
    return this.request('POST', page, { body: new URLSearchParams({ name: 'Jane Doe', ...fields }).toString() })
  }

  /** Sends a request whose response is JSON. */
  async send(method: string, target: string, { headers = {}, body, timeLeftMs }: SendOptions): Promise<JsonResponse> {
    const [path = '', search = ''] = target.split('?')
    const queryStringParameters = Object.fromEntries(new URLSearchParams(search))
    const lists = Object.entries(queryStringParameters).map(([name, value]) => [name, [value]])
    const multiValueQueryStringParameters = Object.fromEntries(lists)
    const request = { headers, queryStringParameters, multiValueQueryStringParameters, body: body ?? null }
    const response = await this.request(method, path, request, timeLeftMs)
    return { status: response.statusCode, body: JSON.parse(response.body) }
  }

  /**
   * Makes an interactive call and returns the payload with which the webhook starts the task.
   *
   * @param event the body of the call. For Keptn, laid over an event that triggers a task
   */
  async accept(target: string, event: object = {}, caller: CallerName = 'keptn'): Promise<Task> {
    const sendStarted = target.includes('sendStarted') ? '' : '&sendStarted=true'
    const call = caller === 'keptn' ? { ...triggered(), ...event } : event
    return this.accepted(await this.post(`${target}&mode=interactive${sendStarted}`, call, { caller }))
  }

  /** Returns the payload of the task that a response names. */
  accepted({ status, body }: JsonResponse): Task {
    const started = this.invocations.find(({ name }) => name === body.taskId)
    if (status !== 202 || !started) throw new Error(`The webhook answered ${status}: ${JSON.stringify(body)}`)
    return started.payload
  }

  /** Returns the payload of the newest task. */
  newest(): Task {
    return newestOf(this.invocations).payload
  }

  /** Runs an accepted task to completion. */
  async run(payload: Task, options?: ExecutionOptions): Promise<CompletedTask> {
    const { arn, result, checkpoints } = await this.invoke(payload, options, payload.id)
    this.#api.ends.set(payload.id, { at: Date.now(), result })
    const status = result.getStatus()
    const { outcome, unanswered } = (status === 'SUCCEEDED' && result.getResult()) || {}
    return {
      id: payload.id,
      arn,
      status,
      outcome,
      unanswered,
      result,
      checkpoints,
      operations: operationsOf(result),
      sent: this.sentFor(payload),
      events: this.#eventsFor(payload),
    }
  }

  /** The task function. */
  get handler(): DurableLambdaHandler {
    return taskHandler(this.#category)
  }

  /** Runs the task as if another durable function invoked it. */
  async invoke(
    payload: object,
    options?: ExecutionOptions,
    name: string = randomUUID(),
  ): Promise<{ arn: string; result: TestResult<TaskResult>; checkpoints: string[] }> {
    const arn = `${TASK_FUNCTION}:1/durable-execution/${name}/${randomUUID()}`
    const { result, checkpoints } = await this.#execute<TaskResult>(this.handler, payload, options)
    this.#api.ended.set(arn, { payload, result })
    return { arn, result, checkpoints }
  }

  /** Calls the webhook and runs the task. */
  async call(target: string, event?: object, { caller, ...options }: CallOptions = {}): Promise<CompletedTask> {
    return this.run(await this.accept(target, event, caller), options)
  }

  /** Runs the finisher for an ended task. */
  async finish(
    arn: string,
    { status = 'STOPPED', again, ...options }: { status?: string; again?: boolean } & ExecutionOptions = {},
  ): Promise<{ finished: boolean; checkpoints: string[] }> {
    const detail = { durableExecutionArn: arn, status, ...(again ? { again } : {}) }
    const { result, checkpoints } = await this.#execute<{ finished: boolean }>(finisherHandler(), { detail }, options)
    return { finished: result.getResult()?.finished ?? false, checkpoints }
  }

  /** Kinds of the events that the orchestrator has received for a task. */
  sentFor(task: Task): string[] {
    return this.#eventsFor(task).map(({ type }) => type.split('.').slice(4).join('.'))
  }

  #eventsFor({ event }: Task): SentEvent[] {
    return this.events.filter(({ triggeredid }) => triggeredid === event.id)
  }

  async #execute<Result>(handler: DurableLambdaHandler, payload: unknown, options?: ExecutionOptions) {
    const execution = new Execution<Result>(handler, options)
    this.#api.executions.add(execution)
    const result = await execution.run(payload)
    this.#api.executions.delete(execution)
    return { result, checkpoints: execution.checkpoints }
  }

  #answerAsKeptn({ method, path, query, body }: Call): Reply {
    if (method === 'POST' && path === '/api/v1/event') {
      this.events.push(body as SentEvent)
      this.#acceptedAt.set(body as SentEvent, Date.now())
      return { status: 200, body: { keptnContext: randomUUID() } }
    }
    const recordedUntil = Date.now() - this.recordsAfterMs
    const events = this.events.filter(
      (event) => event.type === query.get('type') && (this.#acceptedAt.get(event) ?? 0) <= recordedUntil,
    )
    return { status: 200, body: { events } }
  }
}

/** Returns an event that triggers a task. */
export function triggered() {
  return {
    id: randomUUID(),
    type: 'sh.keptn.event.check.triggered',
    shkeptncontext: randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout' },
  }
}
