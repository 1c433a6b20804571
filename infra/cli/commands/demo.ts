import { Argument, Command } from 'commander'
import { runAgentDemo } from '../demo/agent-demo.ts'
import { type JsonOption, note, show } from '../output.ts'

/** `webhooks demo`: runs a demonstration in the sandbox. */
export function demoCommand(): Command {
  return new Command('demo')
    .addArgument(new Argument('<name>', 'the demonstration').choices(['agent']))
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
agent: an agent proposes a rollback, loses its connection twice, and repeats the call with its key. A person approves it in the chat, and the
runtime is killed in between. Uses a local runtime and a state folder of its own.

Exit code: 0 the rollback happened once, 1 it did not, 2 invalid arguments.

Example:
  $ npx webhooks demo agent`,
    )
    .action(run)
}

async function run(_name: string, options: JsonOption): Promise<void> {
  const result = await runAgentDemo(options.json ? note : (line) => console.log(line))
  const { verdict, rollbacks, auditRecords } = result
  show(result, `\nResult ${verdict}, rollbacks: ${rollbacks}, audit records: ${auditRecords}`, options)
  if (verdict !== 'pass' || rollbacks !== 1 || auditRecords !== 1) process.exitCode = 1
}
