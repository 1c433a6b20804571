import { createHash } from 'node:crypto'
import { invalidParameter } from './errors.ts'

export const REGION = 'eu-west-1'
export const ACCOUNT = '000000000000'
/** The alias of each function, as in the stack. */
export const ALIAS = 'live'

const FUNCTION = /^(?:arn:aws[\w-]*:lambda:[\w-]+:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::([\w$-]+))?$/
const EXECUTION_NAME = /^[a-zA-Z0-9-_]{1,64}$/

/**
 * Returns the plain name of a function.
 *
 * @param id name, partial or full ARN, each with or without version or alias
 * @throws InvalidParameterValueException if it is not the name of a function
 */
export function functionNameOf(id: string): string {
  const name = FUNCTION.exec(id)?.[1]
  if (name === undefined) throw invalidParameter(`Invalid function name or ARN: ${id}`)
  return name
}

/** Returns the version or alias in the id of a function. */
export function qualifierOf(id: string): string | undefined {
  return FUNCTION.exec(id)?.[2]
}

/** Returns the version in the id of a function; undefined for an alias and for `$LATEST`, which mean the latest version. */
export function versionOf(id: string): number | undefined {
  const qualifier = qualifierOf(id) ?? ''
  return /^\d+$/.test(qualifier) ? Number(qualifier) : undefined
}

/** Returns the ARN of a function, optionally with a version or an alias. */
export function functionArn(name: string, qualifier?: string | number): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`
}

/** Returns the ARN of a durable execution. */
export function executionArn(functionName: string, version: number, executionName: string, uuid: string): string {
  return `${functionArn(functionName, version)}/durable-execution/${executionName}/${uuid}`
}

/** @throws InvalidParameterValueException if the name is not 1 to 64 characters of `[a-zA-Z0-9-_]` */
export function assertExecutionName(name: string): void {
  if (!EXECUTION_NAME.test(name))
    throw invalidParameter(
      `1 validation error detected: Value '${name}' at 'durableExecutionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+ and have length between 1 and 64`,
    )
}

/** Returns the ARN of a secret. Its suffix is derived from the name, so it does not change. */
export function secretArn(name: string): string {
  return `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-${secretSuffix(name)}`
}

/** Returns the name in a SecretId, which is a name or an ARN. */
export function secretNameOf(id: string): string {
  const prefix = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:`
  if (!id.startsWith(prefix)) return id
  const rest = id.slice(prefix.length)
  const name = rest.slice(0, -7)
  return rest === `${name}-${secretSuffix(name)}` ? name : rest
}

function secretSuffix(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 6)
}
