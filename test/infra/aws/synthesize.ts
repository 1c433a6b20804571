import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Template } from 'aws-cdk-lib/assertions'
import { App } from 'aws-cdk-lib/core'
import type { CategoryInfo } from '../../../infra/aws/category-info.ts'
import { readSettings } from '../../../infra/aws/settings.ts'
import { WebhooksStack } from '../../../infra/aws/stack.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

export const root = join(import.meta.dirname, '../../..')
const cdkJson = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> }
const { webhooks, ...flags } = cdkJson.context
/** The feature flags of CDK in cdk.json. */
export const shippedFlags: Readonly<Record<string, unknown>> = flags
/** The settings in cdk.json, without the feature flags. */
export const shipped = webhooks as { categories: Record<string, boolean> }

const appConfig = 'arn:aws:appconfig:eu-west-1:123456789012'

/** Valid settings for each provider for an AWS service. */
export const awsProviders: Readonly<Record<string, string[]>> = {
  'aws-appconfig': [
    `${appConfig}:application/339ohji/environment/54j1r29`,
    `${appConfig}:application/339ohji/configurationprofile/ur8hx2f`,
    `${appConfig}:deploymentstrategy/AppConfig.AllAtOnce`,
  ],
  'aws-opscenter': ['arn:aws:ssm:eu-west-1:123456789012:opsitem/*'],
  'aws-ssm-automation': [
    'arn:aws:ssm:eu-west-1:123456789012:document/Restart-Checkout',
    'arn:aws:ssm:eu-west-1::document/AWS-RestartEC2Instance',
    'arn:aws:iam::123456789012:role/runbooks',
  ],
  'aws-codebuild': [
    'arn:aws:codebuild:eu-west-1:123456789012:project/shop-build',
    'arn:aws:codebuild:eu-west-1:123456789012:report-group/shop-build-unit',
  ],
  'aws-codepipeline': ['arn:aws:codepipeline:eu-west-1:123456789012:shop-delivery'],
  'aws-dlt': ['arn:aws:execute-api:eu-west-1:123456789012:abcde12345/prod'],
  'aws-step-functions': ['arn:aws:states:eu-west-1:123456789012:stateMachine:tune-checkout'],
  'step-functions': ['arn:aws:states:eu-west-1:123456789012:stateMachine:release'],
  'aws-fis': ['arn:aws:fis:eu-west-1:123456789012:experiment-template/EXT1a2b3c4d5e6f7'],
  'aws-sagemaker': [
    'arn:aws:sagemaker:eu-west-1:123456789012:pipeline/churn-model',
    'arn:aws:sagemaker:eu-west-1:123456789012:training-job/churn-*',
    'arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/churn-*',
    'arn:aws:iam::123456789012:role/trainings',
  ],
  'aws-ses': ['arn:aws:ses:eu-west-1:123456789012:identity/example.com'],
  'aws-sns': ['arn:aws:sns:eu-west-1:123456789012:deploys'],
  'aws-cloudwatch': ['CloudAutomation/SLO'],
  'aws-eventbridge': ['arn:aws:events:eu-west-1:123456789012:event-bus/default'],
  'aws-application-signals': ['arn:aws:application-signals:eu-west-1:123456789012:slo/checkout-latency'],
}

/** Ten simple categories, each with all providers for AWS services. */
export const tenCategories: CategoryInfo[] = [
  'chaos-testing',
  'ci-cd',
  'optimization',
  'feature-flags',
  'incident-management',
  'issue-ticketing',
  'load-testing',
  'notification',
  'slo',
  'remediation',
].map((name) => ({
  name,
  summary: `Handles ${name}`,
  actions: { 'do-it': {} },
  providers: ['acme', ...Object.keys(awsProviders)],
  hasRunsInTask: false,
  notifiedBy: ['github', 'eventbridge'],
  publicRoutes: [],
}))

