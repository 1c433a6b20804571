/** Parses a JSON object. Returns undefined for other text: a form, a web page, or a text that was clipped. */
export function parseObject(json: string | undefined): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(json ?? '')
    return body !== null && typeof body === 'object' ? (body as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Returns a text, or an empty one for another value. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A caller may send values of any type. */
export function placeOf({
  project,
  stage,
  service,
}: {
  project?: unknown
  stage?: unknown
  service?: unknown
}): string {
  return [project, stage, service].map(asText).filter(Boolean).join('/')
}
