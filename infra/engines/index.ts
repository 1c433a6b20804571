import { argoRollouts } from './argo-rollouts.ts'
import { azureDevops } from './azure-devops.ts'
import { callback } from './callback.ts'
import type { Engine } from './engine.ts'
import { github } from './github.ts'

/** All engines of the sandbox except Keptn, which plays shipyards. */
export const engines: readonly Engine[] = [argoRollouts, azureDevops, callback, github]

/** Returns the name of an engine among the targets of faults. */
export function targetOf({ name }: Pick<Engine, 'name'>): `engines/${string}` {
  return `engines/${name}`
}
