import { consoleLink } from '../../local/console-access.ts'
import { readCredentials } from '../../local/credentials.ts'
import type { Demo, Effects } from './demo.ts'
import { DemoRuntime } from './demo-runtime.ts'

/**
 * Runs a demonstration in a runtime of its own, which ends with it.
 *
 * @param conclude called with the effects and the decision of the person, before the runtime ends
 */
export async function runDemo(
  { settings, setting, play }: Demo,
  print: (line: string) => void,
  conclude: (effects: Effects, decision: DemoRuntime['decision']) => unknown,
): Promise<void> {
  const runtime = new DemoRuntime(settings)
  const onInterrupt = () => void runtime.end().finally(() => process.exit(130))
  process.once('SIGINT', onInterrupt)
  try {
    await runtime.start()
    print(`runtime  started at ${runtime.url}, ${setting}`)
    print(`console  shows each call at ${consoleLink(runtime.url, readCredentials(runtime.state))}`)
    const effects = await play(runtime, print)
    process.off('SIGINT', onInterrupt)
    await conclude(effects, runtime.decision)
  } finally {
    await runtime.end()
  }
  print('runtime  ended, and the console with it')
}
