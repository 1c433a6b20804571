import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { CLEANUP_SUFFIX } from '../../shared/core/call.ts'
import { messageOf } from '../../shared/errors.ts'
import { categories } from '../project/categories.ts'
import { APPLICATION } from '../project/roots.ts'
import { findDurableFunctions, listRunning, type RunningTask, stopTasks } from './running-tasks.ts'
import { readSettings } from './settings.ts'

const help = `npm run destroy: deletes the stack after all tasks have ended.

CloudFormation cannot delete a function with running tasks: it waits for an hour and then fails. So this command lists the
running tasks first. Wait for them, or stop them: the finisher then sends their finished events before anything is deleted.

Options
  --stop   stop running tasks without asking
  --force  do not ask before deleting the stack

Examples
  npm run destroy
  npm run destroy -- --stop --force
`

/** EventBridge starts the finisher within seconds. */
const QUIET_SECONDS = 20
const TIMEOUT_SECONDS = 600
const MAX_LISTED = 20

try {
  const { values } = parseArgs({
    options: { stop: { type: 'boolean' }, force: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) process.stdout.write(help)
  else process.exitCode = await destroy({ stop: values.stop ?? false, force: values.force ?? false })
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}

/** @returns the exit code */
async function destroy({ stop, force }: { stop: boolean; force: boolean }): Promise<number> {
  const { context } = JSON.parse(readFileSync(join(APPLICATION, 'cdk.json'), 'utf8')) as {
    context: Record<string, unknown>
  }
  const names = categories.map(({ name }) => name)
  const { stackName, terminationProtection } = readSettings(context['webhooks'], names)
  if (terminationProtection)
    throw new Error(`${stackName} is protected. Set terminationProtection in cdk.json to false and deploy first.`)
  const lambda = new LambdaClient()
  const region = await lambda.config.region()
  const functions = await findDurableFunctions(lambda, stackName)
  if (functions.tasks.length === 0)
    throw new Error(`${stackName} has no task function in ${region}. Check the region, the account and stackName.`)
  const running = [...(await listRunning(lambda, functions.tasks)), ...(await listRunning(lambda, functions.finisher))]
  if (running.length === 0) console.log(`${stackName} in ${region} has no running tasks.`)
  else {
    console.log(`${stackName} in ${region}: ${format(running)}`)
    if (!stop && !(await confirmStop())) {
      console.log('Nothing was changed. Wait for the tasks, or stop them: npm run destroy -- --stop')
      return 1
    }
    const remaining = await stopTasks(lambda, functions, {
      quietSeconds: QUIET_SECONDS,
      timeoutSeconds: TIMEOUT_SECONDS,
      onChange: (count) => console.log(`${count} still running`),
    })
    if (remaining.length > 0) {
      console.log(
        `${format(remaining)}
These have not ended. A finisher cannot reach the orchestrator: its callers would never get a finished event. A name that
ends in ${CLEANUP_SUFFIX} is a cleanup that the platform does not complete. Fix the cause and run the command again.`,
      )
      return 1
    }
  }
  const { status, error } = spawnSync('cdk', ['destroy', stackName, ...(force ? ['--force'] : [])], {
    cwd: APPLICATION,
    stdio: 'inherit',
    // cdk looks for the region in other places and could find another one.
    env: { ...process.env, AWS_REGION: region },
  })
  if (error) throw error
  return status ?? 1
}

function format(running: RunningTask[]): string {
  const lines = running
    .slice(0, MAX_LISTED)
    .map(({ startedAt, function: name, name: task }) => `  ${startedAt?.toISOString() ?? '?'}  ${name}  ${task}`)
  const more = running.length > MAX_LISTED ? [`  and ${running.length - MAX_LISTED} more`] : []
  return [`${running.length} running tasks (start, function, task id):`, ...lines, ...more].join('\n')
}

async function confirmStop(): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  console.log(
    'A stopped task gets a finished event with status errored. Jobs that it started keep running at their platforms, except\nthose that need cleanup.',
  )
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question('Stop them and delete the stack? [y/N] ')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
