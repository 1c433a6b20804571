import { describe, expect, it, jest } from '@jest/globals'
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnResource, Validations } from 'aws-cdk-lib/core'
import { AwsSolutionsChecks } from 'cdk-nag'
import { categoryInfos } from './category-infos.ts'
import { allSettings, build, tenCategories } from './synthesize.ts'

/** Two categories with all providers for AWS have the same resources and permissions as ten, and take less time. */
const twoCategories = tenCategories.slice(0, 2)
/** These have everything that only some categories have: public routes, approvals, last runs and runs in the task. */
const unlike = categoryInfos.filter(({ name }) => ['ci-cd', 'load-testing', 'notification'].includes(name))
const buildWithValidation = (settings: object = {}, categories = twoCategories) => build(settings, categories, true)

/** Returns the findings of cdk-nag's AwsSolutions and of CDK's own rules. */
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

/** Returns all acknowledged rules with their reasons. */
function reasonsIn({ app }: ReturnType<typeof build>): [string, string][] {
  return app.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
}

describe('the validation of the CDK and cdk-nag AwsSolutions', () => {
  it('finds nothing in the default stack', () => {
    expect(findingsIn(buildWithValidation({}, unlike))).toEqual([])
  })

  it('finds nothing with all options', () => {
    expect(findingsIn(buildWithValidation(allSettings))).toEqual([])
  })

  it('finds a wildcard without a reason, and an invalid property', () => {
    const built = buildWithValidation()
    const statements = [new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] })]
    const role = new Role(built.stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    new Policy(built.stack, 'TooMuch', { roles: [role], statements })
    new CfnResource(built.stack, 'Queue', { type: 'AWS::SQS::Queue', properties: { DelaySeconds: 'a minute' } })
    const found = findingsIn(built).join()
    expect(found).toContain('AwsSolutions-IAM5')
    expect(found).toContain("'a minute' is not of type 'integer'")
  })

  it('is acknowledged for single rules and resources only, each with a reason', () => {
    const reasons = reasonsIn(build(allSettings, twoCategories))
    expect(reasons.length).toBeGreaterThan(20)
    for (const [id, reason] of reasons) {
      expect({ id, reason }).toEqual({ id, reason: expect.stringMatching(/^[A-Z].{30,}\.$/) })
      expect(id).not.toMatch(/IAM[45]$/)
    }
    const { stack } = build()
    expect(stack.node.metadata.filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)).toEqual([])
  })
})
