import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../shared/errors.ts'
import { consoleLink } from '../local/console-access.ts'
import { credentialsFile, type LocalCredentials, plainTokenOf } from '../local/credentials.ts'
import { formatEvent } from '../local/format-event.ts'
import { checkPort, portOf } from '../local/port.ts'
import { type Runtime, startRuntime } from '../local/runtime.ts'
import { helpIfAsked } from '../project/help.ts'
import { reportProgress } from '../project/progress.mjs'
import { EXTENSION, HAS_SOURCES, PACKAGE } from '../project/roots.ts'
import { quoteForShell } from '../project/shell-words.ts'
import { engineKeyOf } from '../sandbox/engines/place.ts'
import { keptnEventLog } from '../sandbox/keptn/event-log.ts'
import { playSequence } from '../sandbox/keptn/player.ts'
import { defaultUrl, demo } from '../sandbox/platforms/sandbox/demo.ts'
import { ALERT_SOURCE, alertBody, alertToken } from '../sandbox/platforms/sandbox/notifications/alert-example.ts'
import { START_SETTINGS } from './start-settings.ts'
import { openOrExplain } from './terminal/open-browser.ts'

function ignoreClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

export interface StartOptions {
  /** First builds the bundles if a source has changed. */
  build: boolean
  /** Opens the console in the browser. */
  open?: boolean | undefined
  /** Defaults to WEBHOOKS_PORT. */
  port?: number | undefined
}

/** Starts the local runtime and runs the demo sequence. */
export async function start({ build, open = false, port = portOfEnvironment() }: StartOptions): Promise<void> {
  // The reader of a pipe may exit, as in `| head`. The runtime continues, unlike the commands of the CLI.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', ignoreClosed)
  const state = resolve(process.env['WEBHOOKS_STATE'] ?? '.webhooks')
  if (build) {
    // Before the build, which takes much longer.
    await checkPort(port)
    if (HAS_SOURCES) await buildFunctions()
  }
  let isDemoRunning = process.env['WEBHOOKS_DEMO'] !== 'off'
  const runtime = await startRuntime({
    port,
    state,
    secretsFile: process.env['WEBHOOKS_SECRETS'],
    eventsFile: process.env['WEBHOOKS_EVENTS'],
    policyFile: process.env['WEBHOOKS_POLICY'],
    hasAgentSignIn: process.env['WEBHOOKS_AGENT_SIGN_IN'] === 'on',
    onPrivate: (credentials) => console.log(`\n${privateNotice(state, credentials)}`),
    observe: (event) => {
      // During the demo, its own output contains the events of the control plane.
      if (isDemoRunning && event.from === 'sandbox' && event.note === 'via control-plane') return
      const text = formatEvent(event)
      if (text) console.log(text)
    },
  })
  stopOnSignals(runtime)
  console.log(`Listening on ${runtime.url}, state in ${state}\n`)
  if (process.env['WEBHOOKS_POLICY']) console.log(`${await policyNotice()}\n`)
  if (open) console.log(`${await openOrExplain(consoleLink(runtime.url, runtime.credentials()))}\n`)
  if (isDemoRunning) await runDemo(runtime)
  isDemoRunning = false
  console.log(nextSteps(runtime, state))
}

function portOfEnvironment(): number {
  const port = portOf(process.env['WEBHOOKS_PORT'] ?? new URL(defaultUrl).port)
  if (port === undefined) throw new Error('WEBHOOKS_PORT must be a port number, such as 8787.')
  return port
}

/** Builds in a separate process, because the bundler would stay in memory. */
async function buildFunctions(): Promise<void> {
  console.log('Building the functions ...')
  const stop = reportProgress('building')
  const build = join(PACKAGE, `infra/build/main${EXTENSION}`)
  const child = spawn(process.execPath, [...process.execArgv, build], { stdio: ['inherit', 'ignore', 'inherit'] })
  const [status] = await once(child, 'exit')
  stop()
  if (status !== 0) throw new Error('The build failed. See the errors above.')
}

/** Explains why the token differs from the one in the documentation. */
function privateNotice(state: string, { callerToken }: LocalCredentials): string {
  return [
    'A real platform is connected, so the demo token is no longer valid. The new token of the caller "demo" is',
    `  ${callerToken}`,
    `It is saved in ${credentialsFile(state)}. The CLI reads it from there.`,
  ].join('\n')
}

