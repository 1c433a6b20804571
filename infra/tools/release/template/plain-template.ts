/** A CloudFormation template. */
export interface CfnTemplate {
  Parameters?: Record<string, object>
  Rules?: Record<string, object>
  Resources: Record<string, object>
  [section: string]: unknown
}

/** Bucket of the environment that `cdk bootstrap` creates. */
const BOOTSTRAP_BUCKET = /^cdk-[a-z0-9]+-assets-/

/**
 * Returns a template of CDK as one that needs neither CDK nor `cdk bootstrap`: the parameters `AssetsBucket` and `AssetsPrefix` say where the
 * code of the functions is.
 */
export function plainTemplate({ Parameters = {}, Rules = {}, ...template }: CfnTemplate): CfnTemplate {
  const { BootstrapVersion: _version, ...parameters } = Parameters
  const { CheckBootstrapVersion: _check, ...rules } = Rules
  return {
    ...template,
    Resources: Object.fromEntries(
      Object.entries(template.Resources).map(([id, resource]) => [id, withBucket(resource) as object]),
    ),
    Parameters: {
      ...parameters,
      AssetsBucket: {
        Type: 'String',
        Description: 'Bucket with the code of the functions, in the region of the stack',
      },
      AssetsPrefix: {
        Type: 'String',
        Default: '',
        Description: 'Start of the keys of the code, such as webhooks/1.0.0/',
      },
    },
    ...(Object.keys(rules).length > 0 ? { Rules: rules } : {}),
  }
}

function withBucket(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBucket)
  if (typeof value !== 'object' || value === null) return value
  const { S3Bucket: bucket, S3Key: key } = value as { S3Bucket?: { 'Fn::Sub'?: string }; S3Key?: unknown }
  if (typeof key === 'string' && BOOTSTRAP_BUCKET.test(bucket?.['Fn::Sub'] ?? ''))
    return { ...value, S3Bucket: { Ref: 'AssetsBucket' }, S3Key: { 'Fn::Sub': `\${AssetsPrefix}${key}` } }
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withBucket(part)]))
}
