import { Command } from 'commander'
import { parsePort } from '../receiver/receiver.ts'
import { START_SETTINGS } from '../start-settings.ts'

/** `webhooks start`: starts the local runtime. */
export function startCommand(): Command {
  return new Command('start')
    .option('--port <port>', 'port on 127.0.0.1 (default: WEBHOOKS_PORT)', parsePort)
    .option('--open', 'open the console in the browser')
    .addHelpText(
      'after',
      `
Builds the functions first if a source has changed. npm start is the same.

${START_SETTINGS}

Exit code: 0 stopped, 1 the runtime cannot start, 2 invalid arguments.

Example:
  $ npx webhooks start --port 9000`,
    )
    .action(async ({ port, open = false }: { port?: number; open?: boolean }) => {
      // Loaded when used: the runtime contains all fakes of the sandbox.
      const { start } = await import('../start.ts')
      await start({ build: true, open, port })
    })
}
