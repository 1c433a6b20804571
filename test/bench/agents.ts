import { join } from 'node:path'
import { mcp, toolsFile, webhookBundle, webhookFile } from '../../infra/build/files.ts'
import type { AgentsReport } from './agents-process.ts'
import { agentEvent, openIssue, proxyEvent } from './event.ts'
import type { Fresh } from './fresh.ts'
import { freshProcesses } from './fresh-process.ts'
import { type Bench, interleave, median, ms, ratio, type Section, within } from './measure.ts'
import { startPlatform } from './platform.ts'
import { reportOf, startProcess } from './process.ts'
import type { Times } from './stopwatch.ts'

const rounds = 21
const calls = 1_000
const warmUp = 2_000
/** Ratios to the webhook. */
const MAX_COLD_RATIO = 1.1
const MAX_CALL_RATIO = 2
const MAX_LIST_MS = 5

/** Measures what the function for agents adds to the webhook. */
export async function agents({ bundles, scratch, progress }: Bench): Promise<Section> {
  const platform = await startPlatform()
  const folder = join(bundles, 'issue-ticketing')
  const file = join(bundles, mcp, `${mcp}.js`)
  const variables = {
    ...platform.variables,
    WEBHOOKS_TOOLS_FILE: join(bundles, mcp, toolsFile),
    WEBHOOKS_WEBHOOK_FUNCTIONS: JSON.stringify({ 'issue-ticketing': 'issue-ticketing-webhook:http' }),
  }
  try {
    const start = await freshProcesses(scratch)
    const silent = proxyEvent('open-issue', {}, { input: openIssue })
    progress(`${rounds} new processes of each function`)
    const fresh = await interleave(rounds, {
      agents: () => start(file, variables, agentEvent('tools/list', {})),
      webhook: () => start(join(folder, webhookFile), variables, silent),
    })
    progress(`${calls} requests of each kind`)
    const task = { mcp: file, webhook: join(folder, `${webhookBundle}.js`), calls, warmUp }
    const warm = await reportOf<AgentsReport>(startProcess('./agents-process.ts', task, variables))
    return sectionOf(fresh, warm)
  } finally {
    await platform.close()
  }
}

function sectionOf(fresh: Record<'agents' | 'webhook', Fresh[]>, warm: AgentsReport): Section {
  const [coldAgents, coldWebhook] = [coldCpu(fresh.agents), coldCpu(fresh.webhook)]
  const [list, tool, call, status] = [warm.list, warm.tool, warm.call, warm.status].map(warmCpu) as [
    number,
    number,
    number,
    number,
  ]
  const row = (what: string, ours: number, webhook: number, budget: string) => [
    what,
    ms(ours),
    ms(webhook),
    ratio(ours, webhook),
    budget,
  ]
  const byHttp = call + status
  return {
    title: 'Agents',
    columns: ['what', 'CPU', 'CPU of the webhook', 'ratio', 'budget'],
    rows: [
      row(
        'cold start: init and tools/list',
        coldAgents,
        coldWebhook,
        within(coldAgents / coldWebhook, MAX_COLD_RATIO, (value) => `${value} x`),
      ),
      row(
        'tools/list',
        list,
        call,
        within(list, MAX_LIST_MS, (value) => `${value} ms`),
      ),
      row(
        'tools/call, with the webhook',
        tool + byHttp,
        byHttp,
        within((tool + byHttp) / byHttp, MAX_CALL_RATIO, (value) => `${value} x`),
      ),
    ],
    notes: [
      `Medians of ${rounds} new processes, and of ${calls} requests of each kind, in turns, in one process after ${warmUp} of each, against a server on this machine that responds immediately. The webhook: init and a silent call; an interactive call of open-issue; and the same with the read of its task, which tools/call and an HTTP client that polls both make.`,
    ],
  }
}

function coldCpu(runs: Fresh[]): number {
  return median(runs.map(({ cpuMs, callCpuMs = 0 }) => cpuMs + callCpuMs))
}

function warmCpu(times: Times[]): number {
  return median(times.map(({ cpuMs }) => cpuMs))
}
