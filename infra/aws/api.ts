import {
  AccessLogFormat,
  type CfnRestApi,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  RequestAuthorizer,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { FilterPattern, LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { METADATA_PATH } from '../../shared/agents/challenge.ts'
import type { CategoryFunction } from './category-function.ts'
import { CustomDomain } from './custom-domain.ts'
import { gatewayResponses } from './gateway-responses.ts'
import type { Settings } from './settings.ts'
import { Waf } from './waf.ts'

export interface ApiProps {
  settings: Settings
  categories: CategoryFunction[]
  /** Receives the notifications of sources, if there are any. */
  receiver: { fn: IFunction; methods: readonly string[] } | undefined
  /** Receives the calls of agents, unless the settings exclude it. */
  agents: IFunction | undefined
  /** Customer-managed key of the access log. */
  dataKey?: IKey | undefined
}

/** Version of the HTTP API. */
const STAGE_NAME = 'v1'

/** The resources of notifications. */
const EVENTS_PATH = ['events', '{source}'] as const

/** Method settings replace the settings of the stage, so both need these. */
const methodLogging = {
  loggingLevel: MethodLoggingLevel.ERROR,
  // Would log bodies and tokens.
  dataTraceEnabled: false,
}

function throttling({ rate, burst }: Settings['throttle']) {
  return { ...methodLogging, throttlingRateLimit: rate, throttlingBurstLimit: burst }
}

/** The REST API. All paths of a category go to its webhook. */
export class Api extends Construct {
  readonly api: RestApi
  /** `https://<host>`, without `/v1`. */
  readonly origin: string
  readonly domain: CustomDomain | undefined
  /** Counts calls rejected with 429. The API Gateway metric `4XXError` counts all 4xx responses. */
  readonly throttledCalls: Metric

  constructor(scope: Construct, id: string, { settings, categories, receiver, agents, dataKey }: ApiProps) {
    super(scope, id)
    const { customDomain, publicThrottle, eventsThrottle } = settings
    const publicThrottling = throttling(publicThrottle)
    const log = new LogGroup(this, 'AccessLog', {
      retention: settings.logRetentionDays satisfies RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(dataKey ? { encryptionKey: dataKey } : {}),
    })
    this.api = new RestApi(this, 'Rest', {
      restApiName: settings.stackName,
      description: 'Webhooks for agents, pipelines, alerts and Keptn',
      endpointTypes: [EndpointType.REGIONAL],
      disableExecuteApiEndpoint: customDomain?.only ?? false,
      cloudWatchRole: settings.apiGatewayLogRole,
      ...(settings.allowedCidrs ? { policy: allowOnlyFrom(settings.allowedCidrs) } : {}),
      deployOptions: {
        stageName: STAGE_NAME,
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat,
        ...methodLogging,
        throttlingRateLimit: settings.throttle.rate,
        throttlingBurstLimit: settings.throttle.burst,
        methodOptions: Object.fromEntries([
          ...categories.flatMap(({ category }) =>
            category.publicRoutes.flatMap((route) =>
              ['', '/{proxy+}'].map((rest) => [`/${category.name}/${route}${rest}/ANY`, publicThrottling] as const),
            ),
          ),
          ...(receiver?.methods ?? []).map(
            (method) => [`/${EVENTS_PATH.join('/')}/${method}`, throttling(eventsThrottle)] as const,
          ),
          ...(agents && customDomain ? [[`${METADATA_PATH}/GET`, publicThrottling] as const] : []),
        ]),
        tracingEnabled: settings.tracing,
      },
    })
    this.throttledCalls = log
      .addMetricFilter('Throttled', {
        filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
        metricNamespace: settings.stackName,
        metricName: 'ThrottledCalls',
      })
      .metric({ statistic: 'Sum', period: Duration.minutes(5) })
    // The stack defines its own outputs.
    this.api.node.tryRemoveChild('Endpoint')
    requireTls12(this.api)
    for (const category of categories) addPaths(this.api, category)
    if (receiver) {
      const integration = new LambdaIntegration(receiver.fn, { allowTestInvoke: false })
      const source = this.api.root.addResource(EVENTS_PATH[0]).addResource(EVENTS_PATH[1])
      for (const method of receiver.methods) source.addMethod(method, integration)
    }
    if (agents) addAgents(this.api, agents, customDomain !== undefined)
    const names = categories.map(({ category }) => category.name)
    for (const response of gatewayResponses(names, agents && customDomain?.name))
      this.api.addGatewayResponse(response.type.responseType, response)
    if (settings.waf)
      new Waf(this, 'Waf', { stageArn: this.api.deploymentStage.stageArn, rateLimit: settings.wafRateLimit })
    const { restApiId, stack } = this.api
    const basePaths = agents ? [STAGE_NAME, '.well-known'] : [STAGE_NAME]
    this.domain = customDomain && new CustomDomain(this, 'Domain', { settings: customDomain, api: this.api, basePaths })
    this.origin = `https://${customDomain?.name ?? `${restApiId}.execute-api.${stack.region}.${stack.urlSuffix}`}`
    acknowledge(this.api, settings)
  }

  urlOf(category: string): string {
    return `${this.origin}/${STAGE_NAME}/${category}`
  }
}

/** Adds the paths of a category. All of them go to its webhook. */
function addPaths({ root }: RestApi, { category, webhook }: CategoryFunction): void {
  const integration = new LambdaIntegration(webhook.live, { allowTestInvoke: false })
  const paths = root.addResource(category.name)
  paths.addResource('{proxy+}').addMethod('ANY', integration)
  // Each public route is a resource with its own throttle, so that unknown clients cannot exhaust that of the callers there.
  // On the other routes they can: only the webhook knows which token is valid.
  for (const route of category.publicRoutes) {
    const resource = paths.addResource(route)
    resource.addMethod('ANY', integration)
    resource.addResource('{proxy+}').addMethod('ANY', integration)
  }
}

/** Adds the endpoint for agents, and at a custom domain where they sign in. */
function addAgents({ root }: RestApi, fn: IFunction, hasAgentSignIn: boolean): void {
  const integration = new LambdaIntegration(fn, { allowTestInvoke: false })
  // ANY, so that the function answers clients that ask for a stream or end a session.
  const mcp = root.addResource('mcp')
  if (!hasAgentSignIn) return void mcp.addMethod('ANY', integration)
  const authorizer = new RequestAuthorizer(root, 'AgentChallenge', {
    handler: fn,
    identitySources: [],
    resultsCacheTtl: Duration.seconds(0),
  })
  mcp.addMethod('ANY', integration, { authorizer })
  root.resourceForPath(METADATA_PATH).addMethod('GET', integration)
}

/**
 * One line per request. Omits the query (it may contain the event), the headers (they contain the token) and the path (in
 * approvals, it is the key). The log of the function has the rest under its request id.
 */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    time: '$context.requestTime',
    requestId: '$context.requestId',
    functionRequestId: '$context.integration.requestId',
    ip: '$context.identity.sourceIp',
    method: '$context.httpMethod',
    resource: '$context.resourcePath',
    status: '$context.status',
    error: '$context.error.responseType',
    ms: '$context.responseLatency',
    functionMs: '$context.integration.latency',
    bytes: '$context.responseLength',
    tls: '$context.tlsVersion',
  }),
)

