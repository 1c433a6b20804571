import type { Failure } from '../../../shared/errors.ts'

interface AwsError {
  type: string
  status: number
  kind: Failure['kind']
  message: string
  /** A part of the message of the failure. Defaults to the message of AWS. */
  shown?: string
}

const EXPIRED = 'The security token included in the request is expired'
const INVALID = 'The security token included in the request is invalid.'

/** Errors that AWS says about credentials. */
export const credentialErrors: AwsError[] = [
  { type: 'ExpiredToken', status: 403, kind: 'credentials', message: EXPIRED },
  { type: 'ExpiredTokenException', status: 400, kind: 'credentials', message: EXPIRED },
  { type: 'InvalidClientTokenId', status: 403, kind: 'credentials', message: INVALID },
  { type: 'UnrecognizedClientException', status: 400, kind: 'credentials', message: INVALID },
]

/** Errors that every AWS service can return. */
export const awsErrors: AwsError[] = [
  { type: 'Throttling', status: 400, kind: 'platform', message: 'Rate exceeded' },
  { type: 'ThrottlingException', status: 400, kind: 'platform', message: 'Rate exceeded' },
  { type: 'InternalFailure', status: 500, kind: 'platform', message: 'It failed' },
  ...credentialErrors,
  {
    type: 'AccessDeniedException',
    status: 400,
    kind: 'refused',
    message: 'User: u is not authorized to perform: a:B',
    shown: 'Allow it under awsProviders in cdk.json',
  },
  {
    type: 'InvalidParameterCombination',
    status: 400,
    kind: 'refused',
    message: 'Invalid parameter: "Message" <too long>',
  },
]
