interface CurlRequest {
  method: string
  url: string
  type: string
  body: string
}

/** Returns the command that sends a request, for a POSIX shell. It reads the token from a variable. */
export function curlCommand({ method, url, type, body }: CurlRequest): string {
  return [
    `curl -X ${method} ${quoted(url)}`,
    '-H "authorization: Bearer $WEBHOOKS_TOKEN"',
    `-H ${quoted(`content-type: ${type}`)}`,
    // Unlike --data, it does not read a file if the text starts with @.
    `--data-raw ${quoted(body)}`,
  ].join(' \\\n  ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
