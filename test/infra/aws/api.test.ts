import { describe, expect, it } from '@jest/globals'
import { categoryInfos as categories } from './category-infos.ts'
import { flat, synthesize, tenCategories } from './synthesize.ts'

const deployed = synthesize()
const api = deployed.one('AWS::ApiGateway::RestApi')
const stage = deployed.one('AWS::ApiGateway::Stage')

describe('the API', () => {
  const answers = deployed.properties('AWS::ApiGateway::GatewayResponse')

  it('is regional, has the stage v1, accepts only text and requires TLS 1.2', () => {
    expect(api.Properties).toMatchObject({
      EndpointConfiguration: { Types: ['REGIONAL'] },
      SecurityPolicy: 'SecurityPolicy_TLS13_1_2_2021_06',
    })
    expect(api.Properties.BinaryMediaTypes).toBeUndefined()
    expect(stage.Properties.StageName).toBe('v1')
  })

  it('names the path to call in the response to an unknown path', () => {
    const unknown = answers.find(({ ResponseType }) => ResponseType === 'MISSING_AUTHENTICATION_TOKEN')
    const { detail } = JSON.parse(unknown.ResponseTemplates['application/json'])
    expect(detail).toContain('Call POST /v1/<category>/<action>?mode=interactive, or without mode')
  })

  it('routes all methods and paths of a category to its webhook', () => {
    const methods = deployed.properties('AWS::ApiGateway::Method')
    expect(methods).toHaveLength(11)
    for (const { HttpMethod, Integration } of methods)
      expect({ HttpMethod, Type: Integration.Type }).toEqual({ HttpMethod: 'ANY', Type: 'AWS_PROXY' })
    const paths = deployed.all('AWS::ApiGateway::Resource').map(({ Properties }) => Properties.PathPart)
    expect(paths).toEqual([...tenCategories.flatMap(({ name }) => [name, '{proxy+}']), 'mcp'])
  })

  it('logs requests without query, headers, body and path, which may contain tokens', () => {
    const format = JSON.parse(stage.Properties.AccessLogSetting.Format)
    expect(Object.values(format).join()).not.toMatch(
      /\$context\.path|header|querystring|body|authorizer|identity\.user/i,
    )
    expect(format).toMatchObject({ requestId: '$context.requestId', status: '$context.status' })
    expect(stage.Properties.MethodSettings[0].DataTraceEnabled).toBe(false)
  })

  it('throttles all calls', () => {
    expect(stage.Properties.MethodSettings[0]).toMatchObject({ ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 })
  })

  it('throttles each public route separately', () => {
    const complete = synthesize({}, categories)
    const [all, ...routes] = complete.one('AWS::ApiGateway::Stage').Properties.MethodSettings
    expect(all).toMatchObject({ HttpMethod: '*', ResourcePath: '/*' })
    expect(routes.map(({ ResourcePath }: { ResourcePath: string }) => ResourcePath.replaceAll('~1', '/'))).toEqual(
      ['approvals', 'slack', 'mattermost', 'discord', 'telegram'].flatMap((route) => [
        `//notification/${route}`,
        `//notification/${route}/{proxy+}`,
      ]),
    )
    for (const route of routes)
      expect(route).toMatchObject({
        HttpMethod: 'ANY',
        ThrottlingRateLimit: 10,
        ThrottlingBurstLimit: 20,
        LoggingLevel: 'ERROR',
        DataTraceEnabled: false,
      })
    // Settings apply to resources that exist.
    const methods = complete.properties('AWS::ApiGateway::Method')
    // And that of agents.
    expect(methods).toHaveLength(categories.length + routes.length + 1)
    const paths = complete.all('AWS::ApiGateway::Resource').map(({ Properties }) => Properties.PathPart)
    expect(paths).toEqual(expect.arrayContaining(['approvals', 'slack', 'mattermost', 'discord', 'telegram']))
  })

  it('counts calls rejected with 429 in its access log', () => {
    const filters = deployed.properties('AWS::Logs::MetricFilter')
    const filter = filters.find(({ FilterPattern }) => FilterPattern === '{ $.status = "429" }')
    expect(flat(filter.LogGroupName)).toMatch(/^<ApiAccessLog/)
    const [{ MetricName, MetricNamespace }] = filter.MetricTransformations
    const alarms = deployed.properties('AWS::CloudWatch::Alarm')
    const alarm = alarms.find((candidate) => candidate.MetricName === MetricName)
    expect(alarm).toMatchObject({ Namespace: MetricNamespace, Statistic: 'Sum', Threshold: 0 })
  })

  it('returns its own errors as problem+json', () => {
    expect(Object.fromEntries(answers.map(({ ResponseType, StatusCode }) => [ResponseType, StatusCode]))).toEqual({
      MISSING_AUTHENTICATION_TOKEN: '404',
      ACCESS_DENIED: '403',
      WAF_FILTERED: '403',
      REQUEST_TOO_LARGE: '413',
      THROTTLED: '429',
      INTEGRATION_TIMEOUT: '504',
      DEFAULT_4XX: undefined,
      DEFAULT_5XX: undefined,
    })
    for (const { ResponseParameters, ResponseTemplates } of answers) {
      expect(ResponseParameters['gatewayresponse.header.Content-Type']).toBe("'application/problem+json'")
      expect(JSON.parse(ResponseTemplates['application/json'])).toMatchObject({
        type: 'about:blank',
        title: expect.any(String),
        detail: expect.any(String),
      })
    }
  })

  it('lists the categories for an unknown path', () => {
    const unknown = answers.find(({ ResponseType }) => ResponseType === 'MISSING_AUTHENTICATION_TOKEN')
    const { detail } = JSON.parse(unknown.ResponseTemplates['application/json'])
    for (const { name } of tenCategories) expect(detail).toContain(name)
  })
})
