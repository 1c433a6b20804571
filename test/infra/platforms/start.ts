import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { demo } from '../../../infra/platforms/sandbox/demo.ts'
import { createSandbox, type Sandbox, type SandboxObservation } from '../../../infra/platforms/sandbox/index.ts'

interface Answered {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read properties of any response
  json: any
}

export interface Started {
  sandbox: Sandbox
  origin: string
  seen: SandboxObservation[]
  stop(): Promise<void>
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>
  /** The same, with the credentials of that platform. */
  github(method: string, path: string, body?: unknown): Promise<Answered>
  serviceNow(method: string, path: string, body?: unknown): Promise<Answered>
  unleash(method: string, path: string, body?: unknown, token?: string): Promise<Answered>
  toxiproxy(method: string, path: string, body?: unknown): Promise<Answered>
  databricks(method: string, path: string, body?: unknown): Promise<Answered>
  rundeck(method: string, path: string, body?: unknown): Promise<Answered>
  slack(method: string, path: string, body?: unknown): Promise<Answered>
  dynatrace(method: string, path: string, body?: unknown): Promise<Answered>
  tool(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>
  keptn(method: string, path: string, body?: unknown): Promise<Answered>
}

/**
 * A sandbox behind HTTP on a free port of this machine.
 *
 * @param interactivityUrl receives the button presses in Slack
 */
export async function start(state: string, interactivityUrl?: string): Promise<Started> {
  const seen: SandboxObservation[] = []
  const sandbox = createSandbox({
    state,
    ...(interactivityUrl ? { interactivityUrl } : {}),
    observe: (observation) => void seen.push(observation),
  })
  const server = createServer((req, res) => void sandbox.handle(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const call: Started['call'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${origin}/sandbox${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json') && text !== ''
    return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : undefined }
  }

  return {
    sandbox,
    origin,
    seen,
    call,
    github: (method, path, body) =>
      call(method, `/github${path}`, body, { authorization: `Bearer ${demo.githubToken}` }),
    serviceNow: (method, path, body) =>
      call(method, `/servicenow${path}`, body, { authorization: basic(demo.serviceNow) }),
    unleash: (method, path, body, token = demo.unleash.token) =>
      call(method, `/unleash${path}`, body, { authorization: token }),
    toxiproxy: (method, path, body) => call(method, `/toxiproxy${path}`, body),
    databricks: (method, path, body) =>
      call(method, `/databricks${path}`, body, { authorization: `Bearer ${demo.databricksToken}` }),
    rundeck: (method, path, body) =>
      call(method, `/rundeck${path}`, body, { 'x-rundeck-auth-token': demo.rundeckToken }),
    slack: (method, path, body) =>
      call(method, `/slack/api/${path}`, body, {
        authorization: `Bearer ${demo.slack.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      }),
    dynatrace: (method, path, body) =>
      call(method, `/dynatrace${path}`, body, { authorization: `Api-Token ${demo.dynatraceToken}` }),
    tool: (method, path, body, headers = {}) =>
      call(method, `/tool${path}`, body, { authorization: `Bearer ${demo.toolToken}`, ...headers }),
    keptn: (method, path, body) => call(method, `/keptn${path}`, body, { 'x-token': demo.keptnToken }),
    async stop() {
      sandbox.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** HTTP's Basic authentication. */
export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** A finished event that Keptn takes. */
export function finished(context: string, changes: Record<string, unknown> = {}) {
  const data = {
    project: 'acme',
    stage: 'prod',
    service: 'checkout',
    status: 'succeeded',
    result: 'pass',
    message: 'done',
  }
  return {
    specversion: '1.0',
    source: 'cloud-automation-webhooks',
    type: 'sh.keptn.event.openticket.finished',
    shkeptncontext: context,
    triggeredid: 'f2b878d3-03c0-4e8f-bc3f-454bc1b3d79d',
    data,
    ...changes,
  }
}
