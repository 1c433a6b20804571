import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { basicAuth } from '../../http/basic-auth.ts'
import { Http } from '../../http/client.ts'
import type { HttpResponse } from '../../http/exchange.ts'
import type { RequestOptions } from '../../http/options.ts'
import { segment } from '../../http/segment.ts'
import type { ServerTask } from './server-task.ts'

/** How to call an organization or collection. */
export interface Access {
  /** A personal access token. Replaces the access token of the job. */
  token?: string | undefined
  apiVersion: string
  ca?: string | undefined
}

interface TaskEvent {
  name: 'TaskStarted' | 'TaskCompleted'
  taskId: string
  jobId: string
  result?: 'succeeded' | 'failed'
}

export interface Issue {
  type: 'error' | 'warning'
  category: 'General'
  message: string
}

const NO_ID = '00000000-0000-0000-0000-000000000000'
/** Newer plans of gates have the job and the task that all others have. */
const LAST_OLD_GATES_VERSION = 12

const plan = z.object({ version: z.optional(z.int()) })
const log = z.object({ id: z.int() })
const records = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      state: z.nullish(z.string()),
      result: z.nullish(z.string()),
      task: z.nullish(z.object({ name: z.nullish(z.string()) })),
    }),
  ),
})
/** The tasks that send a request and wait for its callback. */
const CALLING_TASKS = ['invokerestapi', 'azurefunction']

/**
 * The API of a plan: what Azure DevOps runs.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/events/post-event
 */
export class Plan {
  readonly #task: ServerTask
  readonly #http: Http
  readonly #apiVersion: string

  /** @param timeoutMs for all requests together */
  constructor(task: ServerTask, access: Access, timeoutMs: number) {
    this.#task = task
    this.#apiVersion = access.apiVersion
    const { token } = access
    const authorization = token === undefined ? `Bearer ${task.token}` : basicAuth('', token)
    const path = `${segment(task.project)}/_apis/distributedtask/hubs/${segment(task.hub)}/plans`
    this.#http = collectionHttp(`${task.collection}${path}`, access, { authorization }, timeoutMs)
  }

  /**
   * Sends an event about the task.
   *
   * @throws Failure
   */
  async raise(name: TaskEvent['name'], result?: TaskEvent['result']): Promise<void> {
    const body = { name, ...(await this.#ids()), ...(result === undefined ? {} : { result }) }
    await this.#request('POST', '/events', { body })
  }

  /**
   * Creates a log with a text.
   *
   * @returns its id
   */
  async writeLog(text: string): Promise<number> {
    const { body } = await this.#request('POST', '/logs', { body: { path: `logs\\${this.#task.task}` }, schema: log })
    const headers = { 'content-type': 'application/octet-stream' }
    await this.#request('POST', `/logs/${segment(body.id)}`, { body: text, headers })
    return body.id
  }

  /** Shows a log and an issue at the task. */
  async updateRecord(logId: number | undefined, issues: Issue[]): Promise<void> {
    const record = {
      id: this.#task.task,
      ...(logId === undefined ? {} : { log: { id: logId } }),
      ...(issues.length === 0 ? {} : { issues }),
    }
    await this.#request('PATCH', this.#recordsPath, { body: { value: [record], count: 1 } })
  }

  /** Whether the task is complete with a result. A plan that is gone has none. */
  async hasResult(result: TaskEvent['result']): Promise<boolean> {
    try {
      const record = await this.#record()
      return record?.state === 'completed' && record.result === result
    } catch (error) {
      if (error instanceof Failure && !error.transient) return false
      throw error
    }
  }

  /**
   * Whether the task exists, has not ended, and sends requests.
   *
   * @throws Failure
   */
  async waitsForCall(): Promise<boolean> {
    const record = await this.#record()
    return record?.state !== 'completed' && CALLING_TASKS.includes(record?.task?.name?.toLowerCase() ?? '')
  }

  async #record() {
    const { body } = await this.#request('GET', this.#recordsPath, { schema: records })
    return body.value.find(({ id }) => id === this.#task.task)
  }

  get #recordsPath(): string {
    return `/timelines/${segment(this.#task.timeline)}/records`
  }

  /** @param path below the plan */
  #request<T>(method: string, path: string, options: RequestOptions<T>): Promise<HttpResponse<T>> {
    const query = { 'api-version': this.#apiVersion }
    return this.#http.request(method, `${segment(this.#task.plan)}${path}`, { ...options, query })
  }

  /** @see https://github.com/microsoft/azure-pipelines-extensions/tree/master/ServerTaskHelper */
  async #ids(): Promise<Pick<TaskEvent, 'taskId' | 'jobId'>> {
    const { hub, task, job } = this.#task
    if (hub.toLowerCase() !== 'gates') return { taskId: task, jobId: job }
    const { body } = await this.#request('GET', '', { schema: plan })
    const isOld = body.version !== undefined && body.version <= LAST_OLD_GATES_VERSION
    return isOld ? { taskId: NO_ID, jobId: task } : { taskId: task, jobId: job }
  }
}

/** Returns a client for a URL of a collection. */
export function collectionHttp(
  baseUrl: string,
  { ca }: Access,
  headers: Record<string, string>,
  timeoutMs: number,
): Http {
  return new Http({
    platform: 'Azure DevOps',
    baseUrl,
    // Without the second header, Azure DevOps redirects to its sign-in page.
    headers: { ...headers, 'x-tfs-fedauthredirect': 'Suppress' },
    ca,
    deadlineAt: Date.now() + timeoutMs,
    // The sign-in page may have a successful status.
    errorStatus: (body) => (typeof body === 'string' && body.trimStart().startsWith('<') ? 401 : undefined),
    isCredentialsError: (status) => status === 403,
  })
}
