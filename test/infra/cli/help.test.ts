import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Command, Help } from 'commander'
import { categories } from '../../../functions/index.ts'
import { createProgram } from '../../../infra/cli/program.ts'
import { readRuntimeFile } from '../../../infra/local/runtime-file.ts'
import { demo } from '../../../infra/sandbox/platforms/sandbox/demo.ts'
import { Service, triggered } from '../../e2e/service.ts'
import { startJira } from '../../platforms/jira.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { atPseudoTerminal, atTerminal, controlC, type Ended, enter, spawnWebhooks, webhooks } from './webhooks.ts'

const TIME_SCALE = 20

/** All commands with their `--help` texts. */
const program = await createProgram()
const commands = leaves(program).map((command) => ({ name: nameOf(command), help: helpOf(command) }))
const examples = commands.flatMap(({ help }) =>
  [...help.matchAll(/^ {2}\$ (npx webhooks .+)$/gm)].map(([, line = '']) => line),
)

function leaves(command: Command): Command[] {
  return command.commands.length > 0 ? command.commands.flatMap((child) => leaves(child as Command)) : [command]
}

function nameOf(command: Command): string {
  return command.parent?.parent ? `${nameOf(command.parent as Command)} ${command.name()}` : command.name()
}

function helpOf(command: Command): string {
  let text = ''
  const writeOut = (part: string) => {
    text += part
  }
  command.configureOutput({ writeOut }).outputHelp()
  return text
}

it('--version shows the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  expect(await webhooks(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
})

describe('--help', () => {
  it('lists each command with its usage, although it loads none of them', async () => {
    const usages = program.commands.map((command) =>
      command.commands.length > 0 ? `${command.name()} [command]` : new Help().subcommandTerm(command as Command),
    )
    const { out } = await webhooks(['--help'])
    expect(usages.filter((usage) => !out.includes(`\n  ${usage}  `))).toEqual([])
    expect((await webhooks(['help', 'tasks'])).out).toContain('--follow')
  })

  it.each(['--help', '--version', 'tasks --help', 'send --help'])('%s loads no SDK and no prompts', async (line) => {
    const hooks = `import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { console.error(url); return next(url, context) } })`
    const preload = `data:text/javascript,${encodeURIComponent(hooks)}`
    const main = join(import.meta.dirname, '../../../infra/cli/main.ts')
    const args = ['--no-warnings', '--import', preload, main, ...line.split(' ')]
    const { stderr } = await promisify(execFile)(process.execPath, args)
    const loaded = stderr.split('\n').filter((url) => url.startsWith('file:'))
    expect(loaded.filter((url) => /node_modules\/(@aws-sdk|@clack|@smithy)/.test(url))).toEqual([])
    expect(loaded.length).toBeGreaterThan(5)
  })

  it.each(commands)('$name: shows an example, the exit codes and --json', ({ help }) => {
    expect(help).toMatch(/\nExamples?:\n {2}\$ npx webhooks /)
    expect(help).toMatch(/\nExit code: 0 .*2 invalid arguments/s)
    expect(help).toContain('--json')
  })
})

const hash = (digit: string) => `sha256:${digit.repeat(64)}`
const folder = temporaryFolder()
const jira = await startJira()
const service = new Service({ timeScale: TIME_SCALE })
/** Its load tests take some seconds, so it runs at the same time as the other examples. */
const RELEASE = 'sequence release --orchestrator argo-rollouts'
const PEOPLE =
  'people check \'{"email": "jane@example.com", "email_verified": true, "groups": ["sre"]}\' --policy policy.yaml'
let releasing: Promise<Ended>

