// Re-exports only the used part, because a dynamic import of the package would bundle all of it.
export { getSecret } from '@aws-lambda-powertools/parameters/secrets'
