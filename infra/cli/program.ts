import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Help } from 'commander'
import { CONSOLE_COMMANDS } from '../local/console/cli-commands.ts'
import { EXTENSION, PACKAGE } from '../project/roots.ts'

interface CommandEntry {
  /** The line in the list of commands: its name first. */
  usage: string
  description: string
  load: () => Promise<Command>
}

/** In a checkout, these are npm start and npm run build. */
const ofPackage: CommandEntry[] = [
  {
    usage: 'start [options]',
    description: 'run the functions on this machine, with a sandbox instead of real platforms',
    load: async () => (await import('./commands/start.ts')).startCommand(),
  },
  {
    usage: 'build [options]',
    description: 'bundle the functions into dist/, for AWS and for webhooks start',
    load: async () => (await import('./commands/build.ts')).buildCommand(),
  },
]

/** The commands in the groups of `--help`. Each is loaded when it is used, because some load SDKs and schemas. */
const groups: Record<string, CommandEntry[]> = {
  ...(EXTENSION === '.js' ? { 'Run:': ofPackage } : {}),
  'Set up:': [
    {
      usage: 'connect [options] <category/name>',
      description: 'connect a platform: prompt for its settings, test them, and save the secret',
      load: async () => (await import('./commands/connect.ts')).connectCommand(),
    },
    {
      usage: 'orchestrator [command]',
      description: 'connect the engine that receives the results of interactive calls',
      load: async () => (await import('./commands/orchestrator.ts')).orchestratorCommand(),
    },
    {
      usage: 'github [command]',
      description: 'create a GitHub App for deployments or check runs, and repeat its failed deliveries',
      load: async () => (await import('./commands/github.ts')).githubCommand(),
    },
    {
      usage: 'source [command]',
      description: 'set up the platforms whose notifications wake tasks and start calls',
      load: async () => (await import('./commands/source.ts')).sourceCommand(),
    },
    {
      usage: 'policy [command]',
      description: 'check the rules that restrict calls, and test what they do',
      load: async () => (await import('./commands/policy.ts')).policyCommand(),
    },
    {
      usage: 'events [command]',
      description: 'show which calls the rules for alerts make, and make those again that failed',
      load: async () => (await import('./commands/events.ts')).eventsCommand(),
    },
    {
      usage: 'token [command]',
      description: 'create, rotate, revoke, list and check the tokens of callers',
      load: async () => (await import('./commands/token.ts')).tokenCommand(),
    },
    {
      usage: 'people [command]',
      description: 'show what a sign-in on the page of an approval gives',
      load: async () => (await import('./commands/people.ts')).peopleCommand(),
    },
    {
      usage: 'agent [options] <client>',
      description: 'print how an agent connects: Claude Code, Codex, VS Code, Copilot and others',
      load: async () => (await import('./commands/agent.ts')).agentCommand(),
    },
    {
      usage: 'check [options] [category/name]',
      description: 'test connections: is the platform reachable, and are the credentials valid and permitted?',
      load: async () => (await import('./commands/check.ts')).checkCommand(),
    },
    {
      usage: 'doctor [options]',
      description:
        'diagnose the setup: bundles, credentials, secrets, connections, webhook configurations and the stack',
      load: async () => (await import('./commands/doctor.ts')).doctorCommand(),
    },
  ],
  'Configure Keptn:': [
    {
      usage: 'config [options] <category/action>',
      description: 'print the webhook subscription for an action: the fields for the Keptn Bridge, and webhook.yaml',
      load: async () => (await import('./commands/config.ts')).configCommand(),
    },
    {
      usage: 'shipyard [options] [task=category/action...]',
      description: 'print a shipyard whose tasks have the input of actions as properties',
      load: async () => (await import('./commands/shipyard.ts')).shipyardCommand(),
    },
    {
      usage: 'preview [options] <webhook.yaml>',
      description:
        "show the curl commands that Keptn's webhook-service would run for an event, or why it would reject them",
      load: async () => (await import('./commands/preview.ts')).previewCommand(),
    },
  ],
  'Test and monitor:': [
    {
      usage: 'send [options] <category/action>',
      description: CONSOLE_COMMANDS.send.description,
      load: async () => (await import('./commands/send.ts')).sendCommand(),
    },
    {
      usage: 'sequence [options] [name]',
      description: CONSOLE_COMMANDS.sequence.description,
      load: async () => (await import('./commands/sequence.ts')).sequenceCommand(),
    },
    {
      usage: 'tasks [options] [category/taskId]',
      description: CONSOLE_COMMANDS.tasks.description,
      load: async () => (await import('./commands/tasks.ts')).tasksCommand(),
    },
    {
      usage: 'approvals [options]',
      description: 'list the open approvals of the local runtime or of a deployed stack, with their age',
      load: async () => (await import('./commands/approvals.ts')).approvalsCommand(),
    },
    {
      usage: 'demo [options] [name]',
      description: 'list the demonstrations, or run one in the sandbox: an agent, a release, an incident or an alert',
      load: async () => (await import('./commands/demo.ts')).demoCommand(),
    },
    {
      usage: 'console [options]',
      description: CONSOLE_COMMANDS.console.description,
      load: async () => (await import('./commands/console.ts')).consoleCommand(),
    },
    {
      usage: 'wait [options] <statusUrl>',
      description: 'wait for the end of a task, and exit with its verdict',
      load: async () => (await import('./commands/wait.ts')).waitCommand(),
    },
    {
      usage: 'answer [options] <category/taskId>',
      description: CONSOLE_COMMANDS.answer.description,
      load: async () => (await import('./commands/answer.ts')).answerCommand(),
    },
    {
      usage: 'openapi [options]',
      description: 'print the OpenAPI 3.1 document of the HTTP API',
      load: async () => (await import('./commands/openapi.ts')).openapiCommand(),
    },
    {
      usage: 'completion [options] <shell>',
      description: 'print a script that completes commands, options and names in bash, zsh or fish',
      load: async () => (await import('./commands/completion.ts')).completionCommand(createProgram),
    },
  ],
  'Operate:': [
    {
      usage: 'stop [options]',
      description: 'stop actions within 5 seconds, also those of tasks that wait, or list what is stopped',
      load: async () => (await import('./commands/stop.ts')).stopCommand(),
    },
    {
      usage: 'resume [options] [id]',
      description: 'lift a stop',
      load: async () => (await import('./commands/stop.ts')).resumeCommand(),
    },
    {
      usage: 'audit [options]',
      description:
        'export the audit records of the local runtime or of a deployed stack: who did what, and who allowed it',
      load: async () => (await import('./commands/audit.ts')).auditCommand(),
    },
    {
      usage: 'verify [options]',
      description: 'test a deployment: a silent and an interactive call to each category, without calling a platform',
      load: async () => (await import('./commands/verify.ts')).verifyCommand(),
    },
    {
      usage: 'turns [options]',
      description: 'list the tasks that run one at a time and their queues, or take the turn from a task',
      load: async () => (await import('./commands/turns.ts')).turnsCommand(),
    },
    {
      usage: 'versions [command]',
      description: 'manage the versions of the functions of a deployed stack',
      load: async () => (await import('./commands/versions.ts')).versionsCommand(),
    },
    {
      usage: 'cost [options]',
      description: 'compute what a deployment costs per month',
      load: async () => (await import('./commands/cost.ts')).costCommand(),
    },
  ],
  'Extend:': [
    {
      usage: 'new-provider [options] <category> <name>',
      description: 'create a provider with a test from a working template',
      load: async () => (await import('./commands/new-provider.ts')).newProviderCommand(),
    },
    {
      usage: 'new-category [options] <name>',
      description: 'create a task category with a README from a working template',
      load: async () => (await import('./commands/new-category.ts')).newCategoryCommand(),
    },
    {
      usage: 'new-orchestrator [options] <name>',
      description: 'create a type of orchestrator with a page and a test from a working template',
      load: async () => (await import('./commands/new-orchestrator.ts')).newOrchestratorCommand(),
    },
  ],
}