/** Says that a policy is active, and warns of rules that restrict less than they seem to. */
async function policyNotice(): Promise<string> {
  const [{ readConfiguredPolicy }, { checkPolicy }] = await Promise.all([
    import('../local/operator/configured-policy.ts'),
    import('./policy/check-policy.ts'),
  ])
  const options = { local: true }
  const known = readConfiguredPolicy(options)
  if (!known) return ''
  const { summary, digest, lines, notice = [] } = await checkPolicy(known, options)
  return [`The policy ${known.file} is active: ${summary} Digest: ${digest}`, ...lines].concat(notice).join('\n')
}

async function runDemo({ url, credentials }: Runtime): Promise<void> {
  console.log('Running the demo sequence "incident":')
  const { passed } = await playSequence({
    name: 'incident',
    url,
    token: credentials().callerToken,
    log: keptnEventLog(`${url}/sandbox/keptn`, demo.keptnToken),
    print: (text) => console.log(text),
  })
  console.log(passed ? 'The sequence passed.\n' : 'The sequence did not pass.\n')
}

/** Returns sample commands. The id of the interactive call is new at each start. */
function nextSteps(runtime: Runtime, state: string): string {
  const { url, credentials } = runtime
  const token = plainTokenOf(credentials())
  const authorization = `-H 'Authorization: Bearer ${token}'`
  const post = (query: string, body: unknown) =>
    `curl -s '${url}/v1/issue-ticketing/open-issue${query}' ${authorization} -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`
  return [
    `Token: ${token}`,
    `Token for Keptn events: ${credentials().callerToken}`,
    '',
    'A silent call opens an issue and returns it:',
    `  ${post('', { input: { title: 'Checkout is slow' } })}`,
    'An interactive call returns immediately. The same call again is the same task:',
    `  ${post('?mode=interactive', { id: randomUUID(), input: { title: 'Opened by hand' } })}`,
    'The statusUrl in its response shows its task and its result:',
    `  curl -s '<statusUrl>' ${authorization}`,
    ...(process.env['WEBHOOKS_EVENTS'] ? [] : alertCommand(runtime)),
    '',
    `Open the console in a browser: ${consoleLink(url, credentials())}`,
    `Tasks ${url}/tasks   events ${url}/sandbox/events   issues ${url}/sandbox/issues`,
    `Incidents ${url}/sandbox/incidents   flags ${url}/sandbox/flags   runs ${url}/sandbox/runs`,
    `Chat ${url}/sandbox/slack   messages ${url}/sandbox/messages`,
    `SLOs ${url}/sandbox/dynatrace   reports ${url}/sandbox/reports`,
    `In a second terminal: npx webhooks demo agent, or ${webhooksCommand(state)} tasks        Stop with Ctrl-C.`,
  ].join('\n')
}

/** Returns how to send an alert to the sandbox. It is a new one at each start. */
function alertCommand({ url, credentials }: Runtime): string[] {
  const token = alertToken({ url, key: () => engineKeyOf(credentials()) })
  const body = JSON.stringify(alertBody('firing', new Date().toISOString()))
  return [
    'An alert opens an issue. Send it with "resolved" instead of "firing" to close the issue:',
    `  curl -s '${url}/v1/events/${ALERT_SOURCE}' -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '${body}'`,
  ]
}

/** Returns the command of the CLI, which finds the runtime by its state folder. */
function webhooksCommand(state: string): string {
  return state === resolve('.webhooks') ? 'npx webhooks' : `WEBHOOKS_STATE=${quoteForShell(state)} npx webhooks`
}

function stopOnSignals(runtime: Runtime): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      console.log('Stopping. Running tasks continue at the next start.')
      runtime.close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error)
          process.exit(1)
        },
      )
    })
  }
}

/** @throws Error for an unknown option, or an invalid port */
function readArguments(): StartOptions {
  const { values } = parseArgs({
    options: { build: { type: 'boolean', default: false }, open: { type: 'boolean' }, port: { type: 'string' } },
  })
  const port = values.port === undefined ? undefined : portOf(values.port)
  if (values.port !== undefined && port === undefined) throw new Error('--port must be a port number, such as 9000.')
  return { ...values, port }
}

if (import.meta.filename === process.argv[1]) {
  helpIfAsked(`npm start: runs the functions on this machine, with a sandbox instead of real platforms.

${START_SETTINGS}

Options
  --port <port>     port on 127.0.0.1
  --open            open the console in the browser

Examples
  npm start -- --port 9000
  WEBHOOKS_DEMO=off npm start`)
  try {
    await start(readArguments())
  } catch (error) {
    console.error(messageOf(error))
    process.exit(1)
  }
}
