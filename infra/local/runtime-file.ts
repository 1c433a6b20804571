import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivateFile } from './state-folder.ts'

/** How to reach a runtime and its stand-ins for AWS; both change with every start. */
export interface RuntimeFile {
  url: string
  /** `endpoint` is that of Lambda and Secrets Manager. */
  aws: { endpoint: string; dynamodb: string; accessKeyId: string; secretAccessKey: string }
}

/** In the state folder while the runtime runs; only its owner can read it. */
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
