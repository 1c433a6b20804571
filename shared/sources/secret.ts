import * as z from 'zod/mini'
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
})

export type SourceSecret = z.output<typeof sourceSecret>
