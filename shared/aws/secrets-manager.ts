import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

export { ListSecretsCommand } from '@aws-sdk/client-secrets-manager'

/** Shared for the life of the process, so that connections are reused. Loaded when first used. */
export const secretsManager = new SecretsManagerClient()
