import { createHash } from 'node:crypto'
import { ApiError } from './errors.ts'
import type { ApiResponse } from './http.ts'
import { secretArn, secretNameOf } from './names.ts'

const TARGET = 'secretsmanager.'

/** Provides the secrets. Read at each request. */
export interface SecretSource {
  secret: (name: string) => string | undefined
  secretNames?: () => string[]
  putSecret?: (name: string, value: string) => void
}

/** Returns whether the X-Amz-Target header names an operation of Secrets Manager. */
export function isSecretsCall(target: string | undefined): target is string {
  return target?.startsWith(TARGET) ?? false
}

/**
 * Handles GetSecretValue, ListSecrets (names and descriptions only), CreateSecret and PutSecretValue of Secrets Manager for text secrets.
 *
 * @param target X-Amz-Target
 * @param body JSON of the request
 * @throws ApiError ResourceNotFoundException (with status 400, as in AWS), ResourceExistsException or
 *   InvalidParameterException
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/
 */
export function handleSecrets(source: SecretSource, target: string, body: Buffer): ApiResponse {
  const request = JSON.parse(body.toString() || '{}')
  switch (target.slice(TARGET.length)) {
    case 'GetSecretValue':
      return { status: 200, body: secretValue(source, request), headers: JSON_1_1 }
    case 'ListSecrets':
      return { status: 200, body: secretList(source, request), headers: JSON_1_1 }
    case 'CreateSecret':
      return { status: 200, body: createSecret(source, request), headers: JSON_1_1 }
    case 'PutSecretValue':
      return { status: 200, body: putSecretValue(source, request), headers: JSON_1_1 }
    default:
      throw new ApiError('UnknownOperationException', 400, `The local Secrets Manager does not support ${target}`)
  }
}

const JSON_1_1 = { 'content-type': 'application/x-amz-json-1.1' }

function secretValue(
  source: SecretSource,
  request: { SecretId?: string; VersionStage?: string; VersionId?: string },
): object {
  if (typeof request.SecretId !== 'string' || request.SecretId === '')
    throw new ApiError('InvalidParameterException', 400, 'You must provide a value for the SecretId parameter.')
  const name = secretNameOf(request.SecretId)
  const value = source.secret(name)
  if (value === undefined)
    throw new ApiError('ResourceNotFoundException', 400, "Secrets Manager can't find the specified secret.")
  const versionId = versionOf(value)
  const stage = request.VersionStage ?? 'AWSCURRENT'
  if (stage !== 'AWSCURRENT' || (request.VersionId !== undefined && request.VersionId !== versionId))
    throw new ApiError(
      'ResourceNotFoundException',
      400,
      request.VersionId === undefined
        ? `Secrets Manager can't find the specified secret value for staging label: ${stage}`
        : `Secrets Manager can't find the specified secret value for VersionId: ${request.VersionId}`,
    )
  return {
    ARN: secretArn(name),
    Name: name,
    SecretString: value,
    VersionId: versionId,
    VersionStages: ['AWSCURRENT'],
    CreatedDate: 0,
  }
}

function createSecret(source: SecretSource, { Name, SecretString }: { Name?: string; SecretString?: string }): object {
  if (typeof Name !== 'string' || !/^[\w/+=.@-]{1,512}$/.test(Name))
    throw new ApiError(
      'ValidationException',
      400,
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    )
  if (source.secret(Name) !== undefined)
    throw new ApiError(
      'ResourceExistsException',
      400,
      `The operation failed because the secret ${Name} already exists.`,
    )
  const value = store(source, Name, SecretString)
  return { ARN: secretArn(Name), Name, VersionId: versionOf(value) }
}

function putSecretValue(
  source: SecretSource,
  { SecretId = '', SecretString }: { SecretId?: string; SecretString?: string },
): object {
  const name = secretNameOf(SecretId)
  if (source.secret(name) === undefined)
    throw new ApiError('ResourceNotFoundException', 400, "Secrets Manager can't find the specified secret.")
  const value = store(source, name, SecretString)
  return { ARN: secretArn(name), Name: name, VersionId: versionOf(value), VersionStages: ['AWSCURRENT'] }
}

function store({ putSecret }: SecretSource, name: string, value: string | undefined): string {
  if (value === undefined)
    throw new ApiError('InvalidParameterException', 400, 'You must provide either SecretString or SecretBinary.')
  if (!putSecret)
    throw new ApiError('InvalidRequestException', 400, 'The local Secrets Manager is read-only: edit the secrets file.')
  putSecret(name, value)
  return value
}

function secretList(
  source: SecretSource,
  request: { MaxResults?: number; NextToken?: string; Filters?: { Key?: string; Values?: string[] }[] },
): object {
  const prefixes = (request.Filters ?? []).filter(({ Key }) => Key === 'name').map(({ Values }) => Values ?? [])
  const names = (source.secretNames?.() ?? [])
    .filter((name) => prefixes.every((values) => values.some((prefix) => name.startsWith(prefix))))
    .sort()
  const start = Number(request.NextToken ?? 0)
  const end = start + (request.MaxResults ?? 100)
  return {
    SecretList: names
      .slice(start, end)
      .map((name) => ({ ARN: secretArn(name), Name: name, Description: descriptionOf(source.secret(name)) })),
    ...(end < names.length ? { NextToken: String(end) } : {}),
  }
}

/** Returns the provider of a connection. The other secrets have no description. */
function descriptionOf(value: string | undefined): string | undefined {
  try {
    const { provider }: { provider?: unknown } = Object(JSON.parse(value ?? '{}'))
    return typeof provider === 'string' ? provider : undefined
  } catch {
    // It is not JSON, which its reader reports.
    return undefined
  }
}

/** Returns a version that changes with the value. The hash does not reveal the value. */
function versionOf(value: string): string {
  const hex = createHash('sha256').update(`version of ${value}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
