import {
  AccessLogFormat,
  type CfnRestApi,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { FilterPattern, LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { CategoryFunction, CategoryInfo } from './category-function.ts'
import { CustomDomain } from './custom-domain.ts'
import { gatewayResponses } from './gateway-responses.ts'
import type { Settings } from './settings.ts'
import { Waf } from './waf.ts'

export interface ApiProps {
  settings: Settings
  categories: CategoryFunction[]
  /** The customer's key of the access log. */
  dataKey?: IKey | undefined
}

/** The version of the HTTP interface. */
const stageName = 'v1'

/** Settings of a method replace those of the stage, so they need these too. */
const methodLogging = {
  loggingLevel: MethodLoggingLevel.ERROR,
  // It would log bodies and tokens.
  dataTraceEnabled: false,
}

/** The REST API: each category's paths go to its webhook, which answers for everything below them. */
export class Api extends Construct {
  readonly api: RestApi
  /** `https://<host>`, to which `/v1/..` is added. */
  readonly origin: string
  /** Where it has a name of its own. */
  readonly domain: CustomDomain | undefined
  /** Counts the calls that API Gateway refused with 429. Its own metric `4XXError` counts every refused call. */
  readonly throttledCalls: Metric

  constructor(scope: Construct, id: string, { settings, categories, dataKey }: ApiProps) {
    super(scope, id)
    const { customDomain, publicThrottle } = settings
    const publicThrottling = {
      ...methodLogging,
      throttlingRateLimit: publicThrottle.rate,
      throttlingBurstLimit: publicThrottle.burst,
    }
    const log = new LogGroup(this, 'AccessLog', {
      retention: settings.logRetentionDays satisfies RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(dataKey ? { encryptionKey: dataKey } : {}),
    })
    this.api = new RestApi(this, 'Rest', {
      restApiName: settings.stackName,
      description: 'Webhooks of Cloud Automation (Keptn) task sequences',
      endpointTypes: [EndpointType.REGIONAL],
      disableExecuteApiEndpoint: customDomain?.only ?? false,
      cloudWatchRole: settings.apiGatewayLogRole,
      ...(settings.allowedCidrs ? { policy: onlyFrom(settings.allowedCidrs) } : {}),
      deployOptions: {
        stageName,
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat,
        ...methodLogging,
        throttlingRateLimit: settings.throttle.rate,
        throttlingBurstLimit: settings.throttle.burst,
        methodOptions: Object.fromEntries(
          categories.flatMap(({ category }) =>
            publicRoutesOf(category).flatMap((route) =>
              ['', '/{proxy+}'].map((rest) => [`/${category.name}/${route}${rest}/ANY`, publicThrottling]),
            ),
          ),
        ),
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
    // The stack has outputs of its own.
    this.api.node.tryRemoveChild('Endpoint')
    requireTls12(this.api)
    for (const { category, webhook } of categories) {
      const integration = new LambdaIntegration(webhook.fn, { allowTestInvoke: false })
      const root = this.api.root.addResource(category.name)
      root.addResource('{proxy+}').addMethod('ANY', integration)
      // Each public route is a resource, so that it has its own throttle: strangers must not use up that of the callers.
      for (const route of publicRoutesOf(category)) {
        const resource = root.addResource(route)
        resource.addMethod('ANY', integration)
        resource.addResource('{proxy+}').addMethod('ANY', integration)
      }
    }
    for (const response of gatewayResponses(categories.map(({ category }) => category.name)))
      this.api.addGatewayResponse(response.type.responseType, response)
    if (settings.waf)
      new Waf(this, 'Waf', { stageArn: this.api.deploymentStage.stageArn, rateLimit: settings.wafRateLimit })
    const { restApiId, stack } = this.api
    this.domain =
      customDomain && new CustomDomain(this, 'Domain', { settings: customDomain, api: this.api, basePath: stageName })
    this.origin = `https://${customDomain?.name ?? `${restApiId}.execute-api.${stack.region}.${stack.urlSuffix}`}`
    acknowledge(this.api, settings)
  }

  /** Where a category is called. */
  urlOf(category: string): string {
    return `${this.origin}/${stageName}/${category}`
  }
}

/** The paths of a category that answer without a token of a caller: pages and buttons of approvals. */
function publicRoutesOf({ routes: doors = {} }: CategoryInfo): string[] {
  return Object.keys(doors)
}

/**
 * One line a request: no query, since it may carry the event; no headers, since they carry the token; and the resource
 * instead of the path, since the path of an approval is its key. The function's own log has the rest, by its request id.
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

/** Who may call at all; the token is still asked for. */
function onlyFrom(cidrs: string[]): PolicyDocument {
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

/** API Gateway's own host takes TLS 1.0 unless told otherwise. */
function requireTls12(api: RestApi): void {
  const rest = api.node.defaultChild as CfnRestApi
  rest.securityPolicy = 'SecurityPolicy_TLS13_1_2_2021_06'
  // STRICT would also turn callers away that come through a proxy with another name.
  rest.endpointAccessMode = 'BASIC'
}

function acknowledge(api: RestApi, settings: Settings): void {
  const validations = Validations.of(api)
  validations.acknowledge({
    id: 'AwsSolutions-APIG2',
    reason:
      'The webhook validates: bodies are JSON or forms, may arrive mangled, and an answer names all that is wrong with one, which a request validator can not.',
  })
  validations.acknowledge({
    id: 'AwsSolutions-APIG4',
    reason: 'The webhook authenticates each call by its token, compared with hashes in constant time.',
  })
  validations.acknowledge({
    id: 'AwsSolutions-COG4',
    reason: 'The callers are machines with tokens of their own, not the users of a pool.',
  })
  if (!settings.waf) {
    validations.acknowledge({
      id: 'AwsSolutions-APIG3',
      reason: 'The web ACL is a setting (waf), since it costs more each month than a small deployment altogether.',
    })
  }
  if (settings.apiGatewayLogRole) {
    validations.acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason:
        "It is the account's one role for API Gateway's logs, shared with every other API of the region; API Gateway checks it against this very policy.",
    })
  }
}