beforeAll(async () => {
  await service.start()
  const { url } = service
  const file = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))
  const keptn = { baseUrl: `${url}/sandbox/keptn`, token: demo.keptnToken }
  const github = { provider: 'github', baseUrl: `${url}/sandbox/github`, token: demo.githubToken, project: 'demo/shop' }
  writeFileSync(
    join(folder, 'policy.yaml'),
    'approval: { connection: ops }\nrules: [{ name: weekdays, timeZone: UTC, when: { actions: [ci-cd/*] }, only: { days: mon-fri }, otherwise: wait, waitAtMost: P3D }]',
  )
  writeFileSync(
    join(folder, 'policy-cases.yaml'),
    'at: "2026-12-07T08:00Z"\ncases: [{ name: a Monday, call: ci-cd/trigger-build, expect: starts }]',
  )
  writeFileSync(
    join(folder, 'events.yaml'),
    'sources: { alerts: { type: http } }\nrules: [{ name: open, source: alerts, call: issue-ticketing/open-issue, input: "{title: name}" }]',
  )
  file('firing.json', { name: 'DiskFull' })
  file('jira.json', { provider: 'jira', baseUrl: jira.url, email: jira.email, token: jira.token })
  file('keptn.json', keptn)
  file('azure-devops.json', { collections: [`${url}/sandbox/engines/azure-devops/contoso/`] })
  file('unleash.json', { provider: 'unleash', baseUrl: `${url}/sandbox/unleash`, token: demo.unleash.token })
  cpSync(join(import.meta.dirname, '../../../infra/sandbox/keptn/sequences/incident'), join(folder, 'my-sequence'), {
    recursive: true,
  })
  cpSync(join(import.meta.dirname, '../../../examples/keptn-release'), join(folder, 'production'), { recursive: true })
  const event = readFileSync(join(folder, 'production/event.json'), 'utf8')
  writeFileSync(join(folder, 'production/event.json'), event.replaceAll('staging', 'production'))
  aws.store('connections/issue-ticketing/default', github)
  setCaller('there', [hash('a')])
  setCaller('ci', [hash('b')], ['ci-cd'])
  releasing = spawnWebhooks(RELEASE.split(' '), { WEBHOOKS_URL: url }).ended
})
afterAll(async () => {
  await service.end()
  await jira.close()
})

interface ExampleSetup {
  before?: () => Promise<void> | void
  /** Prompts and the keys to type. */
  keys?: () => [string, string][]
  /** Expected exit code. Defaults to 0. */
  code?: (ended: Ended) => number
  check?: (out: string) => void
}

function setCaller(name: string, tokens: string[], categories = ['*']): void {
  aws.store('callers', { ...aws.stored('callers'), [name]: { tokens, categories } })
}
function setIssuer(): void {
  const oidc = { issuer: service.url, audience: 'https://webhooks.example.com', claims: { sub: 'deploy' } }
  aws.store('callers', { ...aws.stored('callers'), deploy: { oidc, categories: ['*'] } })
}
/** The exit code depends on the bundles of this machine, which may be outdated. */
const codeOfFindings = ({ out }: Ended) => (/^wrong|"state": "wrong"/m.test(out) ? 1 : 0)

/** The task may still run, or have passed. */
function codeOfTask({ out }: Ended): number {
  return /"taskId"|"rerunOf"/.test(out) ? 0 : 1
}

async function writeWebhookYaml(): Promise<void> {
  const { out } = await run('npx webhooks config issue-ticketing/open-issue --task openticket --yaml')
  writeFileSync(join(folder, 'webhook.yaml'), out)
}

const verified = (category: string) => ({
  category,
  verdict: 'pass',
  silent: { verdict: 'pass', ms: expect.any(Number) },
  interactive: { verdict: 'pass', ms: expect.any(Number), taskId: expect.any(String) },
})

