import { describe, expect, it, jest } from '@jest/globals'
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Validations } from 'aws-cdk-lib/core'
import { AwsSolutionsChecks } from 'cdk-nag'
import { awsProviders, build } from './synthesize.ts'

/** What cdk-nag's AwsSolutions, and the rules that CDK brings along, find in a stack. */
function findingsIn({ app }: ReturnType<typeof build>): string[] {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
  const printed: string[] = []
  const print = jest.spyOn(console, 'error').mockImplementation((...words) => void printed.push(words.join(' ')))
  try {
    app.synth()
    return []
  } catch (error) {
    return [(error as Error).message, ...printed]
  } finally {
    print.mockRestore()
  }
}

/** Every rule that is set aside somewhere in the tree, with the reason. */
function reasonsIn({ app }: ReturnType<typeof build>): [string, string][] {
  return app.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
}

const everything = {
  tracing: true,
  waf: true,
  alarmEmail: 'ops@example.org',
  allowedCidrs: ['192.0.2.0/24'],
  deadline: 'PT2H',
  secretsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  dataKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  reservedConcurrency: { webhook: 5, task: 5 },
  terminationProtection: true,
  customDomain: {
    name: 'webhooks.example.org',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab',
    hostedZone: { id: 'Z0123456789ABC', name: 'example.org' },
    only: true,
  },
  vpc: { subnetIds: ['subnet-0123abcd'], securityGroupIds: ['sg-0123abcd'] },
  awsProviders: { ...awsProviders, assumeRoles: ['arn:aws:iam::210987654321:role/webhooks'] },
}

describe('cdk-nag AwsSolutions', () => {
  it('finds nothing without a reason in the stack as it is shipped', () => {
    expect(findingsIn(build())).toEqual([])
  })

  it('finds nothing without a reason where every option is on', () => {
    expect(findingsIn(build(everything))).toEqual([])
  })

  it('finds nothing without a reason where the account has its own role for logs', () => {
    expect(findingsIn(build({ apiGatewayLogRole: false }))).toEqual([])
  })

  it('does find a star that has none', () => {
    const built = build()
    new Policy(built.stack, 'TooMuch', {
      force: true,
      statements: [new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] })],
    })
    expect(findingsIn(built).join()).toContain('Validation failed')
  })

  it('is set aside for one rule at one place at a time, each with a reason in a sentence', () => {
    const reasons = reasonsIn(build(everything))
    expect(reasons.length).toBeGreaterThan(20)
    for (const [id, reason] of reasons) {
      expect({ id, reason }).toEqual({ id, reason: expect.stringMatching(/^[A-Z].{30,}\.$/) })
      expect(id).not.toMatch(/IAM[45]$/)
    }
    const { stack } = build()
    expect(stack.node.metadata.filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)).toEqual([])
  })
})
