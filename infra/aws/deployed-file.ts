import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda'
import { Stage } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { hashedName } from './deployed-name.ts'
import { YamlFileError } from './read-yaml-file.ts'
import { SettingsError } from './settings.ts'

interface DeployedFileProps {
  /** The start of its name. */
  name: string
  contents: object
  description: string
}

/**
 * A file of the deployment, as a layer with one JSON file. Functions that need it get it with their version, so that all functions of
 * one deployment agree. Lambda keeps a layer as long as a version uses it.
 */
export class DeployedFile extends Construct {
  readonly layer: LayerVersion
  /** The path of the file in a function. */
  readonly file: string

  constructor(scope: Construct, id: string, { name, contents, description }: DeployedFileProps) {
    super(scope, id)
    const text = JSON.stringify(contents)
    const hashed = hashedName(name, text)
    const folder = join(Stage.of(this)?.assetOutdir ?? tmpdir(), `webhooks-${hashed}`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${hashed}.json`), text)
    this.layer = new LayerVersion(this, 'Layer', { code: Code.fromAsset(folder), description })
    this.file = `/opt/${hashed}.json`
  }
}

/**
 * Reads a file that the settings name.
 *
 * @throws SettingsError if the file is not valid
 */
export function readDeployed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof YamlFileError ? new SettingsError(error.message, { cause: error }) : error
  }
}
