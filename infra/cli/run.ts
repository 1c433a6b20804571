import type { Command } from 'commander'
import { Failure, messageOf } from '../../shared/errors.ts'
import { redact } from '../../shared/redact.ts'
import { UsageError } from '../project/usage-error.ts'
import { createProgramFor } from './program.ts'
import { CancelledError } from './terminal/cancelled-error.ts'

/** Runs a command, and sets the exit code of the process. */
export async function run(args: readonly string[]): Promise<void> {
  const program = await createProgramFor(args)
  exitWithCodes(program)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    console.error(redact(messageOf(error)))
    process.exitCode = exitCodeOf(error)
  }
}

/** Makes invalid arguments exit with 2. Exit code 1 is for commands that fail. */
function exitWithCodes(command: Command): void {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  command.commands.forEach(exitWithCodes)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CancelledError) return 130
  return error instanceof UsageError || (error instanceof Failure && error.kind === 'invalid') ? 2 : 1
}
