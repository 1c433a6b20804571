/** A statement in the policy of a Lambda role. */
export interface Permission {
  actions: string[]
  resources: string[]
  conditions?: Record<string, Record<string, string | string[]>>
  /** A sentence that explains the wildcards in the resources. cdk-nag rejects wildcards without one. */
  wildcardReason?: string
}

/** A kind of ARN that a provider can be allowed to use. */
export interface ArnKind {
  pattern: RegExp
  example: string
  isOptional?: true
}

/**
 * The IAM permissions of a provider for an AWS service. The file `<provider>.permissions.ts` next to the provider exports
 * them as `permissions`; the deployment reads it, bundles do not contain it.
 *
 * @example
 * export const permissions: AwsPermissions = {
 *   arns: { topic: arnOf('sns', '[\\w-]{1,251}', '<name>') },
 *   statements: (arnsOf) => [{ actions: ['sns:Publish'], resources: arnsOf('topic') }],
 * }
 */
export interface AwsPermissions {
  /** The kinds of ARNs that `awsProviders.<provider>` in cdk.json can list. Each kind is required unless it is optional. */
  arns: Record<string, ArnKind>
  /**
   * Returns exactly the calls that the provider makes, limited to the ARNs in cdk.json.
   *
   * @param arnsOf returns the ARNs of one kind
   * @param account the id of the deployment's account
   */
  statements(arnsOf: (kind: string) => string[], account: string): Permission[]
  /** Returns the events of AWS about the end of a run, limited to the ARNs in cdk.json; none without ARNs. */
  ends?(arnsOf: (kind: string) => string[]): EndEvents[]
}

/** A pattern of EventBridge. */
export interface EndEvents {
  source: string
  detailType: string[]
  resources?: string[]
  detail: Record<string, unknown>
}

/** Returns events as a list, without those that no ARN matches: an empty list in a pattern is not valid. */
export function endsOf(arns: readonly string[], events: EndEvents): EndEvents[] {
  return arns.length === 0 ? [] : [events]
}

/**
 * Returns a kind of ARN of one service, in any region and account.
 *
 * @param resource a pattern for the part after the account
 */
export function arnOf(service: string, resource: string, example: string): ArnKind {
  return {
    pattern: new RegExp(`^arn:[a-z-]+:${service}:[a-z0-9-]+:\\d{12}:${resource}$`),
    example: `arn:aws:${service}:<region>:<account>:${example}`,
  }
}

export const ROLE_ARN: ArnKind = {
  pattern: /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  example: 'arn:aws:iam::<account>:role/<name>',
}

/** Returns the permission to pass roles to one service; none without roles. */
export function passRole(roles: string[], service: string): Permission[] {
  if (roles.length === 0) return []
  const conditions = { StringEquals: { 'iam:PassedToService': service } }
  return [{ actions: ['iam:PassRole'], resources: roles, conditions }]
}
