import { createHash } from 'node:crypto'
import { invalidParameter } from './errors.ts'

export const REGION = 'eu-west-1'
export const ACCOUNT = '000000000000'

const FUNCTION = /^(?:arn:aws[\w-]*:lambda:[\w-]+:)?(?:\d{12}:)?(?:function:)?([\w-]+)(?::([\w$-]+))?$/
const EXECUTION_NAME = /^[a-zA-Z0-9-_]{1,64}$/

/**
 * @param reference function name, partial or full ARN, each with or without version or alias
 * @returns the plain function name, or undefined when it is none of these
 */
export function parseFunctionName(reference: string): string | undefined {
  return FUNCTION.exec(reference)?.[1]
}

/**
 * @param reference as of parseFunctionName
 * @throws InvalidParameterValueException when it is no name of a function
 */
export function functionNameOf(reference: string): string {
  const name = parseFunctionName(reference)
  if (name === undefined) throw invalidParameter(`Invalid function name or ARN: ${reference}`)
  return name
}

/** @returns the version or alias that a reference of parseFunctionName names, if any */
export function qualifierOf(reference: string): string | undefined {
  return FUNCTION.exec(reference)?.[2]
}

/** @returns the version that a reference of parseFunctionName names; undefined for an alias or `$LATEST`, which are the newest */
export function versionOf(reference: string): number | undefined {
  const qualifier = qualifierOf(reference) ?? ''
  return /^\d+$/.test(qualifier) ? Number(qualifier) : undefined
}

/** @returns the ARN of a function, or of it at a version or an alias */
export function functionArn(name: string, qualifier?: string | number): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`
}

/** @returns the ARN of a durable execution, in AWS's form */
export function executionArn(functionName: string, version: number, executionName: string, uuid: string): string {
  return `${functionArn(functionName, version)}/durable-execution/${executionName}/${uuid}`
}

/** @throws InvalidParameterValueException when a DurableExecutionName is not 1-64 of `[a-zA-Z0-9-_]` */
export function assertExecutionName(name: string): void {
  if (!EXECUTION_NAME.test(name))
    throw invalidParameter(
      `1 validation error detected: Value '${name}' at 'durableExecutionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+ and have length between 1 and 64`,
    )
}

/** @returns the ARN of a secret; its six letters are made from the name, so they stay the same */
export function secretArn(name: string): string {
  return `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-${secretSuffix(name)}`
}

/** @returns the name behind a SecretId, which may be a name or an ARN */
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
