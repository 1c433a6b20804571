import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { stackPolicy } from '../../../infra/local/console/stack/stack-policy.ts'
import { withDeployedPolicy } from '../../../infra/local/operator/deployed-policy.ts'
import { deployedPolicy } from '../../../shared/policy/deployed.ts'
import { compilePolicy } from '../../../shared/policy/file.ts'
import { settings } from '../../../shared/settings.ts'
import { functionOf, synthesize, tenCategories, yamlFile } from '../aws/synthesize.ts'

const slo = tenCategories.filter(({ name }) => name === 'slo')
const deployed = synthesize({ policy: yamlFile('operator', 'rules: [{ name: a, deny: No }]') }, slo)
const read = async () => ({ policy: deployedPolicy()?.policy, file: settings.policyFile })

describe('An operator who runs a task of a stack again', () => {
  beforeEach(() => {
    const { Variables } = functionOf(deployed, 'webhook', 'slo').Properties.Environment
    process.env['WEBHOOKS_POLICY_FILE'] = Variables.WEBHOOKS_POLICY_FILE
  })
  afterEach(() => {
    delete process.env['WEBHOOKS_POLICY_FILE']
  })

  it('uses the policy of the stack, and leaves no copy of it', async () => {
    const same = compilePolicy({ rules: [{ name: 'a', deny: 'No' }] })
    const { policy, file } = await withDeployedPolicy(read, () => same)
    expect(policy).toEqual(same)
    expect(existsSync(file ?? '')).toBe(false)
  })

  it.each([
    ['another policy', compilePolicy({ rules: [{ name: 'a', deny: 'Yes' }] })],
    ['no policy', undefined],
  ])('is refused with %s on the machine', async (_name, other) => {
    await expect(withDeployedPolicy(read, () => other)).rejects.toThrow('in a checkout of the deployed version')
  })
})

describe('The console of a stack', () => {
  const { Variables } = functionOf(deployed, 'webhook', 'slo').Properties.Environment
  const webhook = { arn: '', kind: 'webhook', logicalId: 'SloWebhook', logGroup: '' } as const
  const functions = [{ ...webhook, policyFile: Variables.WEBHOOKS_POLICY_FILE }]
  const same = compilePolicy({ rules: [{ name: 'a', deny: 'No' }] })
  const fail = () => {
    throw new Error('line 3 of policy.yaml')
  }

  it.each([
    ['the policy of this machine if it is deployed', functions, () => same, { policy: same }],
    [
      'why it cannot show another one',
      functions,
      () => undefined,
      { problem: expect.stringContaining('another policy') },
    ],
    ['why it cannot read the one of this machine', functions, fail, { problem: expect.stringContaining('line 3') }],
    ['no policy if the stack has none', [{ ...webhook, policyFile: undefined }], fail, {}],
  ])('shows %s', async (_name, of, readPolicy, expected) => {
    expect(await stackPolicy(of, readPolicy)).toEqual(expected)
  })
})
