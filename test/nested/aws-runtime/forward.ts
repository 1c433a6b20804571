import { type InvocationContext, RuntimeProcess } from './runtime-process.ts'

/**
 * Returns a handler for the local runtime that forwards events to a bundle under AWS's runtime client, with the environment variables
 * of the thread.
 *
 * @param entry path of the bundle, without the extension
 */
export function forwardTo(entry: string) {
  const started = RuntimeProcess.start(entry, process.env)
  void started.then(({ stdout, stderr }) => {
    stdout.on('data', (written: string) => process.stdout.write(written))
    stderr.on('data', (written: string) => process.stderr.write(written))
  })
  return async (event: unknown, context: InvocationContext) => (await started).invoke(event, context)
}
