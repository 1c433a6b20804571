import { Command } from 'commander'
import { type Check, type VerifiedApi, verifyCall } from '../../../shared/verify/check.ts'
import { cdkSettings } from '../../aws/cdk-settings.ts'
import { findCategory } from '../../project/find-by-name.ts'
import { callReceiver, waitForTask } from '../receiver/call-receiver.ts'
import { type Receiver, receiverOf, receiverOptions } from '../receiver/receiver.ts'
import { type JsonOption, note, show, table } from '../terminal/output.ts'

interface Options extends JsonOption {
  url?: string
  token?: string
  category?: string[]
}

interface Verification {
  category: string
  verdict: 'pass' | 'fail'
  silent: Check
  interactive: Check
}

const POLL_INTERVAL_MS = 500

/** `webhooks verify`: sends each category a silent and an interactive call, which do not call a platform. */
export function verifyCommand(): Command {
  return receiverOptions(
    new Command('verify')
      .option('--category <name...>', 'only these categories (default: those that cdk.json enables)')
      .option('--json', 'print the results as JSON'),
  )
    .addHelpText(
      'after',
      `
Run it after a deployment. The calls are handled like any other: API Gateway, the functions, the secrets, the table, and a task from its start to
its result. They need no connection, and send nothing to a platform or an orchestrator. Test the connections with webhooks check.

Exit code: 0 each category passed, 1 at least one did not, 2 invalid arguments, or no response from the API.

Examples:
  $ npx webhooks verify --url https://abc.execute-api.eu-west-1.amazonaws.com --token "$TOKEN"
  $ npx webhooks verify --category slo ci-cd --json`,
    )
    .action(run)
}

async function run({ category, json, ...options }: Options): Promise<void> {
  const names = (category?.map(findCategory) ?? cdkSettings(undefined, note).enabled).map(({ name }) => name)
  const receiver = receiverOf(options)
  const results: Verification[] = []
  for (const name of names) {
    note(`Verifying ${name} (${results.length + 1} of ${names.length}) ...`)
    results.push(await verify(receiver, name))
  }
  const rows = results.map(({ category: name, verdict, silent, interactive }) => [
    name,
    verdict,
    `${silent.ms} ms`,
    `${interactive.ms} ms`,
    [silent.reason, interactive.reason].filter(Boolean).join('; '),
  ])
  show(results, table(['category', 'verdict', 'silent', 'interactive', ''], rows), { json: json ?? false })
  if (results.some(({ verdict }) => verdict === 'fail')) process.exitCode = 1
}

async function verify(receiver: Receiver, category: string): Promise<Verification> {
  const api: VerifiedApi = {
    send: (method, path) => callReceiver(receiver, path, { method }),
    waitForTask: (path) => waitForTask(receiver, path, POLL_INTERVAL_MS, note),
  }
  // An API that cannot be reached is the same for each category, so its error ends the command.
  const silent = await verifyCall(api, category, 'silent')
  const interactive = await verifyCall(api, category, 'interactive')
  const hasPassed = silent.verdict === 'pass' && interactive.verdict === 'pass'
  return { category, verdict: hasPassed ? 'pass' : 'fail', silent, interactive }
}
