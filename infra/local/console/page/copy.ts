import { signal } from '@preact/signals'
import { curlCommand } from '../curl-command.ts'

/** Says that something was copied, or why not. A screen reader reads it. */
export const copied = signal('')

/** Copies a text to the clipboard. */
export function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => say('Copied'),
    () => say('The browser does not allow copying'),
  )
}

const SHOWN_MS = 2_000

function say(text: string): void {
  copied.value = text
  setTimeout(() => {
    copied.value = ''
  }, SHOWN_MS)
}

interface CurlRequest {
  method: string
  path: string
  query: string
  type?: string | undefined
  body: string
}

/** Returns the command that sends a request to this runtime. */
export function curlOf({ method, path, query, type = 'application/json', body }: CurlRequest): string {
  return curlCommand({ method, url: `${location.origin}${path}${query === '' ? '' : `?${query}`}`, type, body })
}
