import { Argument, Command } from 'commander'
import { runAgentDemo } from '../demo/agent-demo.ts'
import { runAlertDemo } from '../demo/alert-demo.ts'
import { type JsonOption, note, show } from '../output.ts'

/** `webhooks demo`: runs a demonstration in the sandbox. */
export function demoCommand(): Command {
  return new Command('demo')
    .addArgument(new Argument('<name>', 'the demonstration').choices(['agent', 'alert']))
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
agent: an agent proposes a rollback, loses its connection twice, and repeats the call with its key. A person approves it in the chat, and the
runtime is killed in between.

alert: an alert opens a ticket, and starts a runbook after a person has approved it in the chat. The end of the alert closes the ticket. Then
every notification is sent twice more.

Both use a local runtime and a state folder of their own.

Exit code: 0 everything happened once, 1 it did not, 2 invalid arguments.

Examples:
  $ npx webhooks demo agent
  $ npx webhooks demo alert`,
    )
    .action((name: 'agent' | 'alert', options: JsonOption) =>
      name === 'agent' ? runAgent(options) : runAlert(options),
    )
}

async function runAgent(options: JsonOption): Promise<void> {
  const result = await runAgentDemo(printerOf(options))
  const { verdict, rollbacks, auditRecords } = result
  show(result, `\nResult ${verdict}, rollbacks: ${rollbacks}, audit records: ${auditRecords}`, options)
  if (verdict !== 'pass' || rollbacks !== 1 || auditRecords !== 1) process.exitCode = 1
}

async function runAlert(options: JsonOption): Promise<void> {
  const result = await runAlertDemo(printerOf(options))
  const { tickets, closedTickets, runbooks, approvals, unchanged } = result
  show(
    result,
    `\nTickets: ${tickets}, closed: ${closedTickets}, approvals: ${approvals}, runbooks: ${runbooks}, changed by repeated notifications: ${unchanged ? 'nothing' : 'something'}`,
    options,
  )
  const happenedOnce = [tickets, closedTickets, runbooks, approvals].every((count) => count === 1)
  if (!happenedOnce || !unchanged) process.exitCode = 1
}

function printerOf({ json }: JsonOption): (line: string) => void {
  return json ? note : (line) => console.log(line)
}
