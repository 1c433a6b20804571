import * as z from 'zod'
import { type AwsPermissions, ROLE_ARN } from '../../shared/aws/permissions.ts'
import { unknownField, unknownName } from '../../shared/validate.ts'
import { awsPermissions, checkArns } from './aws-permissions.ts'
import { checkApprovalAlarm, checkDeadline, count, isCidr, must, object } from './setting-fields.ts'

/** The values that CloudWatch Logs accepts. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653,
]

const flag = (byDefault: boolean) => z.boolean({ error: must('be true or false') }).default(byDefault)
const memoryMb = z
  .int({ error: must('be an integer of MB from 128 to 10240') })
  .min(128, { error: must('be at least 128 (MB)') })
  .max(10_240, { error: must('be at most 10240 (MB)') })
const listOf = (item: string, pattern: RegExp) =>
  z
    .array(z.string().regex(pattern, { error: must(`be ${item}`) }), { error: must(`be a list, each ${item}`) })
    .min(1, { error: () => `must list at least one: ${item}` })

const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/

const ORCHESTRATOR = /^[a-z0-9][a-z0-9_-]{0,62}$/

const keyArn = z.string().regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, {
  error: must('be the ARN of a KMS key: arn:aws:kms:<region>:<account>:key/<id>'),
})

const fields = {
  /** Must be unique in the account and region. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, {
      error: must('be up to 100 letters, digits and dashes, starting with a letter'),
    })
    .default('CloudAutomationWebhooks'),
  /** Start of the name of every secret. */
  secretPrefix: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_+=.@-]*(\/[A-Za-z0-9_+=.@-]+)*$/, {
      error: must('be letters, digits and _+=.@-, separated by single slashes, such as acme/webhooks'),
    })
    .max(200, { error: () => 'must have at most 200 characters' })
    .default('cloud-automation-webhooks'),
  /** `false` excludes a category from the deployment. */
  categories: z.record(z.string(), z.boolean({ error: must('be true or false') })).default({}),
  // The cheapest: calls mostly wait, and cost their memory. docs/bench.md has cold starts by memory.
  memory: object({ webhook: memoryMb.default(256), task: memoryMb.default(512) }).prefault({}),
  /** Default deadline of interactive calls. Defaults to the default of each action. */
  deadline: z
    .string({ error: must('be an ISO 8601 duration such as PT30M, PT2H or P1D') })
    .superRefine(checkDeadline)
    .optional(),
  logRetentionDays: z
    .literal(RETENTION_DAYS, { error: must(`be one of ${RETENTION_DAYS.join(', ')} (the values of CloudWatch Logs)`) })
    .default(90),
  logLevel: z
    .enum(['DEBUG', 'INFO', 'WARN', 'ERROR'], { error: must('be DEBUG, INFO, WARN or ERROR') })
    .default('INFO'),
  /** Requests per second and burst. API Gateway applies them to each method, so to each category. */
  throttle: object({ rate: count(10_000).default(50), burst: count(5_000).default(100) }).prefault({}),
  /** The same for each route without a token: pages and buttons of approvals. */
  publicThrottle: object({ rate: count(10_000).default(10), burst: count(5_000).default(20) }).prefault({}),
  /** The same for notifications. Those of many runs come at once. */
  eventsThrottle: object({ rate: count(10_000).default(200), burst: count(5_000).default(400) }).prefault({}),
  /** File that declares the sources, relative to `cdk.json`. Without it, there are none. */
  events: z
    .string({ error: must('be the path of a file, such as events.yaml') })
    .min(1, { error: () => 'must be the path of a file, such as events.yaml' })
    .optional(),
  /** File with the rules that restrict calls, relative to `cdk.json`. Without it, there are none. */
  policy: z
    .string({ error: must('be the path of a file, such as policy.yaml') })
    .min(1, { error: () => 'must be the path of a file, such as policy.yaml' })
    .optional(),
  /** Sends audit records to the default event bus of the account. */
  auditEvents: flag(false),
  /** `minimal` has fewer alarms and no dashboard, which cost the most while nothing is called. */
  observability: z.enum(['minimal', 'standard'], { error: must('be minimal or standard') }).default('standard'),
  /** X-Ray for the API and the functions. */
  tracing: flag(false),
  /** How long an approval may wait for a decision before an alarm. */
  approvalAlarm: z
    .string({ error: must('be an ISO 8601 duration such as PT1H') })
    .superRefine(checkApprovalAlarm)
    .default('PT1H'),
  /** Receives the alarms. */
  alarmEmail: z.email({ error: must('be an e-mail address') }).optional(),
  /** URL of docs/runbooks/ in alarm descriptions. */
  runbooks: z
    .string({ error: must('be the URL of a folder, such as https://git.example.org/webhooks/docs/runbooks/') })
    .regex(/^https:\/\/\S+\/$/, {
      error: must('be a URL with a trailing slash, such as https://git.example.org/webhooks/docs/runbooks/'),
    })
    .max(500, { error: () => 'must have at most 500 characters' })
    .optional(),
  /** Custom domain of the API. The paths start with `/v1`, as on the default host. */
  customDomain: object({
    name: z.string({ error: must('be a host name, such as webhooks.example.org') }).regex(HOST, {
      error: must('be a lowercase host name, such as webhooks.example.org'),
    }),
    certificateArn: z
      .string({ error: must('be the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>') })
      .regex(/^arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/, {
        error: must('be the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>'),
      }),
    /** Route 53 zone that gets the record. Without it, create the record yourself. */
    hostedZone: object({
      id: z.string({ error: must('be the id of a hosted zone, Z..') }).regex(/^Z[A-Z0-9]{5,31}$/, {
        error: must('be the id of a hosted zone, Z..'),
      }),
      name: z.string({ error: must('be the name of the zone, such as example.org') }).regex(HOST, {
        error: must('be the name of the zone, such as example.org'),
      }),
    }).optional(),
    /** Disables the default host of API Gateway. */
    only: flag(false),
  })
    .superRefine(({ name, hostedZone: zone }, context) => {
      if (!zone || name === zone.name || name.endsWith(`.${zone.name}`)) return
      const message = `must be a zone that ${name} is in, not "${zone.name}"`
      context.addIssue({ code: 'custom', message, path: ['hostedZone', 'name'], input: zone.name })
    })
    .optional(),
  /** CloudFormation refuses to delete a protected stack. */
  terminationProtection: flag(false),
  /** Addresses that may call the API. Defaults to all. */
  allowedCidrs: z
    .array(z.string().refine(isCidr, { error: must('be an IPv4 range such as 192.0.2.0/24') }), {
      error: must('be a list of IPv4 ranges such as 192.0.2.0/24'),
    })
    .min(1, { error: () => 'must list at least one range; remove the setting to allow all addresses' })
    .optional(),
  /** A web ACL with AWS managed rules and a rate limit per address. */
  waf: flag(false),
  /** Requests per minute and address. Must be below the throttle, so that one address cannot use all of it. */
  wafRateLimit: count(2_000_000_000, 10).default(2_000),
  /** Sets the account's role for API Gateway logs. Turn it off if another stack sets it. */
  apiGatewayLogRole: flag(true),
  /** The endpoint for agents. `false` excludes it. */
  mcp: flag(true),
  /** Customer-managed KMS key of the secrets. */
  secretsKeyArn: keyArn.optional(),
  /** Customer-managed KMS key of the table, dead letters, logs, alarms and task data. */
  dataKeyArn: keyArn.optional(),
  /** Reserved concurrency of each webhook and each task. */
  reservedConcurrency: object({
    webhook: count(10_000).optional(),
    task: count(10_000).optional(),
  }).optional(),
  /** ARNs that the providers for AWS services and the orchestrators may use, and roles that providers may assume. */
  awsProviders: object({
    ...arnsByProvider(),
    assumeRoles: listOf(`the ARN of a role, ${ROLE_ARN.example}`, ROLE_ARN.pattern).optional(),
  }).optional(),
  /** The categories that may use each orchestrator, `*` for all. Defaults to all orchestrators for all categories. */
  orchestrators: z
    .record(z.string().regex(ORCHESTRATOR), listOf('a category, or *', /^(?:\*|[a-z][a-z-]*)$/), {
      error: (issue) =>
        issue.code === 'invalid_key'
          ? 'must be the name of an orchestrator, such as github'
          : must('be an object of lists of categories, such as {"github-checks": ["slo"]}')(issue),
    })
    .optional(),
  /** Orchestrators whose engine is asked to send failed deliveries again, and how often. */
  redeliver: object({
    orchestrators: listOf('the name of an orchestrator, such as github', ORCHESTRATOR),
    minutes: count(1_440, 5).default(15),
  }).optional(),
  /**
   * How calls move to a new version of a webhook. `immediate` is the default: a new deployment has neither a token for the check of
   * `gradual` nor calls to observe, so each change of a setting would wait for five minutes without a benefit.
   */
  rollout: z.enum(['immediate', 'gradual'], { error: must('be immediate or gradual') }).default('immediate'),
  /** Categories that a schedule calls through the public URL, and how often. */
  verify: object({
    categories: listOf('a category', /^[a-z][a-z-]*$/),
    minutes: count(60, 1).default(5),
  }).optional(),
  /** An existing VPC, for platforms that can be reached only from it. */
  vpc: object({
    subnetIds: listOf('the id of a subnet, subnet-..', /^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/),
    securityGroupIds: listOf('the id of a security group, sg-..', /^sg-([0-9a-f]{8}|[0-9a-f]{17})$/),
  }).optional(),
}
const schema = object(fields)
/** The fields of each object, by path. */
const FIELDS: Record<string, readonly string[]> = {
  '': Object.keys(fields),
  memory: ['webhook', 'task'],
  reservedConcurrency: ['webhook', 'task'],
  throttle: ['rate', 'burst'],
  publicThrottle: ['rate', 'burst'],
  eventsThrottle: ['rate', 'burst'],
  customDomain: ['name', 'certificateArn', 'hostedZone', 'only'],
  'customDomain.hostedZone': ['id', 'name'],
  redeliver: ['orchestrators', 'minutes'],
  verify: ['categories', 'minutes'],
  vpc: ['subnetIds', 'securityGroupIds'],
  awsProviders: [...Object.keys(awsPermissions), 'assumeRoles'],
}

