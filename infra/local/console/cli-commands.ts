import { resolve } from 'node:path'
import { quoteForShell } from '../../cli/http/shell-words.ts'
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

/** In the order of the pages of the console. */
const NAMES = ['tasks', 'answer', 'sequence', 'send', 'console']
/** The task in the examples of the CLI. */
const SAMPLE_TASK = 'issue-ticketing/5f0c...'
const SHORT_ID_LENGTH = 8
const MAX_CALLS = 50

/**
 * Returns the commands and examples of the CLI, from its own help, for this runtime.
 *
 * @param state the state folder
 * @param store whose newest task replaces the one in the examples
 */
export async function cliCommands(state: string, store: Pick<CallStore, 'list'>): Promise<CliCommands> {
  const { createProgramFor } = await import('../../cli/program.ts')
  const { commands } = await createProgramFor(NAMES)
  const task = store.list({}, 0, MAX_CALLS).find(({ mode }) => mode !== 'silent')
  const complete = (line: string) =>
    task ? line.replace(SAMPLE_TASK, `${task.category}/${task.id.slice(0, SHORT_ID_LENGTH)}`) : line
  const isDefault = resolve('.webhooks') === resolve(state)
  const shown = NAMES.flatMap((name) => {
    const command = commands.find((command) => command.name() === name)
    if (!command) return []
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
    const examples = [...help.matchAll(/^ +\$ (npx webhooks .+)$/gm)]
      .map(([, line = '']) => complete(line))
      // Examples for a stack, a deployed API, own files, and a task while there is none.
      .filter((line) => !/--stack|https:|\.\/|\.\.\./.test(line))
    return [{ name, description: command.description(), examples }]
  })
  return {
    ...(isDefault ? {} : { setup: `export WEBHOOKS_STATE=${quoteForShell(resolve(state))}` }),
    commands: shown.filter(({ examples }) => examples.length > 0),
  }
}
