import { isIPv4 } from 'node:net'
import * as z from 'zod'
import { maxDeadlineOf } from '../../shared/core/deadlines.ts'
import { parseDuration } from '../../shared/duration.ts'
import { unknownField, unknownName } from '../../shared/validate.ts'
import { type AwsProvider, assumedRole, providerAccess, wrongArns } from './provider-permissions.ts'

/** What CloudWatch Logs takes as a retention. */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653,
]
/** The default of the deployment holds for every category, so it must be one that each of them takes. */
const MAX_DEFAULT_DEADLINE = maxDeadlineOf({ actions: {} })

const onOrOff = (byDefault: boolean) => z.boolean({ error: must('be true or false') }).default(byDefault)
const memory = z
  .int({ error: must('be a whole number of MB from 128 to 10240') })
  .min(128, { error: must('be at least 128 (MB)') })
  .max(10_240, { error: must('be at most 10240 (MB)') })
  .default(512)
const list = (what: string, pattern: RegExp) =>
  z
    .array(z.string().regex(pattern, { error: must(`be ${what}`) }), { error: must(`be a list, each ${what}`) })
    .min(1, { error: () => `must name at least one: ${what}` })

const host = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/

const keyArn = z.string().regex(/^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/, {
  error: must('be the ARN of a KMS key: arn:aws:kms:<region>:<account>:key/<id>'),
})

const shape = {
  /** The stack's name; another one for a second deployment in the same account and region. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, {
      error: must('be letters, digits and dashes, up to 100, starting with a letter'),
    })
    .default('CloudAutomationWebhooks'),
  /** First part of every secret's name. */
  secretPrefix: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_+=.@-]*(\/[A-Za-z0-9_+=.@-]+)*$/, {
      error: must('be letters, digits and any of _+=.@-, with single slashes inside, such as acme/webhooks'),
    })
    .max(200, { error: () => 'must have at most 200 characters' })
    .default('cloud-automation-webhooks'),
  /** Which categories are deployed; one that is not named is. */
  categories: z.record(z.string(), z.boolean({ error: must('be true or false') })).default({}),
  memory: object({ webhook: memory, task: memory }).prefault({}),
  /** When an interactive call gives up that does not say; without, each action has a default of its own. */
  deadline: z
    .string({ error: must('be an ISO 8601 duration such as PT30M, PT2H or P1D') })
    .superRefine(checkDeadline)
    .optional(),
  logRetentionDays: z
    .literal(retentionDays, { error: must(`be one of ${retentionDays.join(', ')} (what CloudWatch Logs takes)`) })
    .default(90),
  logLevel: z
    .enum(['DEBUG', 'INFO', 'WARN', 'ERROR'], { error: must('be DEBUG, INFO, WARN or ERROR') })
    .default('INFO'),
  /** Requests a second, and how many more for a moment, for the whole API. */
  throttle: object({ rate: count(10_000).default(50), burst: count(5_000).default(100) }).prefault({}),
  /** The same, for each route that answers without a token: pages and buttons of approvals. */
  publicThrottle: object({ rate: count(10_000).default(10), burst: count(5_000).default(20) }).prefault({}),
  /** X-Ray, for API and functions. */
  tracing: onOrOff(false),
  /** Who hears of an alarm. */
  alarmEmail: z.email({ error: must('be an e-mail address') }).optional(),
  /** Where the alarms say that docs/runbooks/ is to be read. */
  runbooks: z
    .string({ error: must('be the URL of a folder, such as https://git.example.org/webhooks/docs/runbooks/') })
    .regex(/^https:\/\/\S+\/$/, {
      error: must(
        'be the URL of a folder with a slash at the end, such as https://git.example.org/webhooks/docs/runbooks/',
      ),
    })
    .max(500, { error: () => 'must have at most 500 characters' })
    .optional(),
  /** A name of one's own for the API, with `/v1` in front of the categories as before. */
  customDomain: object({
    name: z.string({ error: must('be the name of a host, such as webhooks.example.org') }).regex(host, {
      error: must('be the name of a host in small letters, such as webhooks.example.org'),
    }),
    certificateArn: z
      .string({ error: must('be the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>') })
      .regex(/^arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/, {
        error: must('be the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>'),
      }),
    /** Of Route 53, where the name is entered; without, whoever has the name enters it. */
    hostedZone: object({
      id: z.string({ error: must('be the id of a hosted zone, Z..') }).regex(/^Z[A-Z0-9]{5,31}$/, {
        error: must('be the id of a hosted zone, Z..'),
      }),
      name: z.string({ error: must('be the name of the zone, such as example.org') }).regex(host, {
        error: must('be the name of the zone, such as example.org'),
      }),
    }).optional(),
    /** Whether API Gateway's own host stops answering. */
    only: onOrOff(false),
  })
    .superRefine(({ name, hostedZone: zone }, context) => {
      if (!zone || name === zone.name || name.endsWith(`.${zone.name}`)) return
      const message = `must be a zone that ${name} is in, not "${zone.name}"`
      context.addIssue({ code: 'custom', message, path: ['hostedZone', 'name'], input: zone.name })
    })
    .optional(),
  /** Whether CloudFormation refuses to delete the stack until this is off again. */
  terminationProtection: onOrOff(false),
  /** From where the API may be called; without, from everywhere. */
  allowedCidrs: z
    .array(z.string().refine(isCidr, { error: must('be an IPv4 range such as 192.0.2.0/24') }), {
      error: must('be a list of IPv4 ranges such as 192.0.2.0/24'),
    })
    .min(1, { error: () => 'must name at least one range; leave it out to allow every address' })
    .optional(),
  /** A web ACL with AWS's managed rules and a limit for each address in front of the API. */
  waf: onOrOff(false),
  /** That limit: requests a minute from one address. Below the throttle, so that one address leaves room for others. */
  wafRateLimit: count(2_000_000_000, 10).default(2_000),
  /** Whether this stack sets the account's role for API Gateway's logs; off where another one has. */
  apiGatewayLogRole: onOrOff(true),
  /** The KMS key of the secrets, where it is not AWS's own. */
  secretsKeyArn: keyArn.optional(),
  /** The KMS key of table, dead letters, logs, alarms and the data of tasks, if it is not AWS's own. */
  dataKeyArn: keyArn.optional(),
  /** Invocations at once that each webhook, or each task, takes out of those of the account for itself alone. */
  reservedConcurrency: object({
    webhook: count(10_000).optional(),
    task: count(10_000).optional(),
  }).optional(),
  /** What providers that are part of AWS may use, as ARNs, and the roles of other accounts that they may assume. */
  awsProviders: object({
    ...arnsByProvider(),
    assumeRoles: list(`the ARN of a role, ${assumedRole.example}`, assumedRole.pattern).optional(),
  }).optional(),
  /** Subnets and security groups of a VPC that exists, for platforms that only it can reach. */
  vpc: object({
    subnetIds: list('the id of a subnet, subnet-..', /^subnet-([0-9a-f]{8}|[0-9a-f]{17})$/),
    securityGroupIds: list('the id of a security group, sg-..', /^sg-([0-9a-f]{8}|[0-9a-f]{17})$/),
  }).optional(),
}
const schema = object(shape)
/** The names that each object takes, by its path. */
const known: Record<string, readonly string[]> = {
  '': Object.keys(shape),
  memory: ['webhook', 'task'],
  reservedConcurrency: ['webhook', 'task'],
  throttle: ['rate', 'burst'],
  publicThrottle: ['rate', 'burst'],
  customDomain: ['name', 'certificateArn', 'hostedZone', 'only'],
  'customDomain.hostedZone': ['id', 'name'],
  vpc: ['subnetIds', 'securityGroupIds'],
  awsProviders: [...Object.keys(providerAccess), 'assumeRoles'],
}

