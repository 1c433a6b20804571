import { Argument, Command } from 'commander'
import { completionScript, completionWords, type Shell, shells } from '../completion.ts'
import type { JsonOption } from '../terminal/output.ts'

/**
 * `webhooks completion`: prints a script that completes commands in a shell.
 *
 * @param createProgram creates the program with all commands
 */
export function completionCommand(createProgram: () => Promise<Command>): Command {
  return new Command('completion')
    .addArgument(new Argument('<shell>', 'shell that runs the script').choices(shells))
    .option('--json', 'print the words of each command as JSON')
    .addHelpText(
      'after',
      `
The script completes commands, options, the names of categories and actions, and files. Run it in the startup file of the shell, in which
webhooks must be a command, such as an alias of npx webhooks:

  bash   alias webhooks='npx webhooks'; eval "$(npx webhooks completion bash)"
  zsh    alias webhooks='npx webhooks'; eval "$(npx webhooks completion zsh)"
  fish   alias webhooks 'npx webhooks'; npx webhooks completion fish | source

Exit code: 0 printed, 2 invalid arguments.

Example:
  $ npx webhooks completion bash`,
    )
    .action(async (shell: Shell, { json = false }: JsonOption) => {
      const words = completionWords(await createProgram())
      console.log(json ? JSON.stringify(words, null, 2) : completionScript(shell, words))
    })
}
