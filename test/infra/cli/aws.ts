import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorResponse, readLimited, sendResponse } from '../../../infra/local/cloud/http.ts'
import { handleSecrets, isSecretsCall } from '../../../infra/local/cloud/secrets-api.ts'

/** A function of a deployed stack. */
export interface DeployedFunction {
  logicalId: string
  isDurable: boolean
  /** Numbers of the published versions. */
  versions: number[]
  /** The version of the alias `live`. */
  live?: number
  reserved?: number
}

/** Fakes the AWS APIs that commands call: Secrets Manager, STS, and a part of Lambda and CloudWatch. */
export interface TestAws {
  url: string
  /** Concurrency limit of the account. */
  concurrency: number
  /** The functions of the stack CloudAutomationWebhooks. */
  functions: DeployedFunction[]
  alarms: { AlarmName: string; StateValue: string; ActionsEnabled: boolean }[]
  /** Secret strings by name. */
  secrets: Map<string, string>
  /** Called operations of Secrets Manager. */
  operations: string[]
  /** Error that each call returns. */
  error: { type: string; message: string } | undefined
  /** Environment variables that redirect the SDK. */
  env: Record<string, string>
  close(): Promise<void>
}

export const noAws = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::123456789012:user/Jane</Arn>
    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`

export async function startAws(): Promise<TestAws> {
  const secrets = new Map<string, string>()
  const server = createServer(async (req, res) => {
    const target = req.headers['x-amz-target']?.toString()
    const body = (await readLimited(req, 1024 * 1024)) ?? Buffer.alloc(0)
    if (aws.error) {
      const { type, message } = aws.error
      res.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
      res.end(isSecretsCall(target) ? JSON.stringify({ __type: type, message }) : errorXml(type, message))
    } else if (isSecretsCall(target)) {
      aws.operations.push(target.replace('secretsmanager.', ''))
      sendResponse(res, secretsResponse(target, body))
    } else if (req.url?.startsWith('/2016-08-19/account-settings')) {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ AccountLimit: { ConcurrentExecutions: aws.concurrency } }))
    } else if (req.headers['x-amz-target'] === 'GraniteServiceVersion20100801.DescribeAlarms') {
      res.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
      res.end(JSON.stringify({ MetricAlarms: aws.alarms }))
    } else if (/^\/20..-..-..\/(?:functions|tags)/.test(req.url ?? '')) {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify(answerAsLambda(aws.functions, decodeURIComponent(req.url ?? ''))))
    } else {
      res.writeHead(200, { 'content-type': 'text/xml' })
      res.end(identity)
    }
  })

  function secretsResponse(target: string, body: Buffer) {
    try {
      const source = {
        secret: (name: string) => secrets.get(name),
        secretNames: () => [...secrets.keys()],
        putSecret: (name: string, value: string) => void secrets.set(name, value),
      }
      return handleSecrets(source, target, body)
    } catch (error) {
      return errorResponse(error)
    }
  }

  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const aws: TestAws = {
    url,
    concurrency: 1_000,
    functions: [],
    alarms: [],
    secrets,
    operations: [],
    error: undefined,
    env: {
      ...noAws,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'a-secret-access-key-for-tests',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_ENDPOINT_URL_CLOUDWATCH: url,
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return aws
}

function answerAsLambda(functions: DeployedFunction[], path: string): object {
  const prefix = 'arn:aws:lambda:eu-west-1:123456789012:function:'
  const [, id = ''] = new RegExp(`${prefix}(\\w+)`).exec(path) ?? []
  const fn = functions.find(({ logicalId }) => logicalId === id)
  if (path.includes('/tags/'))
    return {
      Tags: { 'aws:cloudformation:stack-name': 'CloudAutomationWebhooks', 'aws:cloudformation:logical-id': id },
    }
  if (path.endsWith('/concurrency')) return { ReservedConcurrentExecutions: fn?.reserved }
  if (path.includes('/aliases'))
    return { Aliases: fn?.live ? [{ Name: 'live', FunctionVersion: String(fn.live) }] : [] }
  if (path.includes('/versions'))
    return { Versions: ['$LATEST', ...(fn?.versions ?? [])].map((one) => ({ Version: String(one) })) }
  return {
    Functions: functions.map(({ logicalId, isDurable }) => ({
      FunctionArn: `${prefix}${logicalId}`,
      ...(isDurable
        ? { DurableConfig: { ExecutionTimeout: 1 } }
        : { Environment: { Variables: { WEBHOOKS_TASK_FUNCTION: 'task:live' } } }),
    })),
  }
}

function errorXml(type: string, message: string): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${type}</Code><Message>${message}</Message></Error><RequestId>01234567</RequestId></ErrorResponse>`
}
