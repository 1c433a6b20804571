import { Argument, Command } from 'commander'
import { agentClients } from '../agent-clients.ts'
import { isLoopback, parseUrl, receiverOf } from '../receiver/receiver.ts'
import { type JsonOption, note, show } from '../terminal/output.ts'

/** `webhooks agent`: prints how an agent connects. */
export function agentCommand(): Command {
  const clients = Object.entries(agentClients).map(([name, { title }]) => `  ${name.padEnd(17)} ${title}`)
  return new Command('agent')
    .addArgument(new Argument('<client>', 'the program that connects').choices(Object.keys(agentClients)))
    .option('--url <url>', 'URL of the API (default: WEBHOOKS_URL, or the local runtime at WEBHOOKS_PORT)', parseUrl)
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Clients:
${clients.join('\n')}

The configuration contains no token. Create one with webhooks token create <name> --agent.

Exit code: 0 printed, 2 invalid arguments.

Examples:
  $ npx webhooks agent claude-code --url https://abc.execute-api.eu-west-1.amazonaws.com/v1
  $ npx webhooks agent codex`,
    )
    .action(run)
}

function run(name: string, { url, ...options }: JsonOption & { url?: string }): void {
  const client = agentClients[name]
  if (!client) throw new Error(`The client ${name} is not known.`)
  const receiver = receiverOf({ url })
  const endpoint = `${receiver.url}/v1/mcp`
  const configuration = client.configuration(endpoint)
  show({ client: name, url: endpoint, place: client.place, configuration }, configuration, options)
  note(client.place)
  if (isLoopback(receiver.url)) note('Only programs on this machine can reach this URL.')
}
