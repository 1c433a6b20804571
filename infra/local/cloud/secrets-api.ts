import { createHash } from 'node:crypto'
import { ApiError } from './errors.ts'
import type { Answer } from './http.ts'
import { secretArn, secretNameOf } from './names.ts'

const TARGET = 'secretsmanager.'

/** Where secrets come from; asked at every call. */
export interface SecretSource {
  secret: (name: string) => string | undefined
  secretNames?: () => string[]
  putSecret?: (name: string, value: string) => void
}

/** @returns whether the X-Amz-Target header means Secrets Manager */
export function isSecretsCall(target: string | undefined): target is string {
  return target?.startsWith(TARGET) ?? false
}

/**
 * Secrets Manager's GetSecretValue, ListSecrets (names only), CreateSecret and PutSecretValue, of secrets that are text.
 * @param target X-Amz-Target
 * @param body JSON of the request
 * @throws ApiError ResourceNotFoundException (400, as this service has it) when there is no such secret,
 *   ResourceExistsException when there is one to be created, InvalidParameterException
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/
 */
export function handleSecrets(source: SecretSource, target: string, body: Buffer): Answer {
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
      throw new ApiError('UnknownOperationException', 400, `No operation of the local Secrets Manager: ${target}`)
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
    throw new ApiError('InvalidRequestException', 400, 'Secrets can only be read here: they are kept in a file.')
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
    SecretList: names.slice(start, end).map((name) => ({ ARN: secretArn(name), Name: name })),
    ...(end < names.length ? { NextToken: String(end) } : {}),
  }
}

// A rotated secret has another version, as in AWS; the hash does not give the value away.
function versionOf(value: string): string {
  const hex = createHash('sha256').update(`version of ${value}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
