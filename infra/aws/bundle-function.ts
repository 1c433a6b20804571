import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import {
  Architecture,
  Code,
  Function as Fn,
  type FunctionProps,
  type ILayerVersion,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { type Duration, RemovalPolicy } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Permission } from '../../shared/aws/permissions.ts'
import type { DeployedEvents } from './deployed-events.ts'
import type { DeployedFile } from './deployed-file.ts'
import { joinVpc, manageNetworkInterfaces } from './network.ts'
import { acknowledgeWildcards, grant } from './permission.ts'
import { type Settings, SettingsError } from './settings.ts'

/** Shared by all functions of a stack. */
export interface Deployment {
  settings: Settings
  /** Folder of the bundles: `dist/`. */
  bundles: string
  /** Customer-managed key for data at rest. Defaults to the keys of AWS. */
  dataKey?: IKey | undefined
  /** The declared sources, if there are any. */
  events?: DeployedEvents | undefined
  /** The policy, if there is one. */
  policy?: DeployedFile | undefined
}

export interface BundleFunctionProps {
  /** Folder of the bundle: a category, `events`, `finisher`, `mcp`, `policy`, `redeliver`, `stops` or `verify`. */
  bundle: string
  /** File that exports `handler`: `webhook`, `task`, `events`, `finisher`, `mcp`, `policy`, `redeliver`, `stops` or `verify`. */
  entry: string
  description: string
  memory: number
  timeout: Duration
  /** Defaults to the unreserved concurrency of the account. */
  reservedConcurrency?: number | undefined
  /** Variables in addition to the common ones. */
  environment?: Record<string, string>
  layers?: ILayerVersion[]
  permissions: Permission[]
  more?: Pick<FunctionProps, 'durableConfig' | 'deadLetterQueue' | 'currentVersionOptions'>
}

/**
 * A function with its own log group and a role that starts without permissions: AWS's managed policies would allow more
 * than its own resources.
 *
 * It has no fixed name. CloudFormation replaces a function when its durable configuration changes, and a fixed name would
 * prevent that.
 */
export class BundleFunction extends Construct {
  readonly fn: Fn
  readonly role: Role

  constructor(scope: Construct, id: string, { settings, bundles, dataKey }: Deployment, props: BundleFunctionProps) {
    super(scope, id)
    const { bundle, entry, description, memory, timeout, reservedConcurrency, environment, layers, permissions, more } =
      props
    const logGroup = new LogGroup(this, 'Log', {
      retention: settings.logRetentionDays satisfies RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(dataKey ? { encryptionKey: dataKey } : {}),
    })
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Permissions of ${bundle}/${entry}`,
    })
    logGroup.grantWrite(this.role)
    for (const permission of permissions) grant(this.role, permission)
    if (settings.vpc) grant(this.role, manageNetworkInterfaces)
    if (settings.tracing)
      acknowledgeWildcards(this.role, ['*'], 'The write actions of X-Ray support no resource-level permissions.')
    this.fn = new Fn(this, 'Function', {
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      // Without source maps: Node.js would read them at every cold start.
      code: Code.fromAsset(folderOf(bundles, bundle, entry), { exclude: ['*.map'] }),
      handler: `${entry}.handler`,
      memorySize: memory,
      timeout,
      role: this.role,
      logGroup,
      environment: {
        WEBHOOKS_SECRET_PREFIX: settings.secretPrefix,
        WEBHOOKS_LOG_LEVEL: settings.logLevel,
        WEBHOOKS_METRICS_NAMESPACE: settings.stackName,
        ...(settings.observability === 'standard' ? { WEBHOOKS_USAGE_METRICS: 'true' } : {}),
        ...(settings.tracing ? { WEBHOOKS_TRACING: 'true' } : {}),
        ...environment,
      },
      ...(layers && layers.length > 0 ? { layers } : {}),
      ...(settings.tracing ? { tracing: Tracing.ACTIVE } : {}),
      ...(reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: reservedConcurrency }),
      ...more,
    })
    if (settings.vpc) joinVpc(this.fn, settings.vpc)
  }

  /** Grants actions on the function's own executions, in a policy of their own: the function depends on that of its role. */
  grantOnOwnExecutions(actions: string[]): void {
    const resources = [`${this.fn.functionArn}:*`]
    const policy = new ManagedPolicy(this, 'OwnExecutions', {
      roles: [this.role],
      statements: [new PolicyStatement({ actions, resources })],
    })
    acknowledgeWildcards(policy, resources, EXECUTIONS_WILDCARD_REASON)
  }
}

export const EXECUTIONS_WILDCARD_REASON =
  'Executions are sub-resources of the versions of this one function, which later deployments create.'

function folderOf(bundles: string, bundle: string, entry: string): string {
  const folder = join(bundles, bundle)
  if (['js', 'mjs'].some((extension) => existsSync(join(folder, `${entry}.${extension}`)))) return folder
  throw new SettingsError(`The bundle ${join(folder, `${entry}.js`)} does not exist. Run npm run build first.`)
}
