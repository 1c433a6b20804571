// Re-exports the used part only: a dynamic import of the whole library would bundle all of it.
export { fromNodeProviderChain } from '@aws-sdk/credential-providers'
