import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { dist, webhookBundle } from '../../infra/build/files.ts'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { createSandbox } from '../../infra/sandbox/platforms/sandbox/index.ts'
import type { Answer as ServiceAnswer } from '../e2e/service.ts'
import { listen } from '../listen.ts'
import { sageMakerChecks } from './moto-sagemaker.ts'
import { taskTokenChecks } from './moto-task-tokens.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { Program } from './program.ts'

const bundle = join(dist, `issue-ticketing/${webhookBundle}.js`)
const prefix = 'cloud-automation-webhooks'
const connections = `${prefix}/connections/issue-ticketing`
const table = 'webhooks'
const region = 'us-east-1'
const callerToken = 'a-token-of-a-caller'

type Answer = Pick<ServiceAnswer, 'status' | 'body'>

/** The shipped webhook on the APIs of Secrets Manager and DynamoDB, with the sandbox's simulated GitHub. */
export const moto: Program = {
  name: 'moto (Secrets Manager, DynamoDB)',
  script: 'moto.sh',
  suite: 'moto',
  unreachable: { 'for an express state machine': 'in moto, each state machine is a standard one' },
  async checks({ url }) {
    if (!existsSync(bundle)) throw new Error(`There is no ${bundle}: run npm run build first.`)
    const github = await playGitHub()
    const settings = { endpoint: url, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
    const secrets = new SecretsManagerClient(settings)
    const dynamodb = new DynamoDBClient(settings)
    const store = (name: string, value: object) =>
      secrets.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify(value) }))
    const shop = { provider: 'github', baseUrl: github.url, token: github.token, project: 'demo/shop' }
    const connection = (more: object = {}) => ({ ...shop, ...more })
    const sequence = { tokens: [tokenHash(callerToken)], categories: ['*'], orchestrator: 'none' }
    await store(`${prefix}/callers`, { sequence })
    await store(`${prefix}/identity`, { key: 'identity-key-of-thirty-two-characters' })
    await store(`${connections}/default`, connection())
    await store(`${connections}/other`, connection({ project: 'demo/other' }))
    await store(`${connections}/broken`, { provider: 'github', token: '' })
    await dynamodb.send(
      new CreateTableCommand({
        TableName: table,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    const records = async () => (await dynamodb.send(new ScanCommand({ TableName: table }))).Items ?? []
    const writes = await oneAtATime(url)
    const first = await startLambda(url, writes.url)
    const second = await startLambda(url, writes.url)
    const taskTokens = await taskTokenChecks(url)
    const event = (title: string, id: string | undefined = randomUUID()) => ({ id, input: { title } })
    const title = 'Checkout is slow'
    const silent = event(title)
    let opened: Answer

    return {
      async close() {
        await Promise.all([first.end(), second.end(), taskTokens.close?.()])
        await writes.close()
        await github.close()
        secrets.destroy()
        dynamodb.destroy()
      },
      tests: {
        async 'a silent call with an event id opens one issue'() {
          opened = await first.open(silent)
          assert.equal(opened.status, 200, JSON.stringify(opened.body))
          assert.match(opened.body.message, /^Opened issue \d+$/)
          assert.deepEqual(github.titles(), [title])
          assert.deepEqual(
            (await records()).map(({ call_status: status }) => status?.S),
            ['COMPLETED'],
          )
        },
        async 'a repeated call returns the recorded response, also in another environment, without a request to the platform'() {
          const before = github.requests()
          for (const lambda of [first, second]) assert.deepEqual(await lambda.open(silent), opened)
          assert.equal(github.requests(), before)
        },
        async 'of two concurrent calls, one opens the issue, and the other is rejected or gets the same response'() {
          const twice = event('Cart is slow')
          github.delay = 500
          const answers = await Promise.all([first.open(twice), second.open(twice)])
          github.delay = 0
          const done = answers.filter(({ status }) => status === 200)
          assert.ok(done.length > 0, JSON.stringify(answers))
          for (const { status, body } of answers) {
            if (status === 200) assert.deepEqual(body, done[0]?.body)
            else assert.equal(status, 409, JSON.stringify(body))
          }
          assert.equal(github.titles().filter((one) => one === 'Cart is slow').length, 1)
          assert.deepEqual(await second.open(twice), done[0])
        },
        async 'another connection, another input or no event id is another call'() {
          const before = github.titles().length
          await first.open(silent, '?connection=other')
          await first.open({ ...silent, input: { title: 'Search is slow' } })
          for (const lambda of [first, second]) await lambda.open({ input: { title } })
          assert.equal(github.titles().length, before + 4)
        },
        async 'what was refused is not recorded: a repeat asks again'() {
          const refused = { ...event(title), input: { title, project: 'demo/missing-repo' } }
          const before = (await records()).length
          assert.equal((await first.open(refused)).status, 422)
          const asked = github.requests()
          assert.equal((await second.open(refused)).status, 422)
          assert.ok(github.requests() > asked)
          assert.equal((await records()).length, before)
        },
        async 'a secret that was rotated is seen as soon as the old one is not accepted'() {
          const rotated = 'a-new-token-of-github'
          github.accept(rotated)
          const early = await first.open(event('Login is slow'))
          assert.equal(early.status, 422, JSON.stringify(early.body))
          assert.match(early.body.detail, /Bad credentials.+Update the secret .+connections\/issue-ticketing\/default/)
          const value = JSON.stringify(connection({ token: rotated }))
          await secrets.send(new PutSecretValueCommand({ SecretId: `${connections}/default`, SecretString: value }))
          for (const lambda of [first, second]) {
            const answer = await lambda.open(event('Login is slow'))
            assert.equal(answer.status, 200, JSON.stringify(answer.body))
          }
        },
        async 'a connection that has no secret is not found, and the known ones are named'() {
          const { status, body } = await first.open(event(title), '?connection=nowhere')
          assert.equal(status, 404)
          assert.match(body.detail, /Unknown connection "nowhere" for issue-ticketing. Connections: (.+)\.$/)
          for (const name of ['broken', 'default', 'other']) assert.ok(body.detail.includes(name), body.detail)
        },
        async 'a secret that does not hold what it must is said to be so'() {
          const { status, body } = await first.open(event(title), '?connection=broken')
          assert.equal(status, 503)
          assert.match(body.detail, /The secret .+\/broken is not valid: .*token/)
        },
        async 'a caller with another token is not let in'() {
          assert.equal((await first.open(event(title), '', 'another-token')).status, 401)
        },
        async 'does not start a call without the table'() {
          const lambda = await startLambda(url, writes.url, { WEBHOOKS_STATE_TABLE: 'nowhere' })
          const before = github.requests()
          const { status, body } = await lambda.open(event(title))
          await lambda.end()
          assert.equal(status, 503)
          assert.match(body.detail, /state table is not available/)
          assert.equal(github.requests(), before)
        },
        ...taskTokens.tests,
        ...sageMakerChecks(url),
      },
    }
  },
}

/** The sandbox's simulated GitHub, with a token that can be exchanged. */
async function playGitHub() {
  const state = mkdtempSync(join(tmpdir(), 'webhooks-real-'))
  const sandbox = createSandbox({ state })
  let token = 'a-token-of-github'
  const github = {
    token,
    url: '',
    /** Milliseconds before each answer. */
    delay: 0,
    accept(other: string) {
      token = other
    },
    titles: () => sandbox.github.issues(github.url).map(({ title }) => title),
    requests: () => sandbox.requests('github').length,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      sandbox.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
  const server = createServer((request, response) => {
    // The sandbox knows one token: it stands for the one that is accepted now.
    if (request.headers.authorization === `Bearer ${token}`)
      request.headers.authorization = `Bearer ${demo.githubToken}`
    setTimeout(() => void sandbox.handle(request, response), github.delay)
  })
  github.url = `http://127.0.0.1:${await listen(server)}/sandbox/github`
  return github
}

/** The shipped bundle in a process with the environment of Lambda only. */
async function startLambda(endpoint: string, dynamodb: string, more: Record<string, string> = {}) {
  const child = fork(join(import.meta.dirname, 'serve.ts'), [bundle], {
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
      WEBHOOKS_STATE_TABLE: table,
      WEBHOOKS_TASK_FUNCTION: 'issue-ticketing-task:live',
      ...more,
    },
  })
  const exit = once(child, 'exit').then(([code]): never => {
    throw new Error(`The bundle's process ended with ${code}`)
  })
  exit.catch(() => undefined)
  return {
    async open(body: object, query = '', token = callerToken): Promise<Answer> {
      const parameters = [...new URLSearchParams(query)].map(([name, value]) => [name, [value]])
      child.send({
        httpMethod: 'POST',
        path: '/issue-ticketing/open-issue',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        multiValueQueryStringParameters: Object.fromEntries(parameters),
        requestContext: { domainName: 'webhooks.example.com', path: '/v1/issue-ticketing/open-issue' },
        body: JSON.stringify(body),
        isBase64Encoded: false,
      })
      const [{ statusCode, body: text }] = await Promise.race([once(child, 'message'), exit])
      return { status: statusCode, body: JSON.parse(text) }
    },
    async end() {
      child.kill()
      await exit.catch(() => undefined)
    },
  }
}
