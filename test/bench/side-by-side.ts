import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { webhookBundle } from '../../infra/build/files.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { keptnEvent, openIssue } from './event.ts'
import { type Bench, interleave, load, median, ms, quantile, ratio, type Section } from './measure.ts'
import { nodeRed, start as startNodeRed } from './node-red.ts'
import { startPlatform } from './platform.ts'
import { post } from './post.ts'
import { startProcess } from './process.ts'
import type { ServerTask } from './webhook-server.ts'

const calls = 500
const warmUp = 1_000
const rounds = 7
const connections = [1, 16]
/** Ratio of calls per second to Node-RED. */
const MIN_RATIO = 2

const environments = 4

const names = {
  bare: 'a bare handler',
  one: 'ours, one environment',
  some: `ours, ${environments} environments`,
  nodeRed: nodeRed.name,
}

/**
 * Compares our function with a bare handler and a Node-RED flow, each in its own process. All authenticate the caller, send
 * one POST to a platform, and return its response.
 */
export async function sideBySide({ bundles, scratch, progress, comparisons }: Bench): Promise<Section> {
  if (comparisons) await nodeRed.install(progress)
  const platform = await startPlatform()
  const task: ServerTask = {
    issuesUrl: `${platform.url}/sandbox/github/repos/demo/shop/issues`,
    token: demo.githubToken,
    callerHash: createHash('sha256').update(demo.callerToken).digest('hex'),
  }
  const servers: { name: string; port: number; pid: number; close: () => Promise<void> }[] = []
  const rows: string[][] = []
  try {
    servers.push({ name: names.bare, ...(await startServer(task, platform.variables)) })
    const file = join(bundles, 'issue-ticketing', `${webhookBundle}.js`)
    servers.push({ name: names.one, ...(await startServer({ ...task, file }, platform.variables)) })
    servers.push({ name: names.some, ...(await startServer({ ...task, file, environments }, platform.variables)) })
    if (nodeRed.isInstalled) servers.push({ name: names.nodeRed, ...(await startNodeRed(scratch, task)) })
    for (const { name, port } of servers) {
      progress(`${name}: ${warmUp} calls to warm it up`)
      await callAll(port, warmUp, 16)
      platform.taken()
    }
    for (const count of connections) {
      progress(`${rounds} x ${calls} calls of each with ${count} connections`)
      const runs = await interleave(
        rounds,
        Object.fromEntries(
          servers.map(({ name, port, pid }) => [
            name,
            async () => {
              const before = cpuOf(pid)
              const run = { ...(await callAll(port, calls, count)), cpuMs: (cpuOf(pid) - before) / calls }
              const made = platform.taken().filter(({ path }) => path.endsWith('/issues')).length
              // A webhook that skips the request would be faster.
              if (made !== calls) throw new Error(`${name} made ${made} calls to the platform instead of ${calls}`)
              return run
            },
          ]),
        ),
      )
      const perSecond = (name: string) => median((runs[name] ?? []).map((run) => run.perSecond))
      for (const { name } of servers) {
        const latencies = (runs[name] ?? []).flatMap((run) => run.latencies)
        rows.push([
          name,
          String(count),
          perSecond(name).toFixed(0),
          ms(quantile(latencies, 0.5)),
          ms(quantile(latencies, 0.99)),
          // Linux counts in hundredths of a second, which is too coarse for one round.
          ms((runs[name] ?? []).reduce((sum, { cpuMs }) => sum + cpuMs, 0) / rounds),
          ratio(perSecond(name), perSecond(names.bare)),
          nodeRed.isInstalled ? ratio(perSecond(name), perSecond(names.nodeRed)) : 'not measured',
          name.startsWith('ours') && nodeRed.isInstalled ? budget(perSecond(name) / perSecond(names.nodeRed)) : '',
        ])
      }
    }
  } finally {
    for (const { close } of servers) await close()
    await platform.close()
  }
  return {
    title: 'Compared with a bare handler and Node-RED',
    columns: [
      'webhook',
      'connections',
      'calls/s',
      'p50',
      'p99',
      'CPU per call',
      'to the bare handler',
      'to Node-RED',
      'budget',
    ],
    rows,
    notes: [
      `Medians of ${rounds} rounds of ${calls} calls, in turns, after ${warmUp} calls. Each webhook checks the same token by its SHA-256, sends one POST to the same server on this machine, which responds immediately, and returns its response. Each runs in its own process with keep-alive connections. The bench checks that each call sent its POST.`,
      `Ours is the bundle behind code that creates the API Gateway event. As on Lambda, an environment handles one call at a time: the process itself, or one of ${environments} threads, as in the local runtime. The others handle all calls concurrently. Callers and platform share the cores with them. The event has no id.`,
      nodeRed.isInstalled
        ? `${nodeRed.name} is the npm package, with the flow http in, function, http request (keep-alive), function, http response, without editor, log and telemetry, on loopback only.`
        : `${nodeRed.name} is not installed. \`npm run bench -- --install\` installs it from npm into the user's cache folder.`,
    ],
  }
}

function budget(times: number): string {
  return `at least ${MIN_RATIO} x: ${times >= MIN_RATIO ? 'within' : 'short'}`
}

async function startServer(task: ServerTask, env: Record<string, string>) {
  const child = startProcess('./webhook-server.ts', task, env)
  const exited = once(child, 'exit')
  const [port] = (await Promise.race([
    once(child, 'message'),
    exited.then(([code]) => Promise.reject(new Error(`The server exited with ${code}`))),
  ])) as [number]
  return {
    port,
    pid: child.pid ?? 0,
    async close() {
      child.kill()
      await exited
    },
  }
}

/** Returns the CPU time of a process in milliseconds; NaN without /proc. */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    // User and system time in hundredths of a second.
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return Number.NaN
  }
}

async function callAll(port: number, count: number, concurrency: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency })
  const url = `http://127.0.0.1:${port}/v1/issue-ticketing/open-issue`
  const headers = { authorization: `Bearer ${demo.callerToken}` }
  try {
    return await load(count, concurrency, async () => {
      const { status } = await post(url, keptnEvent(openIssue), agent, headers)
      if (status !== 200) throw new Error(`Answered ${status}`)
    })
  } finally {
    agent.destroy()
  }
}
