// Only what is used, since who imports a library as a whole, when it is first needed, gets all of it.
export { fromNodeProviderChain } from '@aws-sdk/credential-providers'
