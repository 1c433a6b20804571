import { EVENTS_ALIAS, FORWARDED_ALIAS } from '../../../shared/core/webhook/forwarded.ts'
import { invalidParameter, notFound } from './errors.ts'
import { ALIAS, functionArn, functionNameOf, qualifierOf, versionOf } from './names.ts'
import type { InvokedFunction, PublishedFunction, Versions } from './versions.ts'

/**
 * @param version defaults to the latest
 * @throws ResourceNotFoundException if the function or version does not exist
 */
export function functionOf(versions: Versions, name: string, version?: number): PublishedFunction {
  const fn = versions.of(name, version)
  if (fn === undefined) throw notFound(`Function not found: ${functionArn(name, version ?? '$LATEST')}`)
  return fn
}

/**
 * Returns the function that a name or an ARN means. A durable function needs a version or an existing alias, because its
 * executions must keep their code.
 *
 * @throws InvalidParameterValueException, ResourceNotFoundException
 */
export function resolveFunction(versions: Versions, id: string): InvokedFunction {
  const fn = functionOf(versions, functionNameOf(id), versionOf(id))
  const qualifier = qualifierOf(id)
  if (fn.durable !== undefined && (qualifier === undefined || qualifier === '$LATEST'))
    throw invalidParameter(
      `The durable function ${fn.name} must be invoked with a version or an alias: ${fn.name}:${ALIAS}`,
    )
  if (qualifier !== undefined && !/^(\d+|\$LATEST)$/.test(qualifier) && !aliasesOf(fn).includes(qualifier))
    throw notFound(`Function not found: ${functionArn(fn.name, qualifier)}`)
  return { ...fn, qualifier }
}

/** The aliases of a function, as in the stack: plain functions can have those for other functions. */
export function aliasesOf({ durable }: Pick<PublishedFunction, 'durable'>): string[] {
  return durable === undefined ? [ALIAS, FORWARDED_ALIAS, EVENTS_ALIAS] : [ALIAS]
}
