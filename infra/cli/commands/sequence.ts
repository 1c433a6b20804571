import { Command } from 'commander'
import { toSentence } from '../../../shared/errors.ts'
import { examplesOf } from '../../local/console/cli-commands.ts'
import { UsageError } from '../../project/usage-error.ts'
import { engines } from '../../sandbox/engines/index.ts'
import { type EventLog, EventLogError, keptnEventLog, memoryEventLog } from '../../sandbox/keptn/event-log.ts'
import { checkModes, describeWarning } from '../../sandbox/keptn/mode-warnings.ts'
import { type Played, playSequence } from '../../sandbox/keptn/player.ts'
import {
  loadSequence,
  loadSequenceFolder,
  type SequenceFiles,
  SequenceFilesError,
  sequenceNames,
} from '../../sandbox/keptn/sequence-files.ts'
import { demo } from '../../sandbox/platforms/sandbox/demo.ts'
import { approveInSandbox } from '../approve-in-sandbox.ts'
import { playEngine } from '../play-engine.ts'
import { noConnection } from '../receiver/call-receiver.ts'
import { isLoopback, type Receiver, receiverOf, receiverOptions } from '../receiver/receiver.ts'
import { note } from '../terminal/output.ts'
import { parseSecret } from './preview.ts'

interface SequenceOptions {
  orchestrator: string
  url?: string
  token?: string
  keptnUrl?: string
  keptnToken?: string
  file?: string
  env?: Record<string, string>
  sandbox: boolean
  approve?: boolean
  list?: boolean
  json?: boolean
}

/** `webhooks sequence`: runs a sequence with a simulated Keptn. */
export function sequenceCommand(): Command {
  const command = new Command('sequence')
    .argument('[name]', `included sequence: ${sequenceNames().join(', ')}`)
    .option('--list', 'list the included sequences with their stages and tasks')
    .option('--file <folder>', 'folder with your shipyard.yaml, webhook.yaml and event.json')
    .option(
      '--orchestrator <engine>',
      `engine that runs release with the local runtime: keptn, ${engines.map(({ name }) => name).join(', ')}`,
      'keptn',
    )
  return receiverOptions(command)
    .option('--keptn-url <url>', 'Keptn API that stores the events (default: the sandbox of the local runtime)')
    .option('--keptn-token <token>', 'API token for --keptn-url (default: the token of the sandbox)')
    .option(
      '--env <name=value>',
      'secret that webhook.yaml uses, in addition to secret_webhooks_token; can be repeated',
      parseSecret,
    )
    .option('--no-sandbox', 'keep the events in memory and poll the receiver for results, as for a deployed API')
    .option('--approve', 'click Approve for approval requests in the sandbox (default: only without a terminal)')
    .option('--no-approve', 'wait for you to click')
    .option('--json', 'print the result as JSON, and the progress to stderr')
    .addHelpText(
      'after',
      `
Requests go to --url: it replaces the part of each URL in webhook.yaml before /v1/. A manual approval waits for a click in the
Slack of the sandbox. Ctrl-C stops the sequence. The task that runs is canceled with --orchestrator callback or poll, and
continues with the others.

Exit code: 0 the sequence passed, 1 it did not pass, 2 invalid arguments, 130 Ctrl-C.

${examplesOf('sequence')}`,
    )
    .action(run)
}

