import { messageOf } from '../../../shared/errors.ts'
import { policyDigest } from '../../../shared/policy/digest.ts'
import type { ConfiguredPolicy } from '../../local/operator/configured-policy.ts'
import { categories } from '../../project/categories.ts'
import { openStore, type StoreOptions } from '../secrets/secret-store.ts'
import { type PolicyWarning, warningsOf } from './warnings.ts'

/** The summary and the warnings of a valid policy. */
export interface CheckedPolicy {
  /** How many rules it has, and whether they are only logged. */
  summary: string
  /** Names the policy in records. */
  digest: string
  warnings: PolicyWarning[]
  /** The warnings as sentences. */
  lines: string[]
  /** A rule names an action that does not exist, so it may restrict nothing. */
  hasErrors: boolean
  /** Why its connections were not checked. */
  notice?: string
}

/** Finds rules of a policy that restrict less than they seem to. */
export async function checkPolicy({ policy }: ConfiguredPolicy, options: StoreOptions): Promise<CheckedPolicy> {
  const { enforce, rules } = policy
  const connections = await connectionsOf(options)
  const isKnown = typeof connections !== 'string'
  const warnings = warningsOf(policy, categories, isKnown ? connections : undefined)
  return {
    summary: `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}${enforce ? '' : ', only logged (enforce: false)'}.`,
    digest: policyDigest(policy),
    warnings,
    hasErrors: warnings.some(({ isError }) => isError),
    lines: warnings.map(
      ({ rule, warning, isError }) => `${isError ? 'Error' : 'Warning'}: the rule "${rule}" ${warning}`,
    ),
    ...(isKnown ? {} : { notice: `The connections are not checked: ${connections}` }),
  }
}

/** Returns why they cannot be listed, if so. */
async function connectionsOf(options: StoreOptions): Promise<string[] | string> {
  try {
    return await (await openStore(options)).list('connections/')
  } catch (error) {
    return messageOf(error)
  }
}