/** The object `webhooks` in the context of `cdk.json`, with defaults. */
export type Settings = z.output<typeof schema>

/** The settings of a deployment, all optional. docs/deploy.md describes each. */
export type SettingsInput = z.input<typeof schema>

export const SETTING_NAMES = Object.keys(fields)

/** Lists all invalid settings. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/**
 * Checks the settings and adds defaults.
 *
 * @param context the object `webhooks` in the context of `cdk.json`, or the properties of a construct
 * @param categories the names of all categories
 * @param place their place, for error messages
 * @throws SettingsError that lists all errors
 */
export function readSettings(
  context: unknown,
  categories: readonly string[],
  place = 'settings in cdk.json (context.webhooks)',
): Settings {
  const parsed = schema.safeParse(context ?? {})
  const isEnabled = (name: string) => parsed.data?.categories[name] !== false
  const errors = parsed.success
    ? [
        ...checkCategories(parsed.data.categories, categories),
        ...checkServed(parsed.data.orchestrators, categories),
        ...checkNames('verify.categories', parsed.data.verify?.categories ?? [], categories.filter(isEnabled)),
      ]
    : parsed.error.issues.flatMap(formatIssue)
  if (parsed.success && errors.length === 0) return parsed.data
  throw new SettingsError(`Invalid ${place}:\n  - ${errors.join('\n  - ')}`)
}

