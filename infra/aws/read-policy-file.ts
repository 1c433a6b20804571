import { compilePolicy } from '../../shared/policy/file.ts'
import type { Policy } from '../../shared/policy/policy.ts'
import { readYamlFile } from './read-yaml-file.ts'

/**
 * Reads, checks and compiles the policy, `policy.yaml`.
 *
 * @returns undefined if it has no rules and no section `approval`
 * @throws YamlFileError
 */
export function readPolicyFile(path: string): Policy | undefined {
  const policy = readYamlFile(path, compilePolicy)
  return policy.rules.length === 0 && !policy.approval ? undefined : policy
}
