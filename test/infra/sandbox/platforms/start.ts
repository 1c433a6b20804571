import { createServer, type OutgoingHttpHeaders, request } from 'node:http'
import { closeServer, listen } from '../../../../infra/local/port.ts'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { createSandbox } from '../../../../infra/sandbox/platforms/sandbox/index.ts'
import type { Sandbox, SandboxObservation } from '../../../../infra/sandbox/platforms/sandbox/sandbox.ts'

interface Answered {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read properties of any response
  json: any
}

type Send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>

export interface Started extends ReturnType<typeof clientsOf> {
  sandbox: Sandbox
  origin: string
  seen: SandboxObservation[]
  stop(): Promise<void>
  call: Send
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
  const origin = await listen(server, 0)

  const call: Send = async (method, path, body, headers = {}) => {
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
    ...clientsOf(call),
    async stop() {
      sandbox.close()
      await closeServer(server)
    },
  }
}

/** Returns a client of each platform that sends the credentials of the sandbox. */
export function clientsOf(call: Send) {
  const to =
    (path: string, headers: Record<string, string> = {}): Send =>
    (method, rest, body, more) =>
      call(method, `${path}${rest}`, body, { ...headers, ...more })
  return {
    github: to('/github', { authorization: `Bearer ${demo.githubToken}` }),
    serviceNow: to('/servicenow', { authorization: basic(demo.serviceNow) }),
    unleash: to('/unleash', { authorization: demo.unleash.token }),
    toxiproxy: to('/toxiproxy'),
    databricks: to('/databricks', { authorization: `Bearer ${demo.databricksToken}` }),
    rundeck: to('/rundeck', { 'x-rundeck-auth-token': demo.rundeckToken }),
    slack: to('/slack/api/', {
      authorization: `Bearer ${demo.slack.token}`,
      'content-type': 'application/json; charset=utf-8',
    }),
    dynatrace: to('/dynatrace', { authorization: `Api-Token ${demo.dynatraceToken}` }),
    tool: to('/tool', { authorization: `Bearer ${demo.toolToken}` }),
    keptn: to('/keptn', { 'x-token': demo.keptnToken }),
  }
}

/** Returns the status of a GET, or of a POST with a body. fetch cannot set the Host header. */
export function statusOf(url: string, headers: OutgoingHttpHeaders, body?: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const call = request(url, { method, headers }, (res) => resolve(res.resume().statusCode))
    call.on('error', reject).end(body)
  })
}

/** HTTP's Basic authentication. */
function basic({ username, password }: { username: string; password: string }): string {
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
