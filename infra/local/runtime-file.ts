import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { authorizationWith } from './cloud/index.ts'
import { writePrivateFile } from './state-folder.ts'

/** URLs and credentials of a running runtime and its local AWS APIs. They change with each start. */
export interface RuntimeFile {
  url: string
  /** `endpoint` is the URL of Lambda and Secrets Manager. */
  aws: { endpoint: string; dynamodb: string; accessKeyId: string; secretAccessKey: string }
}

/** Returns the file that exists in the state folder while the runtime runs. Only its owner can read it. */
export function runtimeFile(state: string): string {
  return join(state, 'runtime.json')
}

export function writeRuntimeFile(state: string, content: RuntimeFile): void {
  writePrivateFile(runtimeFile(state), `${JSON.stringify(content, null, 2)}\n`)
}

/** @returns undefined if no runtime runs with this state folder */
export function readRuntimeFile(state: string): RuntimeFile | undefined {
  try {
    return JSON.parse(readFileSync(runtimeFile(state), 'utf8')) as RuntimeFile
  } catch {
    return undefined
  }
}

/** Returns Lambda of a running runtime, with the header that its calls need. */
export function localLambda(state: string): { endpoint: string; authorization: string } | undefined {
  const aws = readRuntimeFile(state)?.aws
  return aws && { endpoint: aws.endpoint, authorization: authorizationWith(aws) }
}
