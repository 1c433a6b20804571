import type { Command } from 'commander'
import { Failure, messageOf } from '../../shared/errors.ts'
import { redact } from '../../shared/redact.ts'
import { CancelledError } from './cancelled-error.ts'
import { createProgramFor } from './program.ts'
import { UsageError } from './usage-error.ts'

/** Makes invalid arguments exit with 2. Exit code 1 is for commands that fail. */
function exitWithCodes(command: Command): void {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  command.commands.forEach(exitWithCodes)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CancelledError) return 130
  return error instanceof UsageError || (error instanceof Failure && error.kind === 'invalid') ? 2 : 1
}

// The reader of a pipe may stop early, as in `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  // 141 is what a shell reports for a broken pipe.
  process.exit(process.exitCode || 141)
})
const program = await createProgramFor(process.argv.slice(2))
exitWithCodes(program)
try {
  await program.parseAsync()
} catch (error) {
  console.error(redact(messageOf(error)))
  process.exitCode = exitCodeOf(error)
}
