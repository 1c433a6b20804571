// Re-exports the used part only: a dynamic import of the whole library would bundle all of it.
export { getSecret } from '@aws-lambda-powertools/parameters/secrets'
