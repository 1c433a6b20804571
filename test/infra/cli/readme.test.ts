import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from '@jest/globals'
import { quoteForShell } from '../../../infra/project/shell-words.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { copyOfProject } from './copy.ts'
import { sandbox } from './sandbox.ts'

const run = promisify(execFile)
const page = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')
const [, section = ''] = /^## Deploy it\n([\s\S]*?)^## /m.exec(page) ?? []
const commands = [...section.matchAll(/^ {4}(.+?)(?: {2,}#.*)?$/gm)].map(([, command = '']) => command)

const copy = copyOfProject()
afterAll(() => copy.remove())

/** The fields that a person enters at the prompts of `webhooks connect`, by connection. */
const answers = temporaryFolder()
mkdirSync(join(answers, 'notification'))
mkdirSync(join(answers, 'issue-ticketing'))
const answer = (connection: string, value: object) =>
  writeFileSync(join(answers, `${connection}.json`), JSON.stringify(value))
answer('notification/default', {
  provider: 'slack',
  baseUrl: `${sandbox.url}/sandbox/slack`,
  token: demo.slack.token,
  signingSecret: demo.slack.signingSecret,
})
answer('issue-ticketing/default', {
  provider: 'github',
  baseUrl: `${sandbox.url}/sandbox/github`,
  token: demo.githubToken,
  project: 'demo/shop',
})

const main = [process.execPath, '--no-warnings', join(copy.folder, 'infra/cli/main.ts')].map(quoteForShell).join(' ')
/** The build and the deployment need minutes and an account. Everything else runs. */
const FAKES = `npm() { echo "npm $*"; }
npx() {
  local command=$1; shift
  [ "$command" = cdk ] && { echo "cdk $*"; return; }
  [ "$1" = connect ] && set -- "$@" --from-file ${quoteForShell(answers)}/"$2".json
  ${main} "$@"
}`

/** Creates what a deployment creates in the account. */
function deploy(): void {
  aws.store('identity', { key: 'k'.repeat(64) })
  aws.store('callbacks', { key: 'k'.repeat(64) })
  aws.functions = [{ logicalId: 'SloTaskFunction5E6F7A8B', isDurable: true, versions: [1], live: 1 }]
  aws.alarms = [{ AlarmName: 'CloudAutomationWebhooks-ApiFailures', StateValue: 'OK', ActionsEnabled: true }]
}

test('README.md deploys with commands that work in their order', async () => {
  const [, policy = ''] = /^```yaml\n([\s\S]*?)^```/m.exec(section) ?? []
  writeFileSync(join(copy.folder, 'policy.yaml'), policy)
  const [, setting = ''] = /`"webhooks": \{ ("policy": ".+?"), \.\.`/.exec(section) ?? []
  const config = JSON.parse(readFileSync(join(copy.folder, 'cdk.json'), 'utf8'))
  Object.assign(config.context.webhooks, JSON.parse(`{${setting}}`))
  writeFileSync(join(copy.folder, 'cdk.json'), JSON.stringify(config))

  const { PATH, HOME } = process.env
  const outputs = new Map<string, string>()
  for (const command of commands) {
    const { stdout, stderr } = await run('bash', ['-e', '-c', `${FAKES}\n${command}`], {
      cwd: copy.folder,
      env: { PATH, HOME, ...aws.env },
    }).catch((error: { stdout: string; stderr: string }) => {
      // The bundles of this machine may be outdated.
      if (command === 'npx webhooks doctor') return error
      throw new Error(`${command}\n${error.stdout}\n${error.stderr}`)
    })
    outputs.set(command, `${stdout}${stderr}`)
    if (stdout.includes('cdk deploy')) deploy()
  }
  const findings = (outputs.get('npx webhooks doctor') ?? '').split('\n')
  expect(findings.filter((line) => /^wrong(?! +bundles)/.test(line))).toEqual([])
  expect(findings.some((line) => line.includes('caller incident-bot'))).toBe(true)
  expect(commands.length).toBeGreaterThanOrEqual(7)
  expect(aws.stored('callers')['incident-bot']).toMatchObject({ agent: true })
})
