import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { engineKeyOf } from '../../infra/sandbox/engines/place.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { newestOf, serve } from '../../infra/testing/loopback-server.ts'
import { messageOf } from '../../shared/errors.ts'
import { median } from '../bench/measure.ts'
import { until } from '../e2e/service.ts'
import { randomOf } from '../prove/random.ts'
import { mutated } from './mutate.ts'
import { seedRequests } from './seeds.ts'
import type { FromRuntime, ServeOptions } from './serve.ts'
import { wrongWith } from './verdict.ts'
import { type Answer, asCurl, type Request, send } from './wire.ts'

export interface FuzzOptions {
  /** Determines every choice: request `n` of a seed is always the same, except for the keys of the run. */
  seed: number
  seconds: number
  /** Maximum number of requests. Defaults to as many as possible. */
  requests?: number
  /** Only this case. */
  only?: number | undefined
  bundles?: string
  report?: (text: string) => void
}

interface Finding {
  what: string
  seed: number
  case: number | undefined
  /** Sends it again. */
  curl: string | undefined
}

export interface FuzzReport {
  sent: number
  /** How often each status was answered. */
  statuses: Record<number, number>
  findings: Finding[]
  /** The memory of the runtime, in MB: the most in the first half of the requests, the median of the last sixth, and the most of all. */
  memory: { early: number; late: number; most: number }
  /** The longest that its event loop was held up, in milliseconds. */
  heldUp: number
}

/** Requests under way at a time. */
const atOnce = 6
/** Maximum block of the event loop, in milliseconds. Allows for other load on the machine. */
const MAX_BLOCK_MS = 3_000
/** Maximum growth of memory after the first half; the larger value counts. Applies to long runs only. */
const growth = { factor: 1.25, megabytes: 200, requests: 20_000 }
/** More findings than these say nothing that helps. */
const MAX_FINDINGS = 10

const identityKey = 'fuzz-identity-key-of-thirty-two-characters'

/** Secrets that no response may contain. Responses do not contain the token of the caller either. */
const secrets = [
  demo.callerToken,
  demo.keptnToken,
  demo.approvalsKey,
  demo.githubToken,
  demo.dynatraceToken,
  demo.databricksToken,
  demo.rundeckToken,
  demo.slack.token,
  demo.slack.signingSecret,
  demo.unleash.token,
  demo.unleash.reviewerToken,
  demo.serviceNow.password,
  demo.serviceNow.token,
  'fuzz-webhook-secret',
  'fuzz-locust-password',
  identityKey,
  // Part of the secret of each source.
  engineKeyOf(demo),
].flatMap((secret) => [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')])

/** Sends malformed requests to the shipped bundles in the local runtime, and checks responses, logs, memory and event loop. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const scratch = mkdtempSync(join(tmpdir(), 'webhooks-fuzz-'))
  const listener = await startListener()
  try {
    const secretsFile = join(scratch, 'secrets.json')
    writeFileSync(secretsFile, JSON.stringify(connectionsTo(listener.url)))
    const { bundles } = options
    const runtime = await startRuntime({ state: join(scratch, 'state'), secretsFile, secrets, bundles })
    try {
      return await run(options, runtime, listener, seedRequests(await listener.approvalLink(runtime.url)))
    } finally {
      await runtime.end()
    }
  } finally {
    await listener.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Connections in addition to those to the sandbox: a chat without buttons, and a load test that fails immediately. */
function connectionsTo(url: string): Record<string, unknown> {
  const connections = 'cloud-automation-webhooks/connections'
  return {
    'cloud-automation-webhooks/identity': { key: identityKey },
    [`${connections}/notification/page`]: {
      provider: 'webhook',
      baseUrl: `${url}/hook`,
      secret: 'fuzz-webhook-secret',
    },
    [`${connections}/load-testing/default`]: {
      provider: 'locust',
      baseUrl: `${url}/down`,
      username: 'robot',
      password: 'fuzz-locust-password',
      target: 'https://shop.example.com',
    },
  }
}

type Listener = Awaited<ReturnType<typeof startListener>>
type Runtime = Awaited<ReturnType<typeof startRuntime>>

async function run(
  { seed, seconds, requests = Number.POSITIVE_INFINITY, only, report = () => {} }: FuzzOptions,
  { url, wrong, health }: Runtime,
  listener: Listener,
  seeds: Request[],
): Promise<FuzzReport> {
  const findings: Finding[] = []
  const statuses: Record<number, number> = {}
  const reported = new Set<string>()
  const memory: { sent: number; megabytes: number }[] = []
  let sent = 0

  /** Reports each kind of finding once. */
  const found = (what: string, at?: number, request?: Request) => {
    const kind = what.replace(/[0-9a-f-]{8,}|\d+/g, '#').slice(0, 120)
    if (reported.has(kind)) return
    reported.add(kind)
    findings.push({ what, seed, case: at, curl: request && asCurl(url, request) })
  }
  const sendCase = async (at: number) => {
    const random = randomOf(seed, `case ${at}`)
    const request = mutated(random, random.pick(seeds), listener.canary)
    let answer: Answer | undefined
    try {
      answer = await send(Number(new URL(url).port), request)
    } catch (error) {
      found(messageOf(error), at, request)
    }
    sent += 1
    if (answer) statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
    for (const what of wrongWith(request, answer, secrets)) found(what, at, request)
    if (listener.canaryCalls > 0) found('a host was called that the input named', at, request)
  }
  const measureMemory = () => {
    const rss = health.at(-1)?.rss
    if (rss !== undefined) memory.push({ sent, megabytes: Math.round(rss / 1024 / 1024) })
  }

  if (only !== undefined) await sendCase(only)
  else {
    const end = Date.now() + seconds * 1_000
    const progress = setInterval(() => {
      measureMemory()
      const left = Math.max(0, Math.round((end - Date.now()) / 1_000))
      report(`${sent} requests, ${findings.length} findings, ${left} s left`)
    }, 1_000)
    let next = 0
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < requests && Date.now() < end && findings.length < MAX_FINDINGS) await sendCase(next++)
      }),
    )
    clearInterval(progress)
  }
  // Tasks may still log something. Their time runs 60 times as fast.
  await sleep(500)

  for (const what of wrong) found(what)
  measureMemory()
  const between = (from: number, to: number) =>
    memory.filter((one) => one.sent >= from * sent && one.sent <= to * sent).map(({ megabytes }) => megabytes)
  const early = Math.max(0, ...between(0, 1 / 2))
  const late = Math.round(median(between(5 / 6, 1)) || 0)
  const heldUp = Math.max(0, ...health.map((one) => one.heldUp))
  if (sent >= growth.requests && late > Math.max(early * growth.factor, early + growth.megabytes))
    found(`the memory grows: from ${early} MB to ${late} MB`)
  if (heldUp > MAX_BLOCK_MS) found(`the event loop was held up for ${heldUp} ms`)
  return { sent, statuses, findings, memory: { early, late, most: Math.max(0, ...between(0, 1)) }, heldUp }
}

