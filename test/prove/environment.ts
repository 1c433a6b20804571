import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readQueueLengths } from '../../infra/local/queue-lengths.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import type { FaultSpec } from '../../infra/sandbox/platforms/sandbox/faults.ts'
import { freePort } from '../e2e/service.ts'
import { createAgentCaller } from './agent-caller.ts'
import { AlertSender } from './alert-sender.ts'
import { alertRules } from './alerts.ts'
import { ask } from './ask.ts'
import { CallRecords } from './call-records.ts'
import type { Call } from './calls.ts'
import { RuntimeProcess } from './child.ts'
import { Credentials } from './credentials.ts'
import { createEngineCaller } from './engine-caller.ts'
import { FaultInjector } from './fault-injector.ts'
import { places } from './kinds.ts'
import { Operator } from './operator.ts'
import { PlatformRecords } from './platform-records.ts'
import { startTlsProxy } from './proxy.ts'
import { closedTimes, policyOf } from './restrictions.ts'
import { createCaller } from './send-call.ts'
import { Watch } from './watch.ts'

/**
 * The factor by which durable waits are shorter than on AWS. It is small enough for the requests of a dying worker to arrive
 * before the next attempt reads the platform.
 */
export const timeScale = 10

export interface EnvironmentOptions {
  seed: number
  /** An empty folder. */
  folder: string
  /** The folder of the bundles. */
  bundles: string
  /** Execution environments of each function. Defaults to that of the runtime. */
  concurrency?: number
  /** How long the windows of the policy open and close, in milliseconds. */
  ms?: number
}

/** The runtime, its callers, the fault injector, and the records of both sides. */
export type Environment = Awaited<ReturnType<typeof start>>

/** Starts an environment for a run, which a crash of the runtime ends. */
export async function useEnvironment<Result>(
  options: EnvironmentOptions,
  run: (environment: Environment) => Promise<Result>,
): Promise<Result> {
  const environment = await start(options)
  try {
    return await Promise.race([run(environment), environment.runtime.crashed, environment.engineCaller.crashed])
  } finally {
    await environment.end()
    environment.records.close()
  }
}

async function start({ seed, folder, bundles, concurrency, ms = 0 }: EnvironmentOptions) {
  const port = await freePort()
  const proxy = await startTlsProxy(port)
  const credentials = new Credentials(seed)
  // The folders of the runtime, and of its output and responses.
  const [state, written] = [join(folder, 'state'), join(folder, 'written')]
  for (const path of [state, written]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const output = join(written, 'runtime.log')
  const secretsFile = join(folder, 'secrets.json')
  const [policyFile, eventsFile] = [join(folder, 'policy.yaml'), join(folder, 'events.yaml')]
  writeFileSync(eventsFile, alertRules())
  const closed = closedTimes(Date.now(), ms)
  writeFileSync(policyFile, policyOf(closed))
  const runtime = new RuntimeProcess(
    {
      port,
      state,
      secretsFile,
      bundles,
      timeScale,
      engineKey: credentials.engineKey,
      policyFile,
      eventsFile,
      ...(concurrency === undefined ? {} : { concurrency }),
    },
    output,
    () => ({ accepted: credentials.accepted, clock: faultInjector.offsets }),
  )
  /** Replaces the file of the secrets atomically. */
  const publish = () => {
    writeFileSync(`${secretsFile}.new`, JSON.stringify(credentials.secrets(runtime.url, proxy)), { mode: 0o600 })
    renameSync(`${secretsFile}.new`, secretsFile)
  }
  publish()
  const faultInjector: FaultInjector = new FaultInjector({ runtime, credentials, proxy, publish })
  await runtime.start()
  await createRecords(runtime.url, credentials)
  const callRecords = new CallRecords(join(written, 'answers.log'))
  const engineCaller = createEngineCaller(runtime, credentials, callRecords)
  const agentCaller = createAgentCaller(runtime, credentials.agent, callRecords)
  const alertSender = new AlertSender(runtime, credentials.alerts, seed)
  const caller = createCaller(runtime, credentials, callRecords)
  const records = new PlatformRecords(state)
  const operator = new Operator(runtime, credentials, callRecords)
  const watch = new Watch(records, callRecords, runtime, operator)
  return {
    state,
    written,
    output,
    credentials,
    callRecords,
    runtime,
    proxy,
    faultInjector,
    engineCaller,
    alertSender,
    records,
    watch,
    /** The times of the process in which the windows of the policy are closed. */
    closed,
    /**
     * Sends a call as its caller does.
     *
     * @returns promises for the first response, and for all
     */
    send(call: Call): { first: Promise<unknown>; all: Promise<unknown> } {
      const { engine, agent } = call
      if (engine) {
        const first = engineCaller.send(call, engine)
        return { first, all: first }
      }
      return agent ? agentCaller.send(call, agent) : caller.send(call)
    },
    /** Lets the platforms lose a third of their notifications, and forges others. */
    async disturbNotifications(): Promise<void> {
      await loseNotifications(runtime.url)
      watch.forgeWith(credentials.engineKey)
    },
    /** Sets the clock of the process forward, so that the windows of the policy open for the first time in some milliseconds. */
    openWindowIn(ms: number): void {
      const opensAt = closed[0]?.end ?? 0
      faultInjector.setAhead(Math.max(0, opensAt - ms - Date.now()))
    },
    /** Removes all faults and completes all rotations. */
    async removeFaults(): Promise<void> {
      await runtime.up()
      proxy.state = 'fine'
      publish()
      runtime.send({ kind: 'accept', accepted: credentials.accepted })
      await ask(`${runtime.url}/sandbox/faults`, { method: 'DELETE' })
    },
    /** Returns the number of executions that have not ended, of alerts in the queue, and of tasks that are being run again. */
    async running(): Promise<number> {
      const response = await ask(`${runtime.url}/tasks`)
      const { tasks } = (await response.json()) as { tasks: { status: string }[] }
      const { lambda: endpoint, accessKeyId } = runtime.aws
      const { waiting } = await readQueueLengths({ endpoint, credentials: { accessKeyId, secretAccessKey: '' } })
      return tasks.filter(({ status }) => status === 'RUNNING').length + waiting + operator.pending
    },
    async end(): Promise<void> {
      watch.end()
      engineCaller.end()
      agentCaller.end()
      alertSender.end()
      operator.end()
      await runtime.end()
      proxy.close()
    },
  }
}

/** Creates the records that calls update: the first issue of each repository, and the first tickets. */
async function createRecords(url: string, { accepted }: Credentials): Promise<void> {
  const post = async (path: string, authorization: string, body: object) => {
    const response = await fetch(`${url}/sandbox${path}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 201) throw new Error(`The sandbox rejected a record: ${response.status}`)
  }
  const basic = Buffer.from(`${demo.serviceNow.username}:${accepted.servicenow}`).toString('base64')
  for (let place = 1; place <= places; place++) {
    const title = `Updated record ${place}`
    await post(`/github/repos/demo/shop-${place}/issues`, `Bearer ${accepted.github}`, { title })
    await post('/servicenow/api/now/table/incident', `Basic ${basic}`, { short_description: title })
  }
}

/** Lets each platform lose a third of its notifications. */
async function loseNotifications(url: string): Promise<void> {
  for (const target of ['github', 'rundeck', 'databricks'] as const) {
    const fault: FaultSpec = { target, kind: 'lost-notification', share: 1 / 3 }
    const { status } = await fetch(`${url}/sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    })
    if (status !== 201) throw new Error(`The sandbox rejected a fault: ${status}`)
  }
}