/** The same, with the action that asks people. */
export const withApprovals: CategoryInfo[] = tenCategories.map((category) =>
  category.name === 'notification' ? { ...category, actions: { 'ask-approval': { needs: ['approvals'] } } } : category,
)

const scratch = temporaryFolder()

/** Writes a file, and returns its path for a setting. */
export function yamlFile(name: string, yaml: string): string {
  const file = join(scratch, `${name}.yaml`)
  writeFileSync(file, yaml)
  return file
}

/** The path of a policy whose rule lets one action run at a time. */
/** The only action of the categories of tests. */
export const alertRules = yamlFile(
  'alert-rules',
  'sources: { alerts: { type: http } }\nrules: [{ name: run, source: alerts, call: ci-cd/do-it }]\n',
)

export const oneAtATime = yamlFile(
  'one-at-a-time',
  'rules: [{ name: one at a time, when: { actions: [ci-cd/*] }, oneAtATime: { per: "{connection}" } }]\n',
)

/** All settings that exclude nothing. */
export const allSettings = {
  events: yamlFile(
    'everything',
    `sources: { aws: { type: eventbridge, wakes: [ci-cd/default], patterns: [{ source: [aws.health] }] }, alerts: { type: http } }
rules: [{ name: run, source: alerts, call: ci-cd/do-it }]
`,
  ),
  auditEvents: true,
  tracing: true,
  waf: true,
  alarmEmail: 'ops@example.org',
  allowedCidrs: ['192.0.2.0/24'],
  deadline: 'PT2H',
  secretsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  dataKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  reservedConcurrency: { webhook: 5, task: 5 },
  terminationProtection: true,
  apiGatewayLogRole: false,
  redeliver: { orchestrators: ['github'] },
  rollout: 'gradual',
  verify: { categories: ['ci-cd'] },
  customDomain: {
    name: 'webhooks.example.org',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab',
    hostedZone: { id: 'Z0123456789ABC', name: 'example.org' },
    only: true,
  },
  vpc: { subnetIds: ['subnet-0123abcd'], securityGroupIds: ['sg-0123abcd'] },
  awsProviders: { ...awsProviders, assumeRoles: ['arn:aws:iam::210987654321:role/webhooks'] },
}

/** Creates a folder with empty bundles. */
export function emptyBundles(categories: readonly { name: string }[]): string {
  const bundles = join(scratch, 'bundles')
  const files = categories.flatMap(({ name }) => [`${name}/webhook`, `${name}/task`])
  const others = ['dispatch', 'events', 'finisher', 'mcp', 'policy', 'redeliver', 'stops', 'verify'].map(
    (name) => `${name}/${name}`,
  )
  for (const file of [...files, ...others]) {
    mkdirSync(join(bundles, file, '..'), { recursive: true })
    writeFileSync(join(bundles, `${file}.js`), `// ${file}`)
  }
  return bundles
}

export interface Resource {
  id: string
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template is any JSON.
  Properties: any
  DependsOn?: string[]
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
}

export interface Synthesized {
  template: Template
  /** The resources of a type, with their logical ids. */
  all(type: string): Resource[]
  /** The properties of the resources of a type. */
  properties(type: string): Resource['Properties'][]
  /** Returns the only resource of a type. */
  one(type: string): Resource
}

/**
 * Creates the stack without synthesizing it.
 *
 * @param settings the object `webhooks` in cdk.json
 * @param validates whether synthesis validates the template, which takes ten times as long
 * @param featureFlags of CDK; defaults to those in cdk.json
 */
export function build(
  settings: object = {},
  categories: readonly CategoryInfo[] = tenCategories,
  validates = false,
  featureFlags: object = flags,
) {
  const outdir = mkdtempSync(join(scratch, 'cdk.out-'))
  // No test reads the tree of constructs, the copies of the bundles, or where constructs were created.
  const context = { ...featureFlags, 'aws:cdk:disable-asset-staging': true }
  const without = { treeMetadata: false, stackTraces: false }
  const app = new App({ context, outdir, builtinCloudFormationValidation: validates, ...without })
  const names = categories.map(({ name }) => name)
  const bundles = emptyBundles(categories)
  const stack = new WebhooksStack(app, 'Webhooks', { settings: readSettings(settings, names), categories, bundles })
  return { app, stack }
}

