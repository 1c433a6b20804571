import { type Argument, type Command, InvalidArgumentError, type Option } from 'commander'
import { Failure, messageOf } from '../../shared/errors.ts'
import { redact } from '../../shared/redact.ts'
import { similarName } from '../../shared/validate.ts'
import { UsageError } from '../project/usage-error.ts'
import { createProgramFor } from './program.ts'
import { CancelledError } from './terminal/cancelled-error.ts'

/** Runs a command, and sets the exit code of the process. */
export async function run(args: readonly string[]): Promise<void> {
  const program = await createProgramFor(args)
  adapt(program)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    console.error(redact(messageOf(error)))
    process.exitCode = exitCodeOf(error)
  }
}

/** Makes invalid arguments exit with 2, and suggests similar choices. Exit code 1 is for commands that fail. */
function adapt(command: Command): void {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  // An error is one line, with what it suggests.
  command.configureOutput({ outputError: (text, write) => write(text.replace(/\n(?=\(Did you mean )/, ' ')) })
  for (const part of [...command.registeredArguments, ...command.options]) suggestChoices(part)
  command.commands.forEach(adapt)
}

function suggestChoices(part: Argument | Option): void {
  const { argChoices: choices, parseArg } = part
  if (!choices || !parseArg) return
  part.parseArg = <T>(value: string, previous: T): T => {
    const similar = choices.includes(value) ? undefined : similarName(value, choices)
    if (similar === undefined) return parseArg(value, previous)
    throw new InvalidArgumentError(`Did you mean ${similar}? Allowed choices are ${choices.join(', ')}.`)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CancelledError) return 130
  return error instanceof UsageError || (error instanceof Failure && error.kind === 'invalid') ? 2 : 1
}