/** How the stack is deployed: the object `webhooks` in the context of `cdk.json`, with its defaults filled in. */
export type Settings = z.output<typeof schema>

/** What is wrong with the settings, for a person to read. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/**
 * Checks the settings and fills in what they leave out.
 *
 * @param context the object `webhooks` in the context of `cdk.json`
 * @param categories the names of those that there are
 * @throws SettingsError that names everything that is wrong and what to write instead
 */
export function readSettings(context: unknown, categories: readonly string[]): Settings {
  const parsed = schema.safeParse(context ?? {})
  const wrong = parsed.success
    ? wrongCategories(parsed.data.categories, categories)
    : parsed.error.issues.flatMap(inWords)
  if (parsed.success && wrong.length === 0) return parsed.data
  throw new SettingsError(`The settings in cdk.json (context.webhooks) are not valid:\n  - ${wrong.join('\n  - ')}`)
}

function wrongCategories(chosen: Record<string, boolean>, names: readonly string[]): string[] {
  const unknown = Object.keys(chosen).filter((name) => !names.includes(name))
  if (unknown.length > 0) return unknown.map((name) => unknownName('category', name, names))
  return names.some((name) => chosen[name] !== false) ? [] : ['categories: switch at least one on']
}

function inWords(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return [`${path || 'webhooks'}: ${issue.message}`]
  return issue.keys.map((key) => `${[path, key].filter(Boolean).join('.')} ${unknownField(key, known[path] ?? [])}`)
}

/** A message that says what to write, and what stands there now. */
function must(what: string) {
  return ({ input }: { input?: unknown }) =>
    `must ${what}${input === undefined ? '' : `, not ${JSON.stringify(input)?.slice(0, 60)}`}`
}

function object<S extends z.ZodRawShape>(fields: S) {
  return z.strictObject(fields, {
    error: (issue) =>
      issue.code === 'invalid_type' ? `must be an object of ${Object.keys(fields).join(', ')}` : undefined,
  })
}

function arnsByProvider() {
  const names = Object.keys(providerAccess) as AwsProvider[]
  return Object.fromEntries(names.map((name) => [name, arnsOf(name)])) as Record<AwsProvider, ReturnType<typeof arnsOf>>
}

function arnsOf(provider: AwsProvider) {
  return z
    .array(z.string({ error: must('be the text of an ARN') }), { error: must('be a list of ARNs') })
    .superRefine((arns, context) => {
      for (const message of wrongArns(provider, arns)) context.addIssue({ code: 'custom', message, input: arns })
    })
    .optional()
}

function count(most: number, least = 1) {
  const error = must(`be a whole number from ${least} to ${most}`)
  return z.int({ error }).min(least, { error }).max(most, { error })
}

function checkDeadline(text: string, context: z.RefinementCtx<string>): void {
  const error = wrongDeadline(text)
  if (error) context.addIssue({ code: 'custom', message: error, input: text })
}

function wrongDeadline(text: string): string | undefined {
  try {
    if (parseDuration(text, 'deadline') > MAX_DEFAULT_DEADLINE)
      return `must be at most P${MAX_DEFAULT_DEADLINE / 86_400}D, not "${text}"`
    return undefined
  } catch {
    return `must be an ISO 8601 duration such as PT30M, PT2H or P1D, not "${text}"`
  }
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/')
  return rest.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(bits) && Number(bits) <= 32
}
