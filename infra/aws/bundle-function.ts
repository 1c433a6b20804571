import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Architecture, Code, Function as Fn, type FunctionProps, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { type Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { joinNetwork, mayJoinNetwork } from './network.ts'
import { acknowledgeStars, allow, type Permission } from './permission.ts'
import { type Settings, SettingsError } from './settings.ts'

/** What the functions of a stack have in common. */
export interface Deployment {
  settings: Settings
  /** Where the bundles are: `dist/`. */
  bundles: string
  /** The customer's key for data at rest; without it AWS's own. */
  dataKey?: IKey | undefined
}

export interface BundleFunctionProps {
  /** The folder of the bundle: a category, or `finisher`. */
  bundle: string
  /** The file in it, with `handler`: `webhook`, `task`, `finisher`. */
  entry: string
  description: string
  memory: number
  timeout: Duration
  /** Invocations at once, taken from those of the account; without it as many as the account has left. */
  reservedConcurrency?: number | undefined
  /** Beside what every function is told. */
  environment?: Record<string, string>
  /** What the code calls, and nothing else. */
  may: Permission[]
  /** What only some functions have. */
  more?: Pick<FunctionProps, 'durableConfig' | 'deadLetterQueue' | 'currentVersionOptions'>
}

/**
 * A function of one of the bundles, with its log group and a role of its own that starts empty: what AWS's managed policies
 * would add is written out here, for this function's resources only.
 *
 * It has no name of its own choosing: what makes a function durable can only be set when it is made, so a change there
 * replaces it, which a fixed name would prevent.
 */
export class BundleFunction extends Construct {
  readonly fn: Fn
  readonly role: Role

  constructor(scope: Construct, id: string, { settings, bundles, dataKey }: Deployment, props: BundleFunctionProps) {
    super(scope, id)
    const { bundle, entry, description, memory, timeout, reservedConcurrency, environment, may, more } = props
    const logGroup = new LogGroup(this, 'Log', {
      retention: settings.logRetentionDays satisfies RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(dataKey ? { encryptionKey: dataKey } : {}),
    })
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${bundle}/${entry} may do`,
    })
    logGroup.grantWrite(this.role)
    for (const permission of may) allow(this.role, permission)
    if (settings.vpc) allow(this.role, mayJoinNetwork)
    if (settings.tracing) acknowledgeStars(this.role, ['*'], 'X-Ray knows no resources for the traces that it takes.')
    this.fn = new Fn(this, 'Function', {
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      // Without source maps: Node would read them at every cold start, not only when something is thrown.
      code: Code.fromAsset(folderOf(bundles, bundle, entry), { exclude: ['*.map'] }),
      handler: `${entry}.handler`,
      memorySize: memory,
      timeout,
      role: this.role,
      logGroup,
      environment: {
        WEBHOOKS_SECRET_PREFIX: settings.secretPrefix,
        WEBHOOKS_LOG_LEVEL: settings.logLevel,
        ...environment,
      },
      ...(settings.tracing ? { tracing: Tracing.ACTIVE } : {}),
      ...(reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
      ...more,
    })
    if (settings.vpc) joinNetwork(this.fn, settings.vpc)
  }

  /** What the function may do with its own executions: a policy apart, since the function waits for those of its role. */
  allowOnItself(actions: string[]): void {
    const resources = [`${this.fn.functionArn}:*`]
    const policy = new Policy(this, 'OwnExecutions', {
      roles: [this.role],
      statements: [new PolicyStatement({ actions, resources })],
    })
    acknowledgeStars(policy, resources, executionsOfAllVersions)
  }
}

/** Why permissions on executions have a star. */
export const executionsOfAllVersions =
  'Executions are sub-resources of the versions of this one function, which later deployments make; there is no narrower name for them.'

function folderOf(bundles: string, bundle: string, entry: string): string {
  const folder = join(bundles, bundle)
  if (existsSync(join(folder, `${entry}.js`))) return folder
  throw new SettingsError(`There is no bundle ${join(folder, `${entry}.js`)}: run npm run build first.`)
}
