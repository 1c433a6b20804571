import { clip } from '../text/plain-text.ts'

/** Returns an idempotency key as a Markdown comment, which is not visible. */
export function markerOf(key: string): string {
  return `<!-- cloud-automation-webhooks:${key} -->`
}

const MARKERS = /<!-- cloud-automation-webhooks:[0-9a-f]+ -->/g

/** Removes markers from the text of a caller: the object would be taken for one that another call has created. */
export function withoutMarkers(text: string): string {
  const rest = text.replace(MARKERS, '')
  // The text around a marker can become another marker.
  return rest === text ? text : withoutMarkers(rest)
}

/**
 * Appends the idempotency key, if there is one, to a text without other markers.
 *
 * @param maxLength UTF-16 units of the result; only the text is cut
 */
export function withMarker(text: string, key: string | undefined, maxLength = Number.POSITIVE_INFINITY): string {
  const marker = key === undefined ? '' : `\n\n${markerOf(key)}`
  return clip(withoutMarkers(text), maxLength - marker.length) + marker
}

/** Returns the marker in a text, to append it to the text that replaces it. */
export function markerIn(text: string | null | undefined): string {
  const marker = text?.match(MARKERS)?.at(-1)
  return marker ? `\n\n${marker}` : ''
}
