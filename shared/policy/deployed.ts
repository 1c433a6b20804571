import { readFileSync } from 'node:fs'
import { settings } from '../settings.ts'
import type { Policy } from './policy.ts'

let read: { file: string; policy: Policy } | undefined

/**
 * Returns the policy of the deployment, which the build has compiled from `policy.yaml`.
 *
 * @returns undefined if there is none
 */
export function deployedPolicy(): Policy | undefined {
  const file = settings.policyFile
  if (file === undefined) return undefined
  if (read?.file !== file) read = { file, policy: JSON.parse(readFileSync(file, 'utf8')) }
  return read.policy
}
