import { describe, it } from '@jest/globals'
import { categoryInfos } from '../infra/aws/category-infos.ts'
import { awsProviders, flat, isAttached, type Synthesized, shipped, synthesize } from '../infra/aws/synthesize.ts'
import { expectGolden } from './golden.ts'

const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/1a2b3c4d-0000-0000-0000-'
const allOptions = {
  awsProviders: { ...awsProviders, assumeRoles: ['arn:aws:iam::210987654321:role/webhooks'] },
  secretsKeyArn: `${KEY}000000000001`,
  dataKeyArn: `${KEY}000000000002`,
  vpc: { subnetIds: ['subnet-1a2b3c4d'], securityGroupIds: ['sg-1a2b3c4d'] },
  auditEvents: true,
  tracing: true,
  rollout: 'gradual',
  verify: { categories: ['slo'] },
}

describe.each([
  ['permissions', shipped],
  ['permissions-all-options', allOptions],
])('%s', (name, settings) => {
  it('each Lambda role has the same permissions', () => {
    expectGolden(name, rolesOf(synthesize(settings, categoryInfos)))
  })
})

function rolesOf({ all }: Synthesized): Record<string, unknown> {
  const policies = [...all('AWS::IAM::Policy'), ...all('AWS::IAM::ManagedPolicy')]
  const roles = all('AWS::Lambda::Function').map(({ Properties }) => Properties.Role['Fn::GetAtt'][0] as string)
  const entries = all('AWS::IAM::Role')
    .filter(({ id }) => roles.includes(id))
    .map(({ id, Properties }) => [
      withoutHashes(id),
      normalize({
        assumedBy: Properties.AssumeRolePolicyDocument.Statement,
        managed: Properties.ManagedPolicyArns,
        statements: [...(Properties.Policies ?? []), ...policies.filter((policy) => isAttached(policy, id))]
          .map((policy) => policy.Properties ?? policy)
          .flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
      }),
    ])
  return Object.fromEntries(entries)
}

/** Lists are sorted, intrinsic functions become text, and logical ids lose their hash. */
function normalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalize).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null) return value
  if ('Ref' in value || 'Fn::GetAtt' in value || 'Fn::Join' in value) return withoutHashes(flat(value))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normalize(item)]))
}

function withoutHashes(text: string): string {
  return text.replace(/[0-9A-F]{8}(?=[.>]|$)/g, '')
}
