import { Command } from 'commander'
import { type EventLog, EventLogError, keptnEventLog, memoryEventLog } from '../../keptn/event-log.ts'
import { checkModes, describeWarning } from '../../keptn/mode-warnings.ts'
import { type Played, playSequence } from '../../keptn/player.ts'
import {
  loadSequence,
  loadSequenceFolder,
  type SequenceFiles,
  SequenceFilesError,
  sequenceNames,
} from '../../keptn/sequence-files.ts'
import { demo } from '../../platforms/sandbox/demo.ts'
import { askedInChat } from '../approve-in-sandbox.ts'
import { note } from '../output.ts'
import { isLoopback, type Receiver, receiverOf, receiverOptions, UsageError } from '../receiver.ts'
import { parseSecret } from './preview.ts'

interface SequenceOptions {
  url?: string
  token?: string
  keptnUrl?: string
  keptnToken?: string
  file?: string
  env?: Record<string, string>
  sandbox: boolean
  approve?: boolean
  json?: boolean
}

/** `webhooks sequence`: plays Keptn's part in a whole sequence. */
export function sequenceCommand(): Command {
  const command = new Command('sequence')
    .description("play Keptn's part: trigger the tasks of a sequence one after the other and call their webhooks")
    .argument('[name]', `a sequence that comes along: ${sequenceNames().join(', ')}`)
    .option('--file <folder>', 'your own shipyard.yaml, webhook.yaml and event.json instead')
  return receiverOptions(command)
    .option('--keptn-url <url>', 'where the events are kept (default: the sandbox of the local runtime)')
    .option('--keptn-token <token>', "the API token there (default: the sandbox's)")
    .option(
      '--env <name=value>',
      'a further secret of webhook.yaml, besides secret_webhooks_token; may be given several times',
      parseSecret,
    )
    .option(
      '--no-sandbox',
      'keep the events in memory and ask the receiver for the state of its tasks, as for a deployed one',
    )
    .option(
      '--approve',
      'approve what is asked in the chat of the local runtime (default: where nobody is at the terminal)',
    )
    .option('--no-approve', 'wait for somebody who clicks there')
    .option('--json', 'print how it ended as JSON; what happens meanwhile goes to stderr')
    .addHelpText(
      'after',
      `
URLs in webhook.yaml are moved to --url from /v1/ on. A manual approval waits for a click in the chat of the local
runtime, unless it is clicked here. Ctrl-C ends the play, not the tasks that run at the receiver.

Exit code: 0 the whole sequence passed, 1 it did not, 2 arguments, 130 Ctrl-C.

Examples:
  $ npm run webhooks -- sequence incident
  $ npm run webhooks -- sequence release --approve
  $ npm run webhooks -- sequence slo --url https://abc.execute-api.eu-west-1.amazonaws.com --token "$TOKEN"
  $ npm run webhooks -- sequence --file ./my-sequence`,
    )
    .action(run)
}

async function run(name: string | undefined, options: SequenceOptions): Promise<void> {
  const files = load(name, options.file)
  const receiver = receiverOf(options)
  await probe(receiver)
  for (const warning of checkModes(files.webhooks)) note(describeWarning(warning))
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
        ? askedInChat({ ...receiver, approveSince: whyApproved(options) })
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

function load(name: string | undefined, folder: string | undefined): SequenceFiles {
  if ((name === undefined) === (folder === undefined)) {
    throw new UsageError(`Name one sequence (${sequenceNames().join(', ')}), or give --file with a folder.`)
  }
  try {
    return folder === undefined ? loadSequence(name ?? '') : loadSequenceFolder(folder)
  } catch (error) {
    if (error instanceof SequenceFilesError) throw new UsageError(sentence(error.message), { cause: error })
    throw error
  }
}

/** Any answer will do. Without this, a sequence against nothing would fail task by task. */
async function probe({ url }: Receiver): Promise<void> {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(10_000) })
  } catch (error) {
    throw new UsageError(`nothing answers at ${url}; start it with npm start`, { cause: error })
  }
}

function logFor({ url }: Receiver, { keptnUrl, keptnToken, sandbox }: SequenceOptions): EventLog {
  if (keptnUrl === undefined && !hasSandbox({ url }, { sandbox })) return memoryEventLog()
  return keptnEventLog(keptnUrl ?? `${url}/sandbox/keptn`, keptnToken ?? demo.keptnToken)
}

function hasSandbox({ url }: Pick<Receiver, 'url'>, { sandbox }: Pick<SequenceOptions, 'sandbox'>): boolean {
  return sandbox && isLoopback(url)
}

function whyApproved({ approve }: SequenceOptions): string | undefined {
  if (approve !== undefined) return approve ? 'that is --approve' : undefined
  return process.stdin.isTTY ? undefined : 'nobody is at a terminal'
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
  console.log(`Interrupted.${running.length > 0 ? ' Left running:' : ''}`)
  for (const { stage, name: task, accepted } of running) {
    const known = accepted.map(({ taskId, statusUrl }) => `  task ${taskId}  ${statusUrl}`).join('')
    console.log(`  ${stage} ${task}${known}`)
  }
  process.exitCode = 130
}

const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`)