/** Starts the runtime, and collects what it reports of itself. */
async function startRuntime(options: ServeOptions) {
  const wrong: string[] = []
  const health: { rss: number; heldUp: number }[] = []
  const child = fork(new URL('./serve.ts', import.meta.url), [JSON.stringify(options)], {
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  child.stderr?.on('data', (text) => wrong.push(`the runtime wrote to its stderr: ${String(text).slice(0, 800)}`))
  const exited = once(child, 'exit').then(([code, signal]) => wrong.push(`the runtime ended with ${code ?? signal}`))
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: FromRuntime) => {
      if (message.kind === 'ready') resolve(message.url)
      else if (message.kind === 'health') health.push(message)
      else wrong.push(message.what)
    })
    void exited.then(() => reject(new Error(wrong.join('\n'))))
  })
  return {
    url,
    wrong,
    health,
    async end(): Promise<void> {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Receives chat messages, and counts requests to a URL that must not be called. */
async function startListener() {
  const server = await serve(({ path }) => {
    if (!/^\/(?:hook|down)/.test(path)) listener.canaryCalls += 1
    return { status: path.startsWith('/down') ? 503 : 200 }
  })
  const listener = {
    canaryCalls: 0,
    url: server.url,
    /** The URL that must not be called. */
    canary: `${server.url}/canary`,
    close: server.close,
    /** Requests an approval, and returns the link in its message. */
    async approvalLink(url: string): Promise<string> {
      const event = {
        id: createHash('sha256').update(url).digest('hex').slice(0, 32),
        type: 'sh.keptn.event.approval.triggered',
        shkeptncontext: '00000000-0000-4000-8000-000000000000',
        data: { project: 'shop', stage: 'production', service: 'checkout', result: 'pass' },
        input: { question: 'Is this <b>good</b>?' },
      }
      const path = 'notification/ask-approval?mode=interactive&connection=page&deadline=P7D'
      const response = await fetch(`${url}/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(event),
      })
      if (response.status !== 202) throw new Error(`The approval was not requested: ${await response.text()}`)
      const links = () => server.calls.flatMap(({ text }) => /\/approvals\/([\w.-]+)/.exec(text)?.[1] ?? [])
      await until(
        async () => links().length > 0,
        5,
        () => 'a message with a link',
      )
      return newestOf(links())
    },
  }
  return listener
}
