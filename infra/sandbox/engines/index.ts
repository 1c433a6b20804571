import { argoRollouts } from './argo-rollouts.ts'
import { azureDevops } from './azure-devops.ts'
import { callback } from './callback.ts'
import { dynatrace } from './dynatrace.ts'
import type { Engine } from './engine.ts'
import { flagger } from './flagger.ts'
import { github } from './github.ts'
import { poll } from './poll.ts'
import { stepFunctions } from './step-functions.ts'

/** All engines of the sandbox except Keptn, which runs shipyards. */
export const engines: readonly Engine[] = [
  argoRollouts,
  azureDevops,
  callback,
  dynatrace,
  flagger,
  github,
  poll,
  stepFunctions,
]

/** Returns the name of an engine among the targets of faults. */
export function targetOf({ name }: Pick<Engine, 'name'>): `engines/${string}` {
  return `engines/${name}`
}
