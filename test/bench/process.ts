import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a program of this folder in a new process, with a task as its argument. Its stdout has the logs of our function. */
export function startProcess(program: string, task: object, env?: Record<string, string>): ChildProcess {
  return fork(new URL(program, import.meta.url), [JSON.stringify(task)], {
    ...(env ? { env } : {}),
    execArgv: ['--no-warnings', '--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** Returns the last object that a process sends before it ends. Other messages are questions. */
export async function reportOf<Report>(child: ChildProcess): Promise<Report> {
  let report: Report | undefined
  child.on('message', (message: Report) => {
    if (typeof message === 'object') report = message
  })
  const [code] = await once(child, 'exit')
  if (!report) throw new Error(`The process exited with ${code} without a report`)
  return report
}
