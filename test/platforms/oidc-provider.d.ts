declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  /** A certified OpenID provider. */
  export default class Provider {
    constructor(issuer: string, configuration: object)
    callback(): RequestListener
  }
}
