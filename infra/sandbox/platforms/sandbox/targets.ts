import { engines, targetOf } from '../../engines/index.ts'
import { platformTargets, type Target } from './http.ts'

/** The platforms and the engines. Faults and the list of requests use these names. */
export const targets: readonly Target[] = [...platformTargets, ...engines.map(targetOf)]
