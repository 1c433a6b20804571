import { messageOf } from '../../../../shared/errors.ts'
import type { Policy } from '../../../../shared/policy/policy.ts'
import type { StackFunction } from '../../../aws/running-tasks.ts'
import { readConfiguredPolicy } from '../../operator/configured-policy.ts'
import type { KnownPolicy } from '../policy-view.ts'

/**
 * Returns the policy of a stack. It is in the code of the functions, so the one of this machine is shown if it is the same.
 *
 * @param readPolicy returns the policy of this machine
 */
export async function stackPolicy(
  functions: readonly StackFunction[],
  readPolicy: () => Policy | undefined = () => readConfiguredPolicy({})?.policy,
): Promise<KnownPolicy> {
  const file = functions.find(({ policyFile }) => policyFile !== undefined)?.policyFile
  if (file === undefined) return {}
  try {
    // Loaded when used: it loads the CDK.
    const { isDeployed } = await import('../../operator/deployed-policy.ts')
    const policy = readPolicy()
    if (policy && isDeployed(policy, file)) return { policy }
  } catch (error) {
    return { problem: `The rules of the stack cannot be shown: ${messageOf(error)}` }
  }
  return {
    problem:
      'The rules of the stack cannot be shown: it has another policy than the one that the setting policy in cdk.json names here. Start the console in a checkout of the deployed version.',
  }
}