function checkCategories(enabled: Record<string, boolean>, names: readonly string[]): string[] {
  const unknown = Object.keys(enabled).filter((name) => !names.includes(name))
  if (unknown.length > 0) return unknown.map((name) => unknownName('category', name, names))
  return names.some((name) => enabled[name] !== false) ? [] : ['categories: enable at least one']
}

function checkServed(orchestrators: Record<string, string[]> = {}, names: readonly string[]): string[] {
  return Object.entries(orchestrators).flatMap(([name, served]) => checkNames(`orchestrators.${name}`, served, names))
}

function checkNames(path: string, names: readonly string[], known: readonly string[]): string[] {
  const unknown = names.filter((name) => name !== '*' && !known.includes(name))
  return unknown.map((name) => `${path}: ${unknownName('category', name, known)}`)
}

function formatIssue(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [`${path || 'webhooks'}: ${issue.message}`]
  return issue.keys.map((key) => `${[path, key].filter(Boolean).join('.')} ${unknownField(key, FIELDS[path] ?? [])}`)
}

function arnsByProvider() {
  return Object.fromEntries(Object.entries(awsPermissions).map(([name, permissions]) => [name, arnsOf(permissions)]))
}

function arnsOf(permissions: AwsPermissions) {
  return z
    .array(z.string({ error: must('be an ARN') }), { error: must('be a list of ARNs') })
    .superRefine((arns, context) => {
      for (const message of checkArns(permissions, arns)) context.addIssue({ code: 'custom', message, input: arns })
    })
    .optional()
}
