import { flushCompileCache } from 'node:module'
import { formatEvent } from '../../infra/local/format-event.ts'
import { type RuntimeOptions, startRuntime } from '../../infra/local/runtime.ts'

/** A runtime in a process of its own, so that it can be killed. Its logs go to stdout, Lambda's too. */
const { url } = await startRuntime({
  ...(JSON.parse(process.argv[2] ?? '{}') as RuntimeOptions),
  observe(event) {
    // The complete requests are for the console, which masks them.
    if (event.from === 'cloud' && event.kind === 'request') return
    // Tests read the log lines of the functions.
    const isLog = event.from === 'cloud' && event.kind === 'log'
    console.log((isLog ? undefined : formatEvent(event)) ?? JSON.stringify(event))
  },
})
console.log(`ready ${url}`)
// A process that is killed does not save what it compiled.
flushCompileCache()