async function run(name: string | undefined, options: SequenceOptions): Promise<void> {
  if (options.list) return listSequences(options)
  const receiver = receiverOf(options)
  if (options.orchestrator !== 'keptn') return runEngine(name, receiver, options)
  const files = load(name, options.file)
  await checkReachable(receiver)
  for (const warning of checkModes(files.webhooks)) note(describeWarning(warning))
  if (files.event.source === undefined)
    note(`warning: event.json has no source, so Keptn's API would reject it. Add "source": "the-name-of-the-sender".`)
  const interrupt = new AbortController()
  const onInterrupt = (): void => interrupt.abort()
  process.once('SIGINT', onInterrupt)
  try {
    const played = await playSequence({
      files,
      ...receiver,
      log: logFor(receiver, options),
      ...(options.env ? { secrets: options.env } : {}),
      print: (line) => (options.json ? console.error(line) : console.log(line)),
      signal: interrupt.signal,
      onAccepted: hasSandbox(receiver, options)
        ? approveInSandbox({ ...receiver, autoApproveReason: autoApproveReasonOf(options) })
        : undefined,
    })
    conclude(files.name, played, options)
  } catch (error) {
    if (!(error instanceof EventLogError || error instanceof SequenceFilesError)) throw error
    throw new UsageError(sentence(error.message), { cause: error })
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

function listSequences({ json = false }: SequenceOptions): void {
  const all = sequenceNames().map((name) => {
    const stages = loadSequence(name).sequences.map(({ stage, tasks }) => ({
      stage,
      tasks: tasks.map((task) => task.name),
    }))
    return { name, stages }
  })
  if (json) {
    console.log(JSON.stringify(all, null, 2))
    return
  }
  const width = Math.max(...all.map(({ name }) => name.length))
  for (const { name, stages } of all)
    console.log(
      `${name.padEnd(width)}  ${stages.map(({ stage, tasks }) => `${stage}: ${tasks.join(', ')}`).join('; ')}`,
    )
}

async function runEngine(name: string | undefined, receiver: Receiver, options: SequenceOptions): Promise<void> {
  await playEngine(name, options.orchestrator, receiver, {
    json: options.json ?? false,
    autoApproveReason: autoApproveReasonOf(options),
    checkReachable: () => checkReachable(receiver),
  })
}

function load(name: string | undefined, folder: string | undefined): SequenceFiles {
  if ((name === undefined) === (folder === undefined)) {
    throw new UsageError(`Pass the name of a sequence (${sequenceNames().join(', ')}), or a folder with --file.`)
  }
  try {
    return folder === undefined ? loadSequence(name ?? '') : loadSequenceFolder(folder)
  } catch (error) {
    if (error instanceof SequenceFilesError) throw new UsageError(sentence(error.message), { cause: error })
    throw error
  }
}

/** Checks that the receiver responds. Otherwise each task of the sequence would fail by itself. */
async function checkReachable({ url }: Receiver): Promise<void> {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(10_000) })
  } catch {
    throw noConnection(url)
  }
}

function logFor({ url }: Receiver, { keptnUrl, keptnToken, sandbox }: SequenceOptions): EventLog {
  if (keptnUrl === undefined && !hasSandbox({ url }, { sandbox })) return memoryEventLog()
  return keptnEventLog(keptnUrl ?? `${url}/sandbox/keptn`, keptnToken ?? demo.keptnToken)
}

function hasSandbox({ url }: Pick<Receiver, 'url'>, { sandbox }: Pick<SequenceOptions, 'sandbox'>): boolean {
  return sandbox && isLoopback(url)
}

function autoApproveReasonOf({ approve }: SequenceOptions): string | undefined {
  if (approve !== undefined) return approve ? '--approve was passed' : undefined
  return process.stdin.isTTY ? undefined : 'there is no terminal'
}

function conclude(name: string, played: Played, { json }: SequenceOptions): void {
  const { passed, interrupted, context, tasks } = played
  if (json) {
    console.log(JSON.stringify({ name, ...played }, null, 2))
    process.exitCode = interrupted ? 130 : passed ? 0 : 1
    return
  }
  if (!interrupted) {
    console.log(`${name} ${passed ? 'passed' : 'did not pass'} (keptnContext ${context})`)
    if (!passed) process.exitCode = 1
    return
  }
  const running = tasks.filter(({ state }) => state === 'running')
  console.log(`Interrupted.${running.length > 0 ? ' Still running:' : ''}`)
  for (const { stage, name: task, accepted } of running) {
    const known = accepted.map(({ taskId, statusUrl }) => `  task ${taskId}  ${statusUrl}`).join('')
    console.log(`  ${stage} ${task}${known}`)
  }
  process.exitCode = 130
}

/** Capitalizes a message and ends it with a period. */
const sentence = (text: string): string => toSentence(`${text.charAt(0).toUpperCase()}${text.slice(1)}`)
