declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  /** The parts of a request that middleware sees. */
  interface ProviderContext {
    path: string
    body?: { id_token?: string }
  }

  /** A certified OpenID provider. */
  export default class Provider {
    constructor(issuer: string, configuration: object)
    use(middleware: (context: ProviderContext, next: () => Promise<void>) => Promise<void>): void
    callback(): RequestListener
  }
}
