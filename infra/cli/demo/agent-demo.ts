import { readAuditLog } from '../../local/audit-log.ts'
import { AuditRecords } from '../audit/records.ts'
import { createToken } from '../secrets/callers.ts'
import { secretName } from '../secrets/secret-store.ts'
import { approveOrReject } from './approve.ts'
import type { Demo, Effects } from './demo.ts'
import type { DemoRuntime } from './demo-runtime.ts'
import { type ToolCaller, ToolClient, type ToolContent } from './tool-client.ts'
import { until } from './until.ts'

const AGENT = 'incident-bot'
const TOOL = 'remediation_rollback'
const POLICY = `approval: { connection: default, channel: C0RELEASES }
rules: []
`
/** The call that the agent repeats. */
const ROLLBACK = { key: 'incident-4711-rollback', input: { target: 'shop', ref: 'v41' }, wait: 0 }

/**
 * How long the agent waits for answers that it does not get. The runtime holds an answer until people have decided, for as long as
 * the agent asks, so the connection always ends first.
 */
const LOST = { afterMs: [200, 600], wait: 20 }

/**
 * An incident: an agent proposes a rollback, loses its connection twice, and repeats the call with its key. A person approves it in the
 * chat, and the runtime is killed in between.
 *
 * @param connect returns the client of the agent
 */
export function agentDemo(
  connect: (url: string, token: string) => Promise<ToolCaller> = async (url, token) => new ToolClient(url, token),
): Demo {
  const { token, hash } = createToken()
  const caller = {
    tokens: [hash],
    categories: ['remediation'],
    allow: ['remediation/rollback'],
    connections: { remediation: 'tool' },
    agent: true,
  }
  return {
    settings: { policy: POLICY, secrets: { [secretName('callers')]: { [AGENT]: caller } } },
    setting: 'with a policy: people approve what agents write',
    async play(runtime, print) {
      const client = await connect(runtime.url, token)
      const taskId = await propose(client, print)
      await runtime.crash('while the task waits', print)
      await approveOrReject(runtime, print)
      if (runtime.decision === 'approve') print('runtime  starts the rollback, and waits for its end')
      const { verdict, message } = await untilEnded(client, taskId)
      print(`agent    reads the task: ${verdict}: ${message}`)
      const again = await client.call(TOOL, { ...ROLLBACK, wait: 5 })
      print(
        `agent    repeats the call once more: the same task ${again.taskId === taskId ? 'and result' : 'is missing'}`,
      )
      return { verdict, ...(await effects(runtime, taskId)) }
    },
    expected: { verdict: 'pass', rollbacks: 1, auditRecords: 1 },
    expectedIfRejected: { verdict: 'fail', rollbacks: 0 },
  }
}

/** Calls the tool until there is an answer, and once more with other words. */
async function propose(client: ToolCaller, print: (line: string) => void): Promise<string> {
  print(`agent    calls ${TOOL} with the key ${ROLLBACK.key}: ${JSON.stringify(ROLLBACK.input)}`)
  for (const afterMs of LOST.afterMs) {
    const sent = { ...ROLLBACK, wait: LOST.wait }
    const lost = await client.call(TOOL, sent, AbortSignal.timeout(afterMs)).catch(() => undefined)
    print(
      lost
        ? `agent    gets an answer: ${lost.verdict}`
        : 'agent    loses its connection, and repeats the call with its key',
    )
  }
  const { taskId = '', verdict } = await client.call(TOOL, ROLLBACK)
  print(`agent    gets an answer: ${verdict}, task ${taskId}`)
  const ref = 'version 41'
  const other = await client.call(TOOL, { ...ROLLBACK, input: { target: 'shop', ref } })
  print(`agent    words it differently, as "${ref}": ${other.verdict}. ${other.message}`)
  return taskId
}

function untilEnded(client: ToolCaller, taskId: string): Promise<ToolContent> {
  return until('the end of the task', async () => {
    const content = await client.call('get_task', { taskId, wait: 5 })
    return content.verdict === 'running' ? undefined : content
  })
}

/** Counts what happened at the platform, and the records of it. */
async function effects(runtime: DemoRuntime, taskId: string): Promise<Effects> {
  const runs = await runtime.list<object[]>('sandbox/runs')
  const records = new AuditRecords({ from: 0, to: Number.POSITIVE_INFINITY })
  for (const line of readAuditLog(runtime.state)) records.add(line)
  const ofTask = records.sorted().filter(({ taskId: id }) => `remediation.${id}` === taskId)
  return {
    rollbacks: runs.filter((run) => JSON.stringify(run).includes('rollback of shop')).length,
    auditRecords: ofTask.length,
  }
}
