import * as z from 'zod/mini'
import { callerLimits } from '../caller-limits.ts'
import { optional, secret, withDescription, word } from '../fields.ts'

const MAX_KEYS = 3

/** The secret `sources/<source>`. The type of the source says which fields it needs. */
export const sourceSecret = z.strictObject({
  keys: optional(
    withDescription(
      z.array(secret('A signing key').check(z.minLength(16))).check(z.minLength(1), z.maxLength(MAX_KEYS)),
      'Keys with which the sender may sign, the newest first',
    ),
  ),
  token: optional(secret('The token that the sender sends').check(z.minLength(16))),
  user: optional(word('The user name that the sender sends')),
  password: optional(secret('The password that the sender sends').check(z.minLength(16))),
  serviceAccount: optional(word('Email address of the Google service account that signs the requests')),
  audience: optional(word('The audience of the tokens of Google')),
  topics: optional(
    withDescription(
      z
        .array(
          z
            .string()
            .check(
              z.regex(/^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/, 'must be the ARN of a topic'),
            ),
        )
        .check(z.minLength(1), z.maxLength(10)),
      'ARNs of the SNS topics whose messages are accepted',
    ),
  ),
  allow: withDescription(callerLimits.allow, 'The actions that rules of the source may call. Defaults to all'),
  allowConnections: withDescription(
    callerLimits.allowConnections,
    'The connections that its rules may use, by category. Defaults to all',
  ),
  callsPerMinute: withDescription(
    callerLimits.callsPerMinute,
    'The calls that its rules may send to each category. Others wait',
  ),
  writes: withDescription(callerLimits.writes, 'The right of its rules to start actions: allow, approve or deny'),
})

/** The limits for the rules of a source. Webhooks ignore the other fields of the secret. */
export const sourceLimits = z.strictObject(callerLimits)

export type SourceSecret = z.output<typeof sourceSecret>
