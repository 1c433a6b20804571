import { types } from 'node:util'

/** What the SDK signs with, and where: the environment of a function, without an account behind it. */
process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] = 'a-secret-access-key-of-nobody'
process.env['AWS_REGION'] = 'eu-west-1'
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
process.env['AWS_CONFIG_FILE'] = '/dev/null'
process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null'
delete process.env['AWS_SESSION_TOKEN']
delete process.env['AWS_PROFILE']

// Jest has a realm of its own, in which errors of Node's core are none, and the SDK would wrap them in others.
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: typeof Error, thing: unknown): boolean {
    return this === Error ? types.isNativeError(thing) : Function.prototype[Symbol.hasInstance].call(this, thing)
  },
})
