import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { Argument, Command } from 'commander'
import { agentDemo } from '../demo/agent-demo.ts'
import { alertDemo } from '../demo/alert-demo.ts'
import type { Demo, Effects } from '../demo/demo.ts'
import { incidentDemo } from '../demo/incident-demo.ts'
import { releaseDemo } from '../demo/release-demo.ts'
import { runDemo } from '../demo/run-demo.ts'
import { type JsonOption, note, show } from '../terminal/output.ts'

interface Options extends JsonOption {
  stay?: boolean
}

interface Listed {
  summary: string
  create(): Demo
}

const DEMOS: Record<string, Listed> = {
  agent: {
    summary: 'an agent loses its connection, a person approves, the runtime is killed, and the rollback happens once',
    create: () => agentDemo(),
  },
  release: {
    summary: 'a deployment, a load test, an evaluation, an approval and the production deployment, with two failures',
    create: releaseDemo,
  },
  incident: {
    summary: 'a problem opens an incident, a flag is turned off, the service is evaluated, and people are notified',
    create: incidentDemo,
  },
  alert: {
    summary:
      'an alert opens a ticket and starts an approved runbook, its end closes the ticket, and repeats change nothing',
    create: alertDemo,
  },
}

/** `webhooks demo`: lists the demonstrations, or runs one in the sandbox. */
export function demoCommand(): Command {
  return new Command('demo')
    .addArgument(new Argument('[name]', 'the demonstration').choices(Object.keys(DEMOS)))
    .option('--stay', 'run the runtime and its console until Ctrl-C')
    .option('--json', 'print the result as JSON, and the steps to stderr')
    .addHelpText(
      'after',
      `
${lines().join('\n')}

Each takes less than two minutes and has a local runtime and a state folder of its own, which end with it. The console at the
printed URL shows the calls. At a terminal, you decide the approvals.

Exit code: 0 everything happened once (or nothing that you rejected), 1 it did not, 2 invalid arguments, 130 Ctrl-C before the end.

Examples:
  $ npx webhooks demo
  $ npx webhooks demo agent
  $ npx webhooks demo incident --stay`,
    )
    .action(run)
}

async function run(name: string | undefined, options: Options): Promise<void> {
  const listed = name === undefined ? undefined : DEMOS[name]
  if (!listed) return list(options)
  const demo = listed.create()
  const print = options.json ? note : (line: string) => console.log(line)
  await runDemo(demo, print, async (effects, decision) => {
    const isRejected = decision === 'reject'
    const expected = isRejected ? Object.assign({}, demo.expected, demo.expectedIfRejected) : demo.expected
    const isExpected = isDeepStrictEqual(effects, expected)
    show(effects, `\nEffects  ${textOf(effects)}`, options)
    const conclusion = isRejected ? 'What you rejected did not run.' : 'Everything happened once.'
    print(isExpected ? `${conclusion}\n` : `Expected ${textOf(expected)}\n`)
    if (!isExpected) process.exitCode = 1
    if (!options.stay) return
    // Before the line: Ctrl-C can follow it at once.
    const interrupted = once(process, 'SIGINT')
    print('runtime  continues until Ctrl-C')
    await interrupted
  })
  if (!options.stay) print(`\nTo look at the console longer: npx webhooks demo ${name} --stay`)
}

function list(options: JsonOption): void {
  const summaries = Object.entries(DEMOS).map(([name, { summary }]) => ({ name, summary }))
  show(summaries, `${lines().join('\n')}\n\nRun one: npx webhooks demo agent`, options)
}

/** Returns a line for each demonstration. */
function lines(): string[] {
  const width = Math.max(...Object.keys(DEMOS).map((name) => name.length))
  return Object.entries(DEMOS).map(([name, { summary }]) => `${name.padEnd(width)}  ${summary}`)
}

/** Returns effects as text: `rollbacks: 1, audit records: 1`. */
function textOf(effects: Effects): string {
  const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return Object.entries(effects)
    .map(([name, value]) => `${words(name)}: ${value}`)
    .join(', ')
}
