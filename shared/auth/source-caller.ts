import type * as z from 'zod/mini'
import { readSecret } from '../aws/deployment-secrets.ts'
import { Failure } from '../errors.ts'
import { callerNameOf, sourceOfCaller } from '../source-name.ts'
import { AWS_SOURCE } from '../sources/declared.ts'
import { sourceLimits } from '../sources/secret.ts'
import { type Caller, callerNamed } from './callers.ts'

/**
 * Returns the caller that the rules of a source act as: `source-<name>`, with the limits in the secret of the source.
 *
 * @throws Failure `unknown`, `misconfigured`, `unavailable`
 */
export async function callerOfSource(source: string): Promise<Caller> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(source)) throw new Failure('unknown', 'There is no source of this name.')
  const limits = await readLimits(source)
  return { name: callerNameOf(source), tokens: [], categories: ['*'], ...limits }
}

/**
 * Returns the caller with a name and the limits of its entry, for an operator who acts for it.
 *
 * @throws Failure `forbidden`, `unknown`, `misconfigured`, `unavailable`
 */
export function callerOfName(name: string): Promise<Caller> {
  const source = sourceOfCaller(name)
  return source === undefined ? callerNamed(name) : callerOfSource(source)
}

async function readLimits(source: string): Promise<z.output<typeof sourceLimits>> {
  try {
    return await readSecret(`sources/${source}`, sourceLimits, { ignoresUnknown: true, missing: 'unknown' })
  } catch (error) {
    // Events of the account need no secret.
    if (source === AWS_SOURCE && error instanceof Failure && error.kind === 'unknown') return {}
    throw error
  }
}
