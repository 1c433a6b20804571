import * as z from 'zod/mini'
import { type ReadOptions, readSecret } from '../aws/deployment-secrets.ts'
import { Failure } from '../errors.ts'
import { unknownName } from '../validate.ts'
import type { Orchestrator, OrchestratorType, OrchestratorTypes } from './orchestrator.ts'
import { type FlaggerRequest, parseFlagger } from './poll/flagger.ts'

/** The orchestrator of callers that name none. It needs no secret. */
export const DEFAULT_ORCHESTRATOR = 'poll'

/** All types. Loaded when used: silent calls need none. */
const orchestratorTypes: OrchestratorTypes = {
  keptn: async () => (await import('./keptn/keptn.ts')).keptnType,
  poll: async () => (await import('./poll/poll.ts')).pollType,
  'step-functions': async () => (await import('./step-functions.ts')).stepFunctionsType,
  callback: async () => (await import('./callback/callback.ts')).callbackType,
  'azure-devops': async () => (await import('./azure-devops/azure-devops.ts')).azureDevopsType,
  dynatrace: async () => (await import('./dynatrace/dynatrace.ts')).dynatraceType,
  github: async () => (await import('./github/github.ts')).githubType,
}

/** Adds the types of an application. */
export function addOrchestrators(types: OrchestratorTypes): void {
  Object.assign(orchestratorTypes, types)
}

/** Whether a type of orchestrator has this name. */
export function isOrchestratorType(name: string): boolean {
  return Object.hasOwn(orchestratorTypes, name)
}

/**
 * Loads an orchestrator by its secret `orchestrators/<name>`.
 *
 * @param name undefined for callers that name none
 * @throws Failure `misconfigured`, `unavailable`
 */
export async function loadOrchestrator(
  name = DEFAULT_ORCHESTRATOR,
  { fresh = false, ignoresUnknown = false }: Omit<ReadOptions, 'missing'> = {},
): Promise<Orchestrator> {
  const path = `orchestrators/${name}`
  const head = z.looseObject({ type: z.enum(Object.keys(orchestratorTypes)) })
  const { type } = name === DEFAULT_ORCHESTRATOR ? { type: name } : await readSecret(path, head, { fresh })
  const { secret, connect } = await loadOrchestratorType(type)
  return connect(secret ? await readSecret(path, secret, { ignoresUnknown }) : {})
}

/** Loads a type of orchestrator by its name. */
export async function loadOrchestratorType(name: string): Promise<OrchestratorType> {
  const load = isOrchestratorType(name) ? orchestratorTypes[name] : undefined
  if (load) return load()
  throw new Failure('misconfigured', unknownName('orchestrator type', name, Object.keys(orchestratorTypes)))
}

/** A request of an engine that polls and cannot send the body of a call. */
export type PollerRequest = FlaggerRequest

/** Reads the body of an engine that cannot send that of a call. Returns undefined for all others. */
export const parsePollerBody: (body: Record<string, unknown>) => PollerRequest | undefined = parseFlagger
