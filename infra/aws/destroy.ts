import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { categories } from '../../functions/index.ts'
import { CLEANUP_SUFFIX } from '../../shared/core/task/payload.ts'
import { messageOf } from '../../shared/errors.ts'
import { durablePartsOf, type Running, runningOn, stopTasks } from './running-tasks.ts'
import { readSettings } from './settings.ts'

const root = join(import.meta.dirname, '../..')
const help = `npm run destroy: removes the stack, after a look at the tasks that run.

CloudFormation does not delete the function of a task that runs: it waits for an hour, and then gives up. So tasks that run are
shown first. They can be waited for, or stopped: then the finisher answers each of them, before anything is deleted.

Options
  --stop   stop the tasks that run, without asking
  --force  have cdk not ask whether the stack is to be deleted

Examples
  npm run destroy
  npm run destroy -- --stop --force
`

/** Seconds. EventBridge starts the finisher within seconds; a Keptn that is down takes longer than anybody waits here. */
const quiet = 20
const most = 600
/** How many tasks are shown. */
const mostShown = 20

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
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> }
  const names = categories.map(({ name }) => name)
  const { stackName, terminationProtection } = readSettings(context['webhooks'], names)
  if (terminationProtection)
    throw new Error(`${stackName} is protected: set terminationProtection in cdk.json to false and deploy that first.`)
  const lambda = new LambdaClient()
  const region = await lambda.config.region()
  const parts = await durablePartsOf(lambda, stackName)
  if (parts.tasks.length === 0)
    throw new Error(`There is no task function of ${stackName} in ${region}: look at region, account and stackName.`)
  const running = [...(await runningOn(lambda, parts.tasks)), ...(await runningOn(lambda, parts.finisher))]
  if (running.length > 0) {
    console.log(`${stackName} in ${region}: ${shown(running)}`)
    if (!stop && !(await mayStop())) {
      console.log('Nothing was changed. Wait for them, or stop them: npm run destroy -- --stop')
      return 1
    }
    const left = await stopTasks(lambda, parts, { quiet, most, tell: (count) => console.log(`${count} still run`) })
    if (left.length > 0) {
      console.log(
        `${shown(left)}\nThey have not ended. A finisher: it can not reach Keptn, so its callers would never hear. A name that ends in ${CLEANUP_SUFFIX}: what the
task had begun can not be ended at its platform. Try again when it can.`,
      )
      return 1
    }
  } else console.log(`No task of ${stackName} runs in ${region}.`)
  const { status, error } = spawnSync('cdk', ['destroy', stackName, ...(force ? ['--force'] : [])], {
    cwd: root,
    stdio: 'inherit',
    // It would look for one in other places, and must not find another.
    env: { ...process.env, AWS_REGION: region },
  })
  if (error) throw error
  return status ?? 1
}

function shown(running: Running[]): string {
  const lines = running
    .slice(0, mostShown)
    .map(({ startedAt, function: name, name: task }) => `  ${startedAt?.toISOString() ?? '?'}  ${name}  ${task}`)
  const more = running.length > mostShown ? [`  and ${running.length - mostShown} more`] : []
  return [`${running.length} tasks run (since, function, task id):`, ...lines, ...more].join('\n')
}

async function mayStop(): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  console.log(
    'A task that is stopped is answered: its finished says errored, and that it was stopped. What it has begun at a platform goes\non there, but for what must not outlive its task.',
  )
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question('Stop them and remove the stack? [y/N] ')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