/** Denies calls from other addresses. Allowed callers still need a token. */
function allowOnlyFrom(cidrs: string[]): PolicyDocument {
  const call = { principals: [new AnyPrincipal()], actions: ['execute-api:Invoke'], resources: ['execute-api:/*'] }
  return new PolicyDocument({
    statements: [
      new PolicyStatement(call),
      new PolicyStatement({
        ...call,
        effect: Effect.DENY,
        conditions: { NotIpAddress: { 'aws:SourceIp': cidrs } },
      }),
    ],
  })
}

/** The default host of API Gateway accepts TLS 1.0 unless configured. */
function requireTls12(api: RestApi): void {
  const rest = api.node.defaultChild as CfnRestApi
  rest.securityPolicy = 'SecurityPolicy_TLS13_1_2_2021_06'
  // STRICT would also reject callers behind a proxy with another host name.
  rest.endpointAccessMode = 'BASIC'
}

function acknowledge(api: RestApi, settings: Settings): void {
  const validations = Validations.of(api)
  validations.acknowledge({
    id: 'AwsSolutions-APIG2',
    reason:
      'The webhook validates bodies: they are JSON or forms, may arrive with broken encoding, and the response lists all errors. A request validator cannot do this.',
  })
  validations.acknowledge({
    id: 'AwsSolutions-APIG4',
    reason: 'The webhook authenticates each call by its token, which it compares with hashes in constant time.',
  })
  validations.acknowledge({
    id: 'AwsSolutions-COG4',
    reason: 'The callers are services with their own tokens, not users of a Cognito pool.',
  })
  if (!settings.waf) {
    validations.acknowledge({
      id: 'AwsSolutions-APIG3',
      reason: 'The web ACL is optional (setting waf): it costs more per month than a small deployment.',
    })
  }
  if (settings.apiGatewayLogRole) {
    validations.acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason:
        'All APIs of the account and region share one role for logs, and API Gateway requires this managed policy.',
    })
  }
}