/** Creates the command `webhooks` with all subcommands. */
export function createProgram(): Promise<Command> {
  return createWith(() => true)
}

/** Creates the command `webhooks` for these arguments: the subcommands that they do not name have only a usage and a description. */
export function createProgramFor(args: readonly string[]): Promise<Command> {
  return createWith((name) => args.includes(name))
}

async function createWith(isNeeded: (name: string) => boolean): Promise<Command> {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
  const program = new Command('webhooks')
    .version(version, '--version', 'show the version')
    .description('Set up, test and run webhooks for agents, pipelines, alerts and Keptn.')
    .configureHelp({ subcommandTerm })
    .addHelpText('after', '\nRun npm start to start the functions on this machine. Each command has its own --help.')
  for (const [group, entries] of Object.entries(groups)) {
    program.commandsGroup(group)
    for (const { usage, description, load } of entries) {
      const name = nameIn(usage)
      const command = isNeeded(name) ? await load() : new Command(name)
      program.addCommand(command.description(description))
    }
  }
  return program
}

function nameIn(usage: string): string {
  return usage.split(' ', 1)[0] ?? ''
}

/** Returns the usage of a command in the list of the commands above it. */
function subcommandTerm(command: Command): string {
  const entries = command.parent?.parent ? [] : Object.values(groups).flat()
  const known = entries.find(({ usage }) => nameIn(usage) === command.name())
  return known?.usage ?? new Help().subcommandTerm(command)
}
