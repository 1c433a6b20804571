import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { EnvironmentServer } from '../platforms/dynatrace/environment-server.ts'

interface Task {
  name: string
  action: string
  input: Record<string, string> & { headers?: Record<string, string> }
  predecessors: string[]
  conditions?: { states: Record<string, 'OK'>; custom?: string; else?: 'SKIP' }
}

/** A workflow template, as in `docs/dynatrace/`. */
export interface Template {
  metadata: { version: string; dependencies: { apps: { id: string; version: string }[] } }
  workflow: {
    title: string
    schemaVersion: number
    tasks: Record<string, Task>
    trigger: { eventTrigger?: { filterQuery: string; uniqueExpression: string } }
  }
}

export interface Run {
  execution: string
  /** The results of the tasks that ran, by name. */
  results: Record<string, unknown>
  /** The error of a task, which ends the execution. */
  error?: string
}

interface Options {
  environment: EnvironmentServer
  /** The URL of the webhooks. */
  url: string
  token: string
  execution: string
  event?: Record<string, unknown>
  /** Sends the requests of HTTP actions. Defaults to `fetch`. */
  send?: typeof fetch
  /** Called after each task. */
  after?: (task: string) => Promise<void>
}

const POLL_MS = 50
const require = createRequire(import.meta.url)
/** The vendor's client. Loaded when it is used, so that the templates can be read without it. */
const loadClient = () => require('@dynatrace-sdk/client-automation')

/** @param path relative to the project */
export function readTemplate(path: string): Template {
  return parse(readFileSync(join(import.meta.dirname, '../..', path), 'utf8'))
}

/** Runs the tasks of a template as Dynatrace documents it: expressions, HTTP requests, and JavaScript with the vendor's client. */
export async function runTemplate({ workflow }: Template, options: Options): Promise<Run> {
  const { environment, execution, event = {}, after } = options
  const results: Record<string, unknown> = {}
  const render = (text: string) => renderWith(text, { execution, event, results, token: options.token })
  try {
    for (const { name, action, input, predecessors, conditions } of Object.values(workflow.tasks)) {
      if (!predecessors.every((before) => before in results)) continue
      if (conditions?.custom !== undefined && render(conditions.custom) !== 'true') continue
      results[name] = action.endsWith(':http-function')
        ? await send(input, render, options)
        : await runScript(input['script'] ?? '', options)
      await after?.(name)
      while (environment.automation.get(execution)?.state === 'PAUSED') await sleep(POLL_MS)
    }
    environment.automation.set(execution, 'SUCCESS')
    return { execution, results }
  } catch (error) {
    environment.automation.set(execution, 'ERROR')
    return { execution, results, error: (error as Error).message }
  }
}

/** Replaces each expression. Knows the functions and operators of the templates only. */
export function renderWith(
  text: string,
  known: { execution: string; event: Record<string, unknown>; results: Record<string, unknown>; token: string },
): string {
  return text.replace(/\{\{ *(.+?) *\}\}/g, (_all, expression: string) => {
    const [, unfiltered, toJson] = /^(.+?)( \| to_json)?$/.exec(expression) ?? []
    const [, value = '', not, list] = /^(.+?) (not )?in (\[.+\])$/.exec(unfiltered ?? '') ?? [undefined, unfiltered]
    const functions = {
      execution: () => ({ id: known.execution }),
      event: () => known.event,
      result: (task: string) => known.results[task],
      secret: (name: string) => (name === 'webhooks_token' ? known.token : undefined),
    }
    const evaluate = new Function(...Object.keys(functions), `return ${value}`)
    const found: unknown = evaluate(...Object.values(functions))
    if (found === undefined) throw new Error(`${expression} is undefined`)
    if (list === undefined) return toJson === undefined ? String(found) : JSON.stringify(found)
    const isIn = JSON.parse(list.replaceAll("'", '"')).includes(found)
    return String(isIn !== (not !== undefined))
  })
}

async function send(
  input: Task['input'],
  render: (text: string) => string,
  { url, send = fetch }: Options,
): Promise<object> {
  const { method, headers = {}, payload } = input
  const target = render(input['url'] ?? '').replace('https://webhooks.example.com', url)
  const sent = Object.entries(headers).map(([name, value]) => [name, render(value)])
  const response = await send(target, {
    method: method ?? 'GET',
    headers: Object.fromEntries(sent),
    ...(payload === undefined ? {} : { body: render(payload) }),
  })
  const body = await response.text()
  if (response.status >= 400) throw new Error(`The request failed with ${response.status}: ${body}`)
  return { status: response.status, body, json: JSON.parse(body) }
}

/** Runs a script of a workflow. */
function runScript(script: string, { environment, execution }: Options): Promise<unknown> {
  const body = script
    .replace(/import \{ (\w+) \} from '@dynatrace-sdk\/client-automation'/, 'const { $1 } = client')
    .replace('export default', 'return')
  return withClient(environment, async (client) => {
    return (await new Function('client', body)(client)({ execution_id: execution })) ?? null
  })
}

const { fetch: original } = globalThis
const environments = new AsyncLocalStorage<string>()
let running = 0

/** Calls an environment with the vendor's client, as a script of a workflow does. The client sends paths to `fetch`. */
export async function withClient<T>(
  { url }: Pick<EnvironmentServer, 'url'>,
  run: (client: ReturnType<typeof loadClient>) => Promise<T>,
): Promise<T> {
  if (running++ === 0) globalThis.fetch = fetchFromEnvironment
  try {
    return await environments.run(url, () => run(loadClient()))
  } finally {
    if (--running === 0) globalThis.fetch = original
  }
}

const fetchFromEnvironment: typeof fetch = (target, init) => {
  // Other tests call other servers meanwhile.
  if (typeof target !== 'string' || !target.startsWith('/')) return original(target, init)
  const headers = new Headers(init?.headers)
  headers.set('authorization', `Bearer ${demo.dynatracePlatformToken}`)
  return original(`${environments.getStore()}${target}`, { ...init, headers })
}
