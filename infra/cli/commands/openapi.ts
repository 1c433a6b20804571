import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { messageOf } from '../../../shared/errors.ts'
import { openApi } from '../../openapi/document.ts'
import { note } from '../output.ts'
import { parseUrl, receiverOf } from '../receiver.ts'

/** `webhooks openapi`: the HTTP interface, for programs. */
export function openapiCommand(): Command {
  return new Command('openapi')
    .description('print the HTTP interface as an OpenAPI 3.1 document')
    .option('--url <url>', 'where the API is (default: WEBHOOKS_URL, or the local runtime at WEBHOOKS_PORT)', parseUrl)
    .option('--output <file>', 'write it to a file instead')
    .option('--json', 'it is always JSON')
    .addHelpText(
      'after',
      `
It is made of the schemas that check each call. The local runtime serves it at /v1/openapi.json.

Exit code: 0 printed, 1 the file can not be written, 2 arguments.

Examples:
  $ npm run webhooks -- openapi --url https://abc.execute-api.eu-west-1.amazonaws.com
  $ npm run webhooks -- openapi --output openapi.json`,
    )
    .action(run)
}

function run({ url, output }: { url?: string; output?: string }): void {
  const text = JSON.stringify(openApi(receiverOf({ url }).url), null, 2)
  if (output === undefined) return void console.log(text)
  try {
    writeFileSync(output, `${text}\n`)
  } catch (error) {
    throw new Error(`${output} can not be written: ${messageOf(error)}.`, { cause: error })
  }
  note(`Wrote ${output}.`)
}
