import { readFileSync } from 'node:fs'
import { Command, Help } from 'commander'
import { EXTENSION } from '../roots.ts'
import { answerCommand } from './commands/answer.ts'
import { buildCommand } from './commands/build.ts'
import { checkCommand } from './commands/check.ts'
import { configCommand } from './commands/config.ts'
import { connectCommand } from './commands/connect.ts'
import { consoleCommand } from './commands/console.ts'
import { costCommand } from './commands/cost.ts'
import { doctorCommand } from './commands/doctor.ts'
import { githubCommand } from './commands/github.ts'
import { newCategoryCommand } from './commands/new-category.ts'
import { newOrchestratorCommand } from './commands/new-orchestrator.ts'
import { newProviderCommand } from './commands/new-provider.ts'
import { openapiCommand } from './commands/openapi.ts'
import { orchestratorCommand } from './commands/orchestrator.ts'
import { previewCommand } from './commands/preview.ts'
import { sendCommand } from './commands/send.ts'
import { sequenceCommand } from './commands/sequence.ts'
import { shipyardCommand } from './commands/shipyard.ts'
import { startCommand } from './commands/start.ts'
import { tasksCommand } from './commands/tasks.ts'
import { tokenCommand } from './commands/token.ts'
import { verifyCommand } from './commands/verify.ts'
import { versionsCommand } from './commands/versions.ts'
import { waitCommand } from './commands/wait.ts'

/** Creates the command `webhooks` with its subcommands. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const program = new Command('webhooks')
    .version(version, '--version', 'show the version')
    .description('Set up, test and run webhooks for Cloud Automation (Keptn) task sequences.')
    .configureHelp({ subcommandTerm })
    .addHelpText('after', '\nRun npm start to start the functions on this machine. Each command has its own --help.')

  // In a checkout, these are npm start and npm run build.
  if (EXTENSION === '.js') {
    program.commandsGroup('Run:')
    for (const command of [startCommand(), buildCommand()]) program.addCommand(command)
  }
  program.commandsGroup('Set up:')
  for (const command of [
    connectCommand(),
    orchestratorCommand(),
    githubCommand(),
    tokenCommand(),
    checkCommand(),
    doctorCommand(),
  ])
    program.addCommand(command)
  program.commandsGroup('Configure Keptn:')
  for (const command of [configCommand(), shipyardCommand(), previewCommand()]) program.addCommand(command)
  program.commandsGroup('Test and monitor:')
  for (const command of [
    sendCommand(),
    sequenceCommand(),
    tasksCommand(),
    consoleCommand(),
    waitCommand(),
    answerCommand(),
    openapiCommand(),
  ])
    program.addCommand(command)
  program.commandsGroup('Operate:')
  for (const command of [verifyCommand(), versionsCommand(), costCommand()]) program.addCommand(command)
  program.commandsGroup('Extend:')
  for (const command of [newProviderCommand(), newCategoryCommand(), newOrchestratorCommand()])
    program.addCommand(command)
  return program
}

/** Shows that a command has subcommands: `token [command]`. */
function subcommandTerm(command: Command): string {
  return command.commands.length > 0 ? `${command.name()} [command]` : new Help().subcommandTerm(command)
}
