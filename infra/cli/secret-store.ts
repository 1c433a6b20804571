import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import type { Command } from 'commander'
import { Failure, messageOf, toSentence } from '../../shared/errors.ts'
import { isRecord } from '../../shared/record.ts'
import { settings } from '../../shared/settings.ts'
import { credentialsOf } from '../local/credentials.ts'
import { readIdentityKey } from '../local/identity-key.ts'
import { localSecrets } from '../local/secrets.ts'
import { writePrivateFile } from '../local/state-folder.ts'
import { explainAws } from './aws-errors.ts'
import { localUrl, stateFolder, UsageError } from './receiver.ts'

/** Where the secrets of a deployment are. A path is below the prefix: `connections/issue-ticketing/jira`. */
export interface SecretStore {
  /** For people: `Secrets Manager (eu-west-1)`, or the file. */
  place: string
  /**
   * What a secret holds; undefined where there is none.
   *
   * @throws Failure `misconfigured` where it is not JSON
   */
  get(path: string): Promise<unknown>
  /** Stores it as JSON, whether it was there or not. */
  put(path: string, value: object): Promise<'created' | 'replaced'>
  /** What follows a path in the names of the secrets below it, sorted. */
  list(path: string): Promise<string[]>
}

export interface StoreOptions {
  local?: boolean
  kmsKey?: string
  /** Whether nothing is to be asked of AWS. */
  dryRun?: boolean
}

/** The option of every command that reads secrets. */
export function storeOptions(command: Command): Command {
  return command.option(
    '--local',
    'the secrets of the local runtime (the file of WEBHOOKS_SECRETS, else .webhooks/secrets.json) instead of Secrets Manager',
  )
}

/** What is said of it in each `--help`. */
export const storeHelp = `
Secrets are in AWS Secrets Manager, of the account and region of your AWS environment (AWS_PROFILE, AWS_REGION ..), below
WEBHOOKS_SECRET_PREFIX (cloud-automation-webhooks).`

/** @throws UsageError where there is no region, or the local file can not be read */
export async function openStore({ local, kmsKey, dryRun }: StoreOptions): Promise<SecretStore> {
  if (!local) return secretsManager(kmsKey, dryRun)
  return secretsFile(localFile(), localUrl(), stateFolder())
}

/** The file that is laid over the sandbox's own secrets. */
function localFile(): string {
  return resolve(process.env['WEBHOOKS_SECRETS'] ?? join(stateFolder(), 'secrets.json'))
}

/** The full name of a secret. */
export function secretName(path: string): string {
  return `${settings.secretPrefix}/${path}`
}

async function secretsManager(kmsKey: string | undefined, dryRun = false): Promise<SecretStore> {
  const client = new SecretsManagerClient()
  const asked = async <T>(answer: Promise<T>, path: string): Promise<T> => {
    try {
      return await answer
    } catch (error) {
      throw explainAws(error, `The secret ${secretName(path)}`)
    }
  }
  const region = dryRun ? '' : ` (${await asked(client.config.region(), '')})`
  return {
    place: `Secrets Manager${region}`,

    async get(path) {
      const SecretId = secretName(path)
      const found = await asked(orMissing(client.send(new GetSecretValueCommand({ SecretId }))), path)
      return found && parse(SecretId, found.SecretString ?? '')
    },

    async put(path, value) {
      const SecretId = secretName(path)
      const SecretString = JSON.stringify(value)
      const changed = await asked(orMissing(client.send(new PutSecretValueCommand({ SecretId, SecretString }))), path)
      if (changed) return 'replaced'
      const key = kmsKey ? { KmsKeyId: kmsKey } : {}
      await asked(client.send(new CreateSecretCommand({ Name: SecretId, SecretString, ...key })), path)
      return 'created'
    },

    async list(path) {
      const prefix = secretName(path)
      const names: string[] = []
      let next: string | undefined
      do {
        const page = await asked(
          client.send(
            new ListSecretsCommand({
              Filters: [{ Key: 'name', Values: [prefix] }],
              MaxResults: 100,
              ...(next ? { NextToken: next } : {}),
            }),
          ),
          path,
        )
        names.push(...(page.SecretList ?? []).flatMap(({ Name = '' }) => below(prefix, Name)))
        next = page.NextToken
      } while (next)
      return names.sort()
    },
  }
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
    throw error
  }
}

/** Reads what the local runtime sees, the sandbox's secrets and the file over them; writes the file. */
function secretsFile(file: string, url: string, state: string): SecretStore {
  const options = { identityKey: readIdentityKey(state), credentials: credentialsOf(state) }
  const seen = () => {
    try {
      return localSecrets(url, existsSync(file) ? file : undefined, options)
    } catch (error) {
      throw new UsageError(toSentence(messageOf(error)), { cause: error })
    }
  }
  return {
    place: file,
    async get(path) {
      const text = seen().get(secretName(path))
      return text === undefined ? undefined : parse(secretName(path), text)
    },
    async put(path, value) {
      const there = seen().get(secretName(path)) !== undefined
      const own = existsSync(file) ? parse(file, readFileSync(file, 'utf8')) : {}
      writeWhole(file, { ...(isRecord(own) ? own : {}), [secretName(path)]: value })
      // The credentials change now if this connects a real platform, not with the first call after it.
      seen().names()
      return there ? 'replaced' : 'created'
    },
    list: async (path) =>
      seen()
        .names()
        .flatMap((name) => below(secretName(path), name))
        .sort(),
  }
}

function writeWhole(file: string, value: object): void {
  try {
    // A link stays one.
    const target = existsSync(file) ? realpathSync(file) : file
    writePrivateFile(target, `${JSON.stringify(value, null, 2)}\n`)
  } catch (error) {
    throw new UsageError(`${file} can not be written: ${messageOf(error)}.`, { cause: error })
  }
}

function below(prefix: string, name: string): string[] {
  return name.startsWith(prefix) ? [name.slice(prefix.length)] : []
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Without the cause: a parser quotes what it could not read.
    throw new Failure('misconfigured', `The secret ${name} is not JSON: store one JSON object in it.`)
  }
}
