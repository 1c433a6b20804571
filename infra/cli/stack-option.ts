import type { Command } from 'commander'

/** The name of the stack without the setting `stackName`. */
export const DEFAULT_STACK = 'CloudAutomationWebhooks'

/** Adds the option of commands that need a deployed stack. */
export function stackOption(command: Command): Command {
  return command.option('--stack <name>', 'name of the deployed stack', DEFAULT_STACK)
}