const synthesized = new Map<readonly CategoryInfo[], Map<string, Synthesized>>()

/** Synthesizes the stack, once for equal settings. */
export function synthesize(settings: object = {}, categories: readonly CategoryInfo[] = tenCategories): Synthesized {
  const ofCategories = synthesized.get(categories) ?? new Map<string, Synthesized>()
  synthesized.set(categories, ofCategories)
  const key = JSON.stringify(settings)
  const result = ofCategories.get(key) ?? synthesizeStack(settings, categories)
  ofCategories.set(key, result)
  return result
}

function synthesizeStack(settings: object, categories: readonly CategoryInfo[]): Synthesized {
  const template = Template.fromStack(build(settings, categories).stack)
  const resources = Object.entries(template.toJSON()['Resources'] as Record<string, Omit<Resource, 'id'>>)
  const all = (type: string) =>
    resources.filter(([, { Type }]) => Type === type).map(([id, resource]) => ({ id, ...resource }))
  return {
    template,
    all,
    properties: (type) => all(type).map(({ Properties }) => Properties),
    one(type) {
      const [found, ...others] = all(type)
      if (!found || others.length > 0) throw new Error(`Expected exactly one ${type}`)
      return found
    },
  }
}

/** Returns a value of a template as one line, with unresolved values in angle brackets. */
export function flat(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if ('Ref' in value) return `<${value.Ref}>`
  if ('Fn::GetAtt' in value) return `<${(value['Fn::GetAtt'] as string[]).join('.')}>`
  if ('Fn::Join' in value) {
    const [separator, parts] = value['Fn::Join'] as [string, unknown[]]
    return parts.map(flat).join(separator)
  }
  return JSON.stringify(value)
}

interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
  Condition?: Record<string, Record<string, string | string[]>>
}

/** Returns the function of an entry point: `webhook` or `task` of a category, `dispatch`, `events`, `finisher`, `mcp` or `stops`. */
export function functionOf({ all }: Synthesized, entry: string, category: string): Resource {
  const constructs: Record<string, string> = {
    dispatch: 'alerts',
    events: 'events',
    finisher: 'finisher',
    mcp: 'agents',
    stops: 'stops',
  }
  const name = constructs[entry] ?? category
  const id = name.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase())
  const found = all('AWS::Lambda::Function').find(
    (fn) => fn.Properties.Handler === `${entry}.handler` && fn.id.startsWith(id),
  )
  if (!found) throw new Error(`No function for ${entry} of ${category}`)
  return found
}

/** Returns the statements of all policies of a function's role. */
export function statementsOf({ all }: Synthesized, fn: Resource): Statement[] {
  const role = fn.Properties.Role['Fn::GetAtt'][0]
  return [...all('AWS::IAM::Policy'), ...all('AWS::IAM::ManagedPolicy')]
    .filter((policy) => isAttached(policy, role))
    .flatMap(({ Properties }): Statement[] => Properties.PolicyDocument.Statement)
}

/** Whether a policy belongs to a role. */
export function isAttached({ Properties }: Resource, role: string): boolean {
  return Properties.Roles?.some((attached: { Ref: string }) => attached.Ref === role) ?? false
}

/** Returns the permissions of a function's role: action -> resources. */
export function permissionsOf(deployed: Synthesized, fn: Resource): Map<string, string[]> {
  const permissions = new Map<string, string[]>()
  for (const { Action, Resource } of statementsOf(deployed, fn)) {
    for (const action of [Action].flat())
      permissions.set(action, [...(permissions.get(action) ?? []), ...[Resource].flat().map(flat)])
  }
  return permissions
}