const setups: Record<string, ExampleSetup> = {
  'connect issue-ticketing/default': {
    // The stored values are the defaults.
    keys: () => [
      ['Which platform?', enter],
      ['press Enter to keep', enter],
      ['Which optional fields', enter],
      ['baseUrl:', enter],
      ['project:', enter],
    ],
  },
  'connect notification/default': {
    before: () =>
      aws.store('connections/notification/default', {
        provider: 'slack',
        baseUrl: `${service.url}/sandbox/slack`,
        token: demo.slack.token,
      }),
    keys: () => [
      ['Which platform?', enter],
      ['press Enter to keep', enter],
      ['Which optional fields', enter],
      ['baseUrl:', enter],
    ],
  },
  'orchestrator add keptn': {
    keys: () => [
      ['Which credentials?', enter],
      ['baseUrl:', `${service.url}/sandbox/keptn${enter}`],
      ['token:', `${demo.keptnToken}${enter}`],
      ['Which optional fields', enter],
    ],
  },
  'connect issue-ticketing/new --from-curl open.curl --draft new.json': {
    before: () =>
      writeFileSync(join(folder, 'open.curl'), 'curl https://tool.example.com/api/tickets -d \'{"title":"Slow"}\''),
  },
  'connect issue-ticketing/new --from-file new.json --from-curl get.curl --request get --draft new.json': {
    before: () => writeFileSync(join(folder, 'get.curl'), 'curl https://tool.example.com/api/tickets/42'),
  },
  'connect ci-cd/new --from-openapi openapi.yaml --operation startRun --draft new-job.json': {
    before: () =>
      writeFileSync(
        join(folder, 'openapi.yaml'),
        'openapi: 3.1.0\npaths: {/runs: {post: {operationId: startRun, responses: {"201": {description: Created}}}}}',
      ),
  },
  'token revoke keptn --hash sha256:0a1b2c3d4e5f': {
    before: () => setCaller('keptn', [`sha256:0a1b2c3d4e5f${'0'.repeat(52)}`, hash('c')]),
  },
  'token check - < token.txt': {
    before() {
      writeFileSync(join(folder, 'token.txt'), 'eyJhbGciOi..')
      setIssuer()
    },
    code: () => 1,
    check: (out) => expect(out).toMatch(/^deploy +no +it is not a JSON Web Token/m),
  },
  'token check eyJhbGciOi.. --json': { before: setIssuer, code: () => 1 },
  // Another example saves this connection without testing it.
  check: { before: () => void aws.secrets.delete('cloud-automation-webhooks/connections/ci-cd/builds') },
  'wait https://abc.execute-api.eu-west-1.amazonaws.com/v1/issue-ticketing/tasks/5f0c...': {
    code: ({ out }) => (/"verdict": "(?:pass|warning)"/.test(out) ? 0 : 1),
  },
  'answer issue-ticketing/5f0c... --again': {
    before: async () => void (await service.openIssue(triggered(), '?mode=interactive')),
    code: codeOfTask,
  },
  'answer issue-ticketing/5f0c... --stack CloudAutomationWebhooks --again': { code: codeOfTask },
  'tasks issue-ticketing/5f0c... --stack CloudAutomationWebhooks --rerun': { code: codeOfTask },
  'verify --url https://abc.execute-api.eu-west-1.amazonaws.com --token "$TOKEN"': {
    check(out) {
      const passed = [...out.matchAll(/^(\S+) +pass +\d+ ms +\d+ ms$/gm)].map(([, name]) => name)
      expect(passed).toEqual(categories.map(({ name }) => name))
    },
  },
  'verify --category slo ci-cd --json': {
    check: (out) => expect(JSON.parse(out)).toEqual(['slo', 'ci-cd'].map(verified)),
  },
  // The checkout has no policy.
  'token create incident-bot --agent --categories incident-management,slo': { code: () => 2 },
  // The runtime of this test has a state folder of its own.
  console: { code: () => 2 },
  'turns --local --json': { code: () => 2 },
  'events redrive --local --json': { code: () => 2 },
  "stop --reason \"bad release\" --action 'ci-cd/*' --connection 'prod-*' --cancel": { code: () => 2 },
  'stop --reason "agent runs wild" --caller release-agent --end --until 18:00': { code: () => 2 },
  "stop --reason incident --connection 'prod-*' --except 'remediation/*' --stack CloudAutomationWebhooks": {
    keys: () => [['Stop everything', 'y']],
  },
  'stop --list': { code: () => 2 },
  resume: { code: () => 2 },
  'resume --all': { code: () => 2 },
  // Another stop is in force.
  'resume 3f2a1b9c --stack CloudAutomationWebhooks': { code: () => 1 },
  // There is no secret people.
  'people check': { code: () => 2 },
  'people check - < token.txt': { before: () => writeFileSync(join(folder, 'token.txt'), 'a.b.c'), code: () => 2 },
  [PEOPLE]: { code: () => 2 },
  // No task has the turn.
  'turns --release ci-cd/prod/checkout': { code: () => 2 },
  audit: { before: () => void mkdirSync(join(folder, '.webhooks'), { recursive: true }) },
  [RELEASE]: {},
  // They run until Ctrl-C.
  'demo incident --stay': { keys: () => [['continues until Ctrl-C', controlC]] },
  'console --stack CloudAutomationWebhooks': { keys: () => [['Stop with Ctrl-C', controlC]] },
  'console --stack CloudAutomationWebhooks --read-only': { keys: () => [['Stop with Ctrl-C', controlC]] },
  'doctor --webhook-config webhook.yaml': { before: writeWebhookYaml },
  'check issue-ticketing/tool --local --answer response.json --request open': {
    before: () => writeFileSync(join(folder, 'response.json'), JSON.stringify({ id: 'T-1', status: 'new' })),
  },
  'preview webhook.yaml --event openticket.triggered.json --env secret_webhooks_token=abc': {
    async before() {
      await writeWebhookYaml()
      const type = 'sh.keptn.event.openticket.triggered'
      const event = { id: '1', type, shkeptncontext: '2', data: { project: 'a', stage: 'b', service: 'c' } }
      writeFileSync(join(folder, 'openticket.triggered.json'), JSON.stringify(event))
    },
  },
}

