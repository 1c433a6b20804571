import { Command } from 'commander'
import { messageOf } from '../../shared/errors.ts'
import { previewCommand } from './commands/preview.ts'
import { sendCommand } from './commands/send.ts'
import { sequenceCommand } from './commands/sequence.ts'
import { tasksCommand } from './commands/tasks.ts'
import { UsageError } from './receiver.ts'

const program = new Command('webhooks')
  .description('Webhooks for Cloud Automation (Keptn) task sequences: try them, watch them, play sequences.')
  .addHelpText('after', '\nStart the functions on this machine with npm start; each command has its own --help.')

for (const command of [sendCommand(), tasksCommand(), sequenceCommand(), previewCommand()]) program.addCommand(command)
// Wrong arguments are exit code 2 everywhere; 1 is for what was asked and did not succeed.
for (const command of [program, ...program.commands])
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))

try {
  await program.parseAsync()
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = error instanceof UsageError ? 2 : 1
}
