import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

export { ListSecretsCommand } from '@aws-sdk/client-secrets-manager'

/** One for the life of the process, so that its connections are used again. Loaded when first used. */
export const secretsManager = new SecretsManagerClient()
