import type { Command } from 'commander'
import { Failure, messageOf } from '../../shared/errors.ts'
import { redact } from '../../shared/redact.ts'
import { createProgram } from './program.ts'
import { CancelledError } from './prompts.ts'
import { UsageError } from './receiver.ts'

/** Wrong arguments are exit code 2 everywhere; 1 is for what was asked and did not succeed. */
function exitWithCodes(command: Command): void {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  command.commands.forEach(exitWithCodes)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CancelledError) return 130
  return error instanceof UsageError || (error instanceof Failure && error.kind === 'invalid') ? 2 : 1
}

// Whoever reads along has seen enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  // As a shell has it where a pipe is broken, unless it is known already how it ended.
  process.exit(process.exitCode || 141)
})
const program = createProgram()
exitWithCodes(program)
try {
  await program.parseAsync()
} catch (error) {
  console.error(redact(messageOf(error)))
  process.exitCode = exitCodeOf(error)
}
