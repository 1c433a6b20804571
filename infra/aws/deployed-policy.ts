import { resolve } from 'node:path'
import type { Construct } from 'constructs'
import { hasStartLimits } from '../../shared/policy/kinds/at-most.ts'
import { hasTurns } from '../../shared/policy/kinds/turn.ts'
import type { Policy } from '../../shared/policy/policy.ts'
import { APPLICATION } from '../project/roots.ts'
import { asksPeople } from './approvals.ts'
import { DeployedFile, readDeployed } from './deployed-file.ts'
import { POLICY } from './deployed-name.ts'
import { readPolicyFile } from './read-policy-file.ts'
import type { Settings } from './settings.ts'

/** The compiled policy. */
export class DeployedPolicy extends DeployedFile {
  readonly asksPeople: boolean
  /** Whether a rule lets one action run at a time. */
  readonly hasTurns: boolean
  /** Whether a rule limits how many actions start. */
  readonly hasStartLimits: boolean

  constructor(scope: Construct, id: string, contents: Policy) {
    super(scope, id, { name: POLICY, contents, description: 'Policy' })
    this.asksPeople = asksPeople(contents)
    this.hasTurns = hasTurns(contents)
    this.hasStartLimits = hasStartLimits(contents)
  }
}

/**
 * Compiles the policy that the settings name.
 *
 * @returns undefined if there is none, or if it has no rules
 * @throws SettingsError if the file is not valid
 */
export function deployPolicy(scope: Construct, { policy: path }: Settings): DeployedPolicy | undefined {
  if (path === undefined) return undefined
  const contents = readDeployed(() => readPolicyFile(resolve(APPLICATION, path)))
  return contents && new DeployedPolicy(scope, 'Policy', contents)
}
