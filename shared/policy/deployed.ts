import { readFileSync } from 'node:fs'
import { settings } from '../settings.ts'
import { policyDigest } from './digest.ts'
import type { Policy } from './policy.ts'

interface DeployedPolicy {
  policy: Policy
  digest: string
}

let read: (DeployedPolicy & { file: string }) | undefined

/**
 * Returns the policy of the deployment, which the build has compiled from `policy.yaml`.
 *
 * @returns undefined if there is none
 */
export function deployedPolicy(): DeployedPolicy | undefined {
  const file = settings.policyFile
  if (file === undefined) return undefined
  if (read?.file !== file) {
    const policy: Policy = JSON.parse(readFileSync(file, 'utf8'))
    read = { file, policy, digest: policyDigest(policy) }
  }
  return read
}
