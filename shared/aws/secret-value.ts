// Only what is used, since who imports a library as a whole, when it is first needed, gets all of it.
export { getSecret } from '@aws-lambda-powertools/parameters/secrets'
