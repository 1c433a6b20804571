import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Failure } from '../../../shared/errors.ts'
import type { Policy } from '../../../shared/policy/policy.ts'
import { settings } from '../../../shared/settings.ts'
import { hashedName, POLICY } from '../../aws/deployed-name.ts'
import { readConfiguredPolicy } from './configured-policy.ts'

/** Returns whether a policy is that of a file in a stack, whose name has the hash of its contents. */
export function isDeployed(policy: Policy, file: string): boolean {
  return `${hashedName(POLICY, JSON.stringify(policy))}.json` === basename(file)
}

/**
 * Runs the code of a deployed webhook, which reads the policy. Its file exists only in its function, so the one of this machine is
 * compiled. The name of the file, with the hash of its contents, shows whether it is the same.
 *
 * @param readPolicy returns the policy of this machine
 * @throws Failure `misconfigured` if this machine has another policy; UsageError if its file is not valid
 */
export async function withDeployedPolicy<T>(
  run: () => Promise<T>,
  readPolicy: () => Policy | undefined = () => readConfiguredPolicy({})?.policy,
): Promise<T> {
  const file = settings.policyFile
  if (file === undefined || existsSync(file)) return run()
  const policy = readPolicy()
  if (policy === undefined || !isDeployed(policy, file))
    throw new Failure(
      'misconfigured',
      'The policy of the stack is not the one that the setting policy in cdk.json names here, so its rules cannot be evaluated. Run the command in a checkout of the deployed version.',
    )
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-policy-'))
  try {
    const copy = join(folder, basename(file))
    writeFileSync(copy, JSON.stringify(policy))
    process.env['WEBHOOKS_POLICY_FILE'] = copy
    return await run()
  } finally {
    rmSync(folder, { recursive: true })
  }
}
