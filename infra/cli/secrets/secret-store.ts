import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  paginateListSecrets,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import type { Command } from 'commander'
import { Failure, messageOf, toSentence } from '../../../shared/errors.ts'
import { isRecord } from '../../../shared/record.ts'
import { settings } from '../../../shared/settings.ts'
import { explainAws } from '../../aws/aws-errors.ts'
import { credentialsOf } from '../../local/credentials.ts'
import { readKeys } from '../../local/generated-keys.ts'
import { localSecrets } from '../../local/secrets.ts'
import { writePrivateFile } from '../../local/state-folder.ts'
import { UsageError } from '../../project/usage-error.ts'
import { localUrl, stateFolder } from '../receiver/receiver.ts'

/** The secrets of a deployment or of the local runtime. Paths are relative to the prefix: `connections/issue-ticketing/jira`. */
export interface SecretStore {
  /** For messages: `Secrets Manager (eu-west-1)`, or the path of the file. */
  place: string
  /** For commands in messages: ` --local`, or nothing. */
  option: string
  /**
   * Returns the parsed content of a secret; undefined if it does not exist.
   *
   * @throws Failure `misconfigured` if it is not JSON
   */
  get(path: string): Promise<unknown>
  /**
   * Creates or replaces a secret.
   *
   * @param description of a new secret. A person may have changed that of an existing one
   */
  put(path: string, value: object, description?: string): Promise<'created' | 'replaced'>
  /** Lists the secrets below a path, without the path, sorted. */
  list(path: string): Promise<string[]>
}

export interface StoreOptions {
  local?: boolean
  kmsKey?: string
  /** True if AWS must not be called. */
  dryRun?: boolean
}

/** Adds the option of each command that reads secrets. */
export function storeOptions(command: Command): Command {
  return command.option(
    '--local',
    'use the secrets of the local runtime (WEBHOOKS_SECRETS, or .webhooks/secrets.json) instead of Secrets Manager',
  )
}

/** Text for the `--help` of these commands. */
export const STORE_HELP = `
Secrets are stored in AWS Secrets Manager, in the account and region of your AWS environment (AWS_PROFILE, AWS_REGION, ..),
with the prefix WEBHOOKS_SECRET_PREFIX (default: cloud-automation-webhooks).`

/** @throws UsageError if the local file is not valid */
export async function openStore({ local, kmsKey, dryRun }: StoreOptions): Promise<SecretStore> {
  if (!local) return secretsManager(kmsKey, dryRun)
  return secretsFile(localFile(), localUrl(), stateFolder())
}

/** Returns the file whose secrets override the default secrets of the sandbox. */
function localFile(): string {
  return resolve(process.env['WEBHOOKS_SECRETS'] ?? join(stateFolder(), 'secrets.json'))
}

/** Returns the full name of a secret. */
export function secretName(path: string): string {
  return `${settings.secretPrefix}/${path}`
}

async function secretsManager(kmsKey: string | undefined, dryRun = false): Promise<SecretStore> {
  const client = new SecretsManagerClient()
  const explainErrors = async <T>(response: Promise<T>, path: string): Promise<T> => {
    try {
      return await response
    } catch (error) {
      throw explainAws(error, `The secret ${secretName(path)}`, ', or pass --local for the local runtime')
    }
  }
  const region = dryRun ? '' : ` (${await explainErrors(client.config.region(), '')})`
  return {
    place: `Secrets Manager${region}`,
    option: '',

    async get(path) {
      const SecretId = secretName(path)
      const found = await explainErrors(orMissing(client.send(new GetSecretValueCommand({ SecretId }))), path)
      return found && parse(SecretId, found.SecretString ?? '')
    },

    async put(path, value, Description) {
      const SecretId = secretName(path)
      const SecretString = JSON.stringify(value)
      const changed = await explainErrors(
        orMissing(client.send(new PutSecretValueCommand({ SecretId, SecretString }))),
        path,
      )
      if (changed) return 'replaced'
      const key = kmsKey ? { KmsKeyId: kmsKey } : {}
      await explainErrors(
        client.send(new CreateSecretCommand({ Name: SecretId, SecretString, Description, ...key })),
        path,
      )
      return 'created'
    },

    async list(path) {
      const prefix = secretName(path)
      const names: string[] = []
      const readPages = async () => {
        const pages = paginateListSecrets({ client }, { Filters: [{ Key: 'name', Values: [prefix] }] })
        for await (const { SecretList = [] } of pages) {
          names.push(...SecretList.flatMap(({ Name = '' }) => below(prefix, Name)))
        }
      }
      await explainErrors(readPages(), path)
      return names.sort()
    },
  }
}

async function orMissing<T>(response: Promise<T>): Promise<T | undefined> {
  try {
    return await response
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

/** Reads the secrets of the local runtime: the file over the defaults of the sandbox. Writes only the file. */
function secretsFile(file: string, url: string, state: string): SecretStore {
  const options = { keys: readKeys(state), credentials: credentialsOf(state) }
  const load = () => {
    try {
      return localSecrets(url, existsSync(file) ? file : undefined, options)
    } catch (error) {
      throw new UsageError(toSentence(messageOf(error)), { cause: error })
    }
  }
  return {
    place: file,
    option: ' --local',
    async get(path) {
      const text = load().get(secretName(path))
      return text === undefined ? undefined : parse(secretName(path), text)
    },
    async put(path, value) {
      const exists = load().get(secretName(path)) !== undefined
      const content = existsSync(file) ? parse(file, readFileSync(file, 'utf8')) : {}
      writeSecretsFile(file, { ...(isRecord(content) ? content : {}), [secretName(path)]: value })
      // If this connects a real platform, the demo credentials are replaced now, not at the first call.
      load().names()
      return exists ? 'replaced' : 'created'
    },
    list: async (path) =>
      load()
        .names()
        .flatMap((name) => below(secretName(path), name))
        .sort(),
  }
}

function writeSecretsFile(file: string, value: object): void {
  try {
    // Writes through a symbolic link.
    const target = existsSync(file) ? realpathSync(file) : file
    writePrivateFile(target, `${JSON.stringify(value, null, 2)}\n`)
  } catch (error) {
    throw new UsageError(`Cannot write ${file}: ${messageOf(error)}.`, { cause: error })
  }
}

function below(prefix: string, name: string): string[] {
  return name.startsWith(prefix) ? [name.slice(prefix.length)] : []
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: the parser's message quotes the secret.
    throw new Failure('misconfigured', `The secret ${name} is not JSON. Replace its value with a JSON object.`)
  }
}
