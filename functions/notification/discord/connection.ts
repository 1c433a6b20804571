import * as z from 'zod/mini'
import { name, optional, secret, url, withDescription } from '../../../shared/fields.ts'

/** A snowflake. */
export const ID = /^\d{17,20}$/
export const PUBLIC_KEY = /^[0-9a-f]{64}$/

export const discordConnection = z.strictObject({
  baseUrl: z._default(url('URL of the API'), 'https://discord.com/api/v10'),
  token: secret('Token of the bot'),
  publicKey: optional(
    withDescription(
      z.string().check(z.regex(PUBLIC_KEY, { message: 'must be 64 hexadecimal digits' })),
      'Public key of the application, which verifies button requests; required for ask-approval',
    ),
  ),
  channel: optional(name('Id of the default channel (Copy Channel ID, in developer mode), such as 41771983423143937')),
})
