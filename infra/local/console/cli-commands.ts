import { resolve } from 'node:path'
import { quoteForShell } from '../../project/shell-words.ts'
import type { CallStore } from './call-store.ts'

/** A command of the CLI that does what the console does. */
interface CliCommand {
  name: string
  description: string
  /** Commands to copy. */
  examples: string[]
}

/** The commands for a runtime. */
export interface CliCommands {
  /** The command that lets the CLI find the runtime and its token, once per terminal. Undefined for the default folder. */
  setup?: string
  commands: CliCommand[]
}

/** The commands that do what the console does, for their help in the CLI too, in the order of the pages of the console. */
export const CONSOLE_COMMANDS = {
  tasks: {
    description: 'list the tasks of the local runtime or of a deployed stack, or show, cancel or rerun a task',
    examples: [
      'npx webhooks tasks',
      'npx webhooks tasks --category issue-ticketing --state running',
      'npx webhooks tasks issue-ticketing/5f0c... --follow',
      'npx webhooks tasks issue-ticketing/5f0c... --cancel',
      'npx webhooks tasks --stack CloudAutomationWebhooks --verdict errored',
      'npx webhooks tasks issue-ticketing/5f0c... --stack CloudAutomationWebhooks --rerun',
    ],
  },
  answer: {
    description: 'send the result of an ended task to its orchestrator again',
    examples: [
      'npx webhooks answer issue-ticketing/5f0c... --again',
      'npx webhooks answer issue-ticketing/5f0c... --stack CloudAutomationWebhooks --again',
    ],
  },
  sequence: {
    description: 'run a sequence with a simulated Keptn or another engine: trigger its tasks and call their webhooks',
    examples: [
      'npx webhooks sequence --list',
      'npx webhooks sequence incident',
      'npx webhooks sequence release --approve',
      'npx webhooks sequence release --orchestrator argo-rollouts',
      'npx webhooks sequence slo --url https://abc.execute-api.eu-west-1.amazonaws.com --token "$TOKEN"',
      'npx webhooks sequence --file ./my-sequence',
    ],
  },
  send: {
    description: 'call an action and show the response',
    examples: [
      "npx webhooks send issue-ticketing/open-issue --input title='Checkout is slow' --input labels=shop,urgent",
      'npx webhooks send issue-ticketing/close-issue --mode interactive --input id=demo/shop#1',
      'npx webhooks send issue-ticketing/open-issue --mode gate --key build-42 --input title=Test',
      'npx webhooks send issue-ticketing/open-issue --input title=Test --dry-run',
    ],
  },
  console: {
    description:
      'show the console of the local runtime, or of a deployed stack: its calls with their steps, input, answer and log',
    examples: [
      'npx webhooks console',
      'npx webhooks console --stack CloudAutomationWebhooks',
      'npx webhooks console --stack CloudAutomationWebhooks --read-only',
    ],
  },
} satisfies Record<string, Omit<CliCommand, 'name'>>

/** Returns the examples in the help of a command. */
export function examplesOf(name: keyof typeof CONSOLE_COMMANDS): string {
  return ['Examples:', ...CONSOLE_COMMANDS[name].examples.map((line) => `  $ ${line}`)].join('\n')
}

/** The task in the examples of the CLI. */
const SAMPLE_TASK = 'issue-ticketing/5f0c...'
const SHORT_ID_LENGTH = 8
const MAX_CALLS = 50

/**
 * Returns the commands of the CLI with the examples for this runtime.
 *
 * @param state the state folder
 * @param store whose newest task replaces the one in the examples
 */
export function cliCommands(state: string, store: Pick<CallStore, 'list'>): CliCommands {
  const task = store.list({}, 0, MAX_CALLS).find(({ mode }) => mode !== 'silent')
  const complete = (line: string) =>
    task ? line.replace(SAMPLE_TASK, `${task.category}/${task.id.slice(0, SHORT_ID_LENGTH)}`) : line
  const isDefault = resolve('.webhooks') === resolve(state)
  const commands = Object.entries(CONSOLE_COMMANDS).map(([name, { description, examples }]) => ({
    name,
    description,
    // Not those for a stack, a deployed API, own files, and a task while there is none.
    examples: examples.map(complete).filter((line) => !/--stack|https:|\.\/|\.\.\./.test(line)),
  }))
  return {
    ...(isDefault ? {} : { setup: `export WEBHOOKS_STATE=${quoteForShell(resolve(state))}` }),
    commands: commands.filter(({ examples }) => examples.length > 0),
  }
}
