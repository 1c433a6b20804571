import { resolve } from 'node:path'
import { messageOf } from '../../../shared/errors.ts'
import type { Policy } from '../../../shared/policy/policy.ts'
import { cdkSettings } from '../../aws/cdk-settings.ts'
import { readPolicyFile } from '../../aws/read-policy-file.ts'
import { APPLICATION } from '../../project/roots.ts'
import { UsageError } from '../../project/usage-error.ts'

/** The compiled policy, and the path of its file. */
export interface ConfiguredPolicy {
  file: string
  policy: Policy
}

/**
 * Reads the policy of the local runtime (WEBHOOKS_POLICY) or of the stack (the setting `policy` in cdk.json).
 *
 * @param path the file to read instead
 * @returns undefined if there is no file
 * @throws UsageError with the errors of the file
 */
export function readConfiguredPolicy({ local }: { local?: boolean }, path?: string): ConfiguredPolicy | undefined {
  try {
    const file = path ?? (local ? process.env['WEBHOOKS_POLICY'] : settingOf())
    if (!file) return undefined
    return { file, policy: readPolicyFile(file) ?? { enforce: true, rules: [] } }
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error })
  }
}

function settingOf(): string | undefined {
  const { policy } = cdkSettings().settings
  return policy === undefined ? undefined : resolve(APPLICATION, policy)
}
