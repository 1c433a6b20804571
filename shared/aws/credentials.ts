// Re-exports only the used part, because a dynamic import of the package would bundle all of it.
export { fromNodeProviderChain } from '@aws-sdk/credential-providers'