/** The local runtime as a deployed stack. */
function stackVariables(): Record<string, string> {
  const { aws: local } = readRuntimeFile(service.state) ?? {}
  if (!local) throw new Error('The runtime does not run.')
  return {
    AWS_ACCESS_KEY_ID: local.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.secretAccessKey,
    AWS_ENDPOINT_URL_LAMBDA: local.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: local.dynamodb,
    AWS_ENDPOINT_URL_SQS: local.endpoint,
  }
}

/** Runs an example. Replaces the URL of the deployed API and the id of a task. */
async function run(line: string): Promise<Ended> {
  if (line.endsWith(RELEASE)) return releasing
  const { keys } = setups[line.replace('npx webhooks ', '')] ?? {}
  // Keptn rejects URLs of this machine.
  const url: Record<string, string> = line.includes(' config ') ? {} : { WEBHOOKS_URL: service.url }
  const env = {
    ...aws.env,
    ...url,
    TOKEN: demo.callerToken,
    ...(/ --stack | versions | turns\b| redrive\b/.test(line) ? stackVariables() : {}),
  }
  // Prompts and signals need a process once.
  const at = line.includes('orchestrator add') ? atTerminal : atPseudoTerminal
  if (keys) return at(line.replace('npx webhooks ', ''), keys(), { env, cwd: folder })
  const { body } = await service.call('/tasks', undefined, { method: 'GET' })
  const task = body.tasks.find(({ functionName }: { functionName: string }) => functionName === 'issue-ticketing-task')
  const [command = '', stdin] = line
    .replace('npx webhooks ', '')
    .replace('https://abc.execute-api.eu-west-1.amazonaws.com', service.url)
    .replace('5f0c...', task?.name ?? '')
    // The stage with the approval. test/e2e/sequences.test.ts runs both stages.
    .replace('sequence release --approve', 'sequence --file production --approve')
    .split(' < ')
  return webhooks(command, { env, cwd: folder, stdin: stdin ? readFileSync(join(folder, stdin), 'utf8') : '' })
}

describe('example', () => {
  const isRelease = (line: string) => line.endsWith(RELEASE)
  it.each([...examples.filter((line) => !isRelease(line)), ...examples.filter(isRelease)])('%s', async (line) => {
    const usual = line.includes(' doctor') ? codeOfFindings : () => 0
    const { before, code = usual, check } = setups[line.replace('npx webhooks ', '')] ?? {}
    await before?.()
    const ended = await run(line)
    expect(ended).toEqual({ ...ended, code: code(ended) })
    check?.(ended.out)
    expect(ended.out + ended.err).not.toContain(jira.token)
  })

  it('exists for each setup of this test', () => {
    const known = examples.map((line) => line.replace('npx webhooks ', ''))
    expect(Object.keys(setups).filter((line) => !known.includes(line))).toEqual([])
  })
})

describe('docs/cli.md', () => {
  it.each([
    ['cli', 10],
    ['policy', 3],
  ])('and other pages show only commands that are examples of a --help: docs/%s.md', (page, count) => {
    const text = readFileSync(join(import.meta.dirname, `../../../docs/${page}.md`), 'utf8')
    const shown = [...text.matchAll(/^ {4}(npx webhooks .+?)(?: {2,}#.*)?$/gm)].map(([, line]) => line)
    expect(shown.length).toBeGreaterThan(count)
    expect(shown.filter((line) => line !== undefined && !examples.includes(line))).toEqual([])
  })

  it('README.md shows only commands that are examples of a --help', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')
    const written = /^ {4}(?:\w+=\$\()?npx webhooks (.+?)\)?(?: {2,}#.*)?$/gm
    const shown = [...text.matchAll(written)].map(([, line]) => `npx webhooks ${line}`)
    expect(shown.length).toBeGreaterThan(7)
    expect(shown.filter((line) => !examples.includes(line))).toEqual([])
  })

  it('describes each command', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8')
    expect(commands.filter(({ name }) => !text.includes(`\`${name}`)).map(({ name }) => name)).toEqual([])
  })
})

describe('the local runtime', () => {
  it('fails a verification with the reason for each category', async () => {
    const args = ['verify', '--category', 'slo', '--url', service.url, '--token', 'a-wrong-token']
    expect(await webhooks(args)).toMatchObject({ code: 1, out: expect.stringMatching(/slo +fail .*HTTP 401/) })
  })

  it('serves its OpenAPI document', async () => {
    const { status, body } = await service.call('/v1/openapi.json', undefined, { method: 'GET', token: null })
    expect(status).toBe(200)
    expect(body).toMatchObject({ openapi: '3.1.1', servers: [{ url: `${service.url}/v1` }] })
  })
})
