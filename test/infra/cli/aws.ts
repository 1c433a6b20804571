import { afterAll } from '@jest/globals'
import { errorResponse } from '../../../infra/local/cloud/http.ts'
import { handleSecrets, isSecretsCall } from '../../../infra/local/cloud/secrets-api.ts'
import { ok, type Reply, serve } from '../../../infra/testing/loopback-server.ts'
import { noAws } from './webhooks.ts'

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

/** State of the fake AWS of a test file. */
interface State {
  /** Secret strings by name. */
  secrets: Map<string, string>
  /** The descriptions with which secrets were created, by name. */
  descriptions: Map<string, string>
  /** Called operations of Secrets Manager. */
  operations: string[]
  /** Error that each call returns. */
  error: { type: string; message: string } | undefined
  /** Concurrency limit of the account. */
  concurrency: number
  /** The functions of the stack CloudAutomationWebhooks. */
  functions: DeployedFunction[]
  alarms: { AlarmName: string; StateValue: string; ActionsEnabled: boolean }[]
}

const emptyState = (): State => ({
  secrets: new Map(),
  descriptions: new Map(),
  operations: [],
  error: undefined,
  concurrency: 1_000,
  functions: [],
  alarms: [],
})

/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::123456789012:user/Jane</Arn>
    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>`

const server = await serve(({ path, headers, text }): Reply => {
  const target = headers['x-amz-target']?.toString()
  if (aws.error) {
    const { type, message } = aws.error
    return { status: 400, body: isSecretsCall(target) ? { __type: type, message } : errorXml(type, message) }
  }
  if (isSecretsCall(target)) {
    aws.operations.push(target.replace('secretsmanager.', ''))
    const { Name, Description } = JSON.parse(text)
    if (Description) aws.descriptions.set(Name, Description)
    return secretsResponse(target, text)
  }
  if (path.startsWith('/2016-08-19/account-settings'))
    return ok({ AccountLimit: { ConcurrentExecutions: aws.concurrency } })
  if (target === 'Logs_20140328.FilterLogEvents') return ok({ events: [] })
  if (target === 'GraniteServiceVersion20100801.DescribeAlarms') return ok({ MetricAlarms: aws.alarms })
  if (/^\/20..-..-..\/(?:functions|tags)/.test(path)) return ok(answerAsLambda(aws.functions, path))
  return { status: 200, body: identity, headers: { 'content-type': 'text/xml' } }
})
afterAll(() => server.close())

const PREFIX = 'cloud-automation-webhooks'

/** Fakes the AWS APIs that commands call: Secrets Manager, STS, and a part of Lambda and CloudWatch. Its logs are empty. */
export const aws = {
  ...emptyState(),
  url: server.url,
  /** Environment variables that redirect the SDK. */
  env: {
    ...noAws,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'a-secret-access-key-for-tests',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: server.url,
    AWS_ENDPOINT_URL_STS: server.url,
    AWS_ENDPOINT_URL_LAMBDA: server.url,
    AWS_ENDPOINT_URL_CLOUDWATCH: server.url,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: server.url,
  },
  /** Stores a secret below the prefix. */
  store: (name: string, value: unknown) => void aws.secrets.set(`${PREFIX}/${name}`, JSON.stringify(value)),
  /** Returns a secret below the prefix; null if it does not exist. */
  stored: (name: string) => JSON.parse(aws.secrets.get(`${PREFIX}/${name}`) ?? 'null'),
  reset: () => void Object.assign(aws, emptyState()),
}

function secretsResponse(target: string, text: string): Reply {
  const source = {
    secret: (name: string) => aws.secrets.get(name),
    secretNames: () => [...aws.secrets.keys()],
    putSecret: (name: string, value: string) => void aws.secrets.set(name, value),
  }
  try {
    return { body: {}, ...handleSecrets(source, target, Buffer.from(text)) }
  } catch (error) {
    return errorResponse(error)
  }
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
