import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { readCredentials } from '../../local/credentials.ts'
import { portOf } from '../../local/port.ts'
import { readRuntimeFile } from '../../local/runtime-file.ts'
import { UsageError } from '../../project/usage-error.ts'
import { defaultUrl, demo } from '../../sandbox/platforms/sandbox/demo.ts'

/** The API that a command calls: a deployment or the local runtime. */
export interface Receiver {
  /** Without `/v1`. */
  url: string
  token: string
}

/** Returns whether a URL leads to this machine. */
export function isLoopback(url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? ''
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)
}

/** Returns the state folder of the local runtime. */
export function stateFolder(): string {
  return resolve(process.env['WEBHOOKS_STATE'] ?? '.webhooks')
}

/** Returns the URL of the local runtime, from WEBHOOKS_PORT or from the runtime that uses the state folder, if one does. */
function runtimeUrl(): string | undefined {
  const port = process.env['WEBHOOKS_PORT']
  if (port === undefined) return readRuntimeFile(stateFolder())?.url
  if (!/^\d{1,5}$/.test(port)) throw new UsageError('WEBHOOKS_PORT must be a port number, such as 8787.')
  return `http://127.0.0.1:${port}`
}

/** @throws UsageError if WEBHOOKS_STATE names the folder of a runtime that does not run: another one must not get its calls */
function receiverUrl(): string {
  const url = process.env['WEBHOOKS_URL'] ?? runtimeUrl()
  if (url === undefined && process.env['WEBHOOKS_STATE'] !== undefined)
    throw new UsageError(
      `No local runtime uses ${stateFolder()}. Run npm start with this WEBHOOKS_STATE, or set WEBHOOKS_PORT or WEBHOOKS_URL.`,
    )
  return url ?? defaultUrl
}

/** Returns the URL of the local runtime, or the default one. Ignores a WEBHOOKS_URL of a deployed API. */
export function localUrl(): string {
  const url = process.env['WEBHOOKS_URL']
  return receiverOf({ url: url !== undefined && isLoopback(url) ? url : (runtimeUrl() ?? defaultUrl) }).url
}

/** Adds the options of each command that calls the receiver. */
export function receiverOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      'URL of the deployed API (default: WEBHOOKS_URL, or the local runtime at WEBHOOKS_PORT)',
      parseUrl,
    )
    .option('--token <token>', 'token of a caller (default: WEBHOOKS_TOKEN, or the demo token of the local runtime)')
}

/** Completes the options with their defaults. The URL may end in `/v1`, as `cdk deploy` prints it. */
export function receiverOf({ url = receiverUrl(), token }: { url?: string | undefined; token?: string }): Receiver {
  return {
    url: url.replace(/\/+$/, '').replace(/\/v1$/, ''),
    token:
      token ??
      process.env['WEBHOOKS_TOKEN'] ??
      (isLoopback(url) ? readCredentials(stateFolder()).callerToken : demo.callerToken),
  }
}

/** Parses an option that is a URL. */
export function parseUrl(text: string): string {
  if (!URL.canParse(text))
    throw new InvalidArgumentError('It must be a URL, such as https://abc.execute-api.eu-west-1.amazonaws.com/v1.')
  return text
}

/** Parses an option that is a port. */
export function parsePort(text: string): number {
  const port = portOf(text)
  if (port !== undefined) return port
  throw new InvalidArgumentError('It must be a port number, such as 8788.')
}
