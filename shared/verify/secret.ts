import * as z from 'zod/mini'
import { secret } from '../fields.ts'

/** The name of the secret, below the prefix. */
export const VERIFY_SECRET = 'verify'

/** The secret `verify`: the token of the caller with which a deployment verifies itself. */
export const verifySecret = z.strictObject({ token: secret('Token of a caller') })
