import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { App, Stack } from 'aws-cdk-lib/core'
import { CategoryFunction, WebhooksStack } from '../../../infra/aws/index.ts'
import { categoryInfos } from './category-infos.ts'
import { emptyBundles } from './synthesize.ts'

const bundles = emptyBundles(categoryInfos)
/** Returns an app without the validation of CloudFormation, which takes seconds: nag.test.ts has it. */
const app = () => new App({ builtinCloudFormationValidation: false })
const only = (name: string) =>
  Object.fromEntries(categoryInfos.map((category) => [category.name, category.name === name]))

describe('WebhooksStack of an application', () => {
  it('needs no settings, and is named after its id', () => {
    const stack = new WebhooksStack(app(), 'Acme', { bundles })
    expect(stack.stackName).toBe('Acme')
    const functions = stack.node.findAll().filter((construct) => construct instanceof CfnFunction)
    expect(functions).toHaveLength(2 * categoryInfos.length + 4)
  })

  it('takes settings and properties of a CDK stack', () => {
    const stack = new WebhooksStack(app(), 'Acme', {
      bundles,
      categories: only('slo'),
      stackName: 'AcmeWebhooks',
      terminationProtection: true,
      description: 'Webhooks of Acme',
      memory: { webhook: 1_024 },
    })
    expect([stack.stackName, stack.terminationProtection]).toEqual(['AcmeWebhooks', true])
    const template = Template.fromStack(stack)
    expect(template.toJSON()['Description']).toBe('Webhooks of Acme')
    template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'webhook.handler', MemorySize: 1_024 })
  })

  it('lists all invalid properties', () => {
    const build = () => new WebhooksStack(app(), 'Acme', { bundles, alarmEmail: 'team', categories: only('slos') })
    expect(build).toThrow('Invalid properties of Acme:\n  - alarmEmail: must be an e-mail address, not "team"')
  })
})

describe('CategoryFunction of an application', () => {
  it('deploys the two functions of a category with a table of their own', () => {
    const stack = new Stack(app(), 'Tickets')
    const { webhook, task } = new CategoryFunction(stack, 'Issues', { category: 'issue-ticketing', bundles })
    const template = Template.fromStack(stack)
    template.resourceCountIs('AWS::Lambda::Function', 2)
    template.resourceCountIs('AWS::DynamoDB::Table', 1)
    for (const { fn } of [webhook, task])
      template.hasResourceProperties('AWS::Lambda::Function', {
        Handler: fn === webhook.fn ? 'webhook.handler' : 'task.handler',
        Environment: { Variables: { WEBHOOKS_METRICS_NAMESPACE: 'Tickets' } },
      })
  })

  it('suggests the name of a category', () => {
    const build = () => new CategoryFunction(new Stack(app(), 'Tickets'), 'Issues', { category: 'issue-ticketin' })
    expect(build).toThrow('Did you mean "issue-ticketing"?')
  })
})
