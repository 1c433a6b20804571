import { types } from 'node:util'

/** Sets the environment of a Lambda function, with credentials of no real account. */
process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] = 'a-secret-access-key'
process.env['AWS_REGION'] = 'eu-west-1'
process.env['AWS_EC2_METADATA_DISABLED'] = 'true'
process.env['AWS_CONFIG_FILE'] = '/dev/null'
process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null'
delete process.env['AWS_SESSION_TOKEN']
delete process.env['AWS_PROFILE']

// Jest runs tests in a separate realm where errors of Node's core are not instances of Error, so the SDK would wrap them.
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: typeof Error, thing: unknown): boolean {
    return this === Error ? types.isNativeError(thing) : Function.prototype[Symbol.hasInstance].call(this, thing)
  },
})
