import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { messageOf } from '../../../shared/errors.ts'
import { openApi } from '../../openapi/document.ts'
import { parseUrl, receiverOf } from '../receiver/receiver.ts'
import { note } from '../terminal/output.ts'

/** `webhooks openapi`: prints the OpenAPI document. */
export function openapiCommand(): Command {
  return new Command('openapi')
    .option('--url <url>', 'URL of the API (default: WEBHOOKS_URL, or the local runtime at WEBHOOKS_PORT)', parseUrl)
    .option('--output <file>', 'write the document to a file')
    .option('--json', 'accepted for consistency: the output is always JSON')
    .addHelpText(
      'after',
      `
The document is generated from the schemas that validate each call. The local runtime serves it at /v1/openapi.json.

Exit code: 0 printed, 1 the file cannot be written, 2 invalid arguments.

Examples:
  $ npx webhooks openapi --url https://abc.execute-api.eu-west-1.amazonaws.com
  $ npx webhooks openapi --output openapi.json`,
    )
    .action(run)
}

function run({ url, output }: { url?: string; output?: string }): void {
  const text = JSON.stringify(openApi(receiverOf({ url }).url), null, 2)
  if (output === undefined) return void console.log(text)
  try {
    writeFileSync(output, `${text}\n`)
  } catch (error) {
    throw new Error(`Cannot write ${output}: ${messageOf(error)}.`, { cause: error })
  }
  note(`Wrote ${output}.`)
}
