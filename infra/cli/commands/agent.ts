import { Argument, Command } from 'commander'
import { unknownName } from '../../../shared/validate.ts'
import { catalogueOf } from '../../build/tool-schemas.ts'
import { categories } from '../../project/categories.ts'
import { UsageError } from '../../project/usage-error.ts'
import { agentClients } from '../agent-clients.ts'
import { isLoopback, parseUrl, receiverOf } from '../receiver/receiver.ts'
import { type JsonOption, note, show } from '../terminal/output.ts'

interface Options extends JsonOption {
  url?: string
  signIn?: boolean
  tools?: string
  readonly?: boolean
}

const NAMES = Object.keys(agentClients)

/** `webhooks agent`: prints how an agent connects. */
export function agentCommand(): Command {
  const clients = Object.entries(agentClients).map(([name, { title }]) => `  ${name.padEnd(17)} ${title}`)
  return new Command('agent')
    .addArgument(new Argument('<client>', 'the program that connects').choices(NAMES).argParser(checkClient))
    .option('--url <url>', 'URL of the API (default: WEBHOOKS_URL, or the local runtime at WEBHOOKS_PORT)', parseUrl)
    .option('--sign-in', 'people sign in with your OpenID provider, instead of a stored token')
    .option(
      '--tools <names>',
      'comma-separated categories and actions, such as ci-cd,issue-ticketing/open-issue (default: all)',
    )
    .option('--readonly', 'only tools that change nothing')
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
  $ npx webhooks agent cursor --url https://webhooks.example.com --sign-in --tools ci-cd
  $ npx webhooks agent codex`,
    )
    .action(run)
}

function checkClient(name: string): string {
  if (Object.hasOwn(agentClients, name)) return name
  throw new UsageError(unknownName('client', name, NAMES))
}

function run(name: string, { url, signIn = false, tools, readonly = false, ...options }: Options): void {
  const client = agentClients[name]
  if (!client) throw new Error(`The client ${name} is not known.`)
  if (signIn && !client.hasSignIn) throw new UsageError(`${client.title} needs a stored token: omit --sign-in.`)
  const receiver = receiverOf({ url })
  const query = [...(tools === undefined ? [] : [`tools=${checkTools(tools)}`]), ...(readonly ? ['readonly'] : [])]
  const endpoint = `${receiver.url}/v1/mcp${query.length > 0 ? `?${query.join('&')}` : ''}`
  const configuration = client.configuration(endpoint, !signIn)
  const place = `${client.place} ${signIn ? 'The client opens the page of your OpenID provider.' : client.token}`
  show({ client: name, url: endpoint, place, configuration }, configuration, options)
  note(place)
  if (isLoopback(receiver.url)) note('Only programs on this machine can reach this URL.')
}

/** The endpoint ignores names that it does not know, so a mistyped one would hide a tool. */
function checkTools(text: string): string {
  const known = catalogueOf(categories).tools.flatMap(({ category, names }) => [
    category,
    ...names.map((name) => `${category}/${name}`),
  ])
  const sent = text.split(',').map((name) => name.trim())
  for (const name of sent)
    if (!known.includes(name)) throw new UsageError(unknownName('tool', name, [...new Set(known)]))
  return sent.join(',')
}
