import { once } from 'node:events'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { Command, InvalidArgumentError } from 'commander'
import { periodMs } from '../../local/console/call-filter.ts'
import { examplesOf } from '../../local/console/cli-commands.ts'
import { toSourceViews } from '../../local/console/source-views.ts'
import type { ReadSources } from '../../local/console/stack/stack-api.ts'
import { consoleLink } from '../../local/console-access.ts'
import { readCredentials } from '../../local/credentials.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { UsageError } from '../../project/usage-error.ts'
import { parsePort, stateFolder } from '../receiver/receiver.ts'
import { activitiesOf } from '../sources/activity.ts'
import { type Declared, readDeclared } from '../sources/declared-sources.ts'
import { openOrExplain } from '../terminal/open-browser.ts'
import { type JsonOption, note } from '../terminal/output.ts'

interface Options extends JsonOption {
  stack?: string
  port: number
  since: number
  open?: boolean
  readOnly?: boolean
}

const DAY_MS = 86_400_000

/** `webhooks console`: the console of the local runtime, or of a deployed stack. */
export function consoleCommand(): Command {
  return new Command('console')
    .option('--stack <name>', 'serve the console of this deployed stack on this machine')
    .option('--read-only', 'for the console of a stack: show tasks, and change nothing')
    .option('--port <port>', 'port for the console of a stack (default: a free one)', parsePort, 0)
    .option(
      '--since <time>',
      'age of the oldest silent calls of a stack: 30m, 24h or 7d (default: 24h)',
      parsePeriod,
      DAY_MS,
    )
    .option('--open', 'open it in the browser')
    .option('--json', 'print the link as JSON')
    .addHelpText(
      'after',
      `
Without --stack, it prints the link to the console of the local runtime. With --stack, it serves the console until Ctrl-C. The link
contains a key, because other users of this machine can reach the port.

The console of a stack shows the newest 100 tasks of each category, the running ones, and silent calls. It reads durable executions and
CloudWatch logs with your AWS credentials while a page is open. This needs lambda:ListFunctions, lambda:ListTags,
lambda:ListDurableExecutionsByFunction, lambda:GetDurableExecution, lambda:GetDurableExecutionHistory and logs:FilterLogEvents. With
sources in events.yaml, the overview shows their last notifications, which needs dynamodb:GetItem.
Requests to platforms appear if the setting logLevel of the stack is DEBUG.

You can cancel the tasks of all callers, run them again, and send their answers again, as webhooks tasks --stack and webhooks answer
--stack do: each asks first, and the audit trail has your ARN. docs/operate.md lists the permissions under Operators. With
--read-only, the page copies these commands instead.

Exit code: 0 shown, 1 AWS rejected a request, 2 invalid arguments, no local runtime, or no such stack.

${examplesOf('console')}`,
    )
    .action(run)
}

async function run({ stack, port, since, open = false, readOnly = false, json = false }: Options): Promise<void> {
  if (stack === undefined) return show(localLink(), open, json)
  const { startStackConsole } = await import('../../local/console/stack/stack-console.ts')
  const events = await readDeclared({})
  const sources = events && sourcesOf(stack, events)
  const options = { lambda: new LambdaClient(), stack, port, sinceMs: since, isReadOnly: readOnly, sources, events }
  const started = await startStackConsole(options)
  if (!started) throw new UsageError(`The stack ${stack} has no functions. Check the name, the region and the account.`)
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await show(started.link, open, json)
  note(`The console of ${stack} ${readOnly ? 'is read-only' : 'can change its tasks'}. Stop with Ctrl-C.`)
  await stopped
  await started.close()
}

/** Returns how to read the sources that events.yaml declares for a stack. */
function sourcesOf(stack: string, { sources }: Declared): ReadSources {
  return async () => {
    const activities = await activitiesOf(Object.keys(sources), { stack })
    return typeof activities === 'string' ? undefined : toSourceViews(sources, activities)
  }
}

/** Prints a link. Not with `show`, which would mask the key of the link. */
async function show(link: string, open: boolean, json: boolean): Promise<void> {
  console.log(json ? JSON.stringify({ url: link }, null, 2) : link)
  // Not with `note`, either.
  if (open) console.error(await openOrExplain(link))
}

function localLink(): string {
  const state = stateFolder()
  const url = readRuntimeFile(state)?.url
  if (url === undefined)
    throw new UsageError(`No local runtime uses ${state}. Run npm start, or pass --stack for a deployed stack.`)
  return consoleLink(url, readCredentials(state))
}

function parsePeriod(text: string): number {
  const ms = periodMs(text)
  if (ms !== undefined) return ms
  throw new InvalidArgumentError('It must be a number of minutes, hours or days, such as 30m, 24h or 7d.')
}
