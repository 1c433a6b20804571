/** The request in the form. Both views of the form change it. */
export interface Draft {
  query: string
  /** JSON, or what was typed instead. */
  body: string
}

export type Json = Record<string, unknown>
/** Names of nested fields, from the outermost. */
export type Path = readonly string[]

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the body as an object, or what is wrong with it. */
export function readBody({ body }: Draft): { value: Json } | { problem: string } {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? { value } : { problem: 'The body must be a JSON object, such as {"input": {}}.' }
  } catch (error) {
    return { problem: `The body is not JSON: ${error instanceof Error ? error.message : error}` }
  }
}

export function valueAt(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined) return value
  return isObject(value) && Object.hasOwn(value, first) ? valueAt(value[first], rest) : undefined
}

/** Returns the object with another value of a field. Undefined removes the field. */
function withValue(object: Json, [first = '', ...rest]: Path, value: unknown): Json {
  const { [first]: held, ...others } = object
  const changed = rest.length === 0 ? value : withValue(isObject(held) ? held : {}, rest, value)
  if (changed === undefined) return others
  // The field stays in its place.
  return { ...object, [first]: changed }
}

/** Returns the draft with another value of a field in its body. The other fields stay. */
export function withField(draft: Draft, path: Path, value: unknown): Draft {
  const read = readBody(draft)
  return 'value' in read ? { ...draft, body: JSON.stringify(withValue(read.value, path, value), null, 2) } : draft
}

/** Returns the draft with another value of an option in its query. An empty value removes the option. */
export function withOption(draft: Draft, name: string, value: string): Draft {
  const query = new URLSearchParams(draft.query)
  if (value === '') query.delete(name)
  else query.set(name, value)
  // Commas separate values, so they stay readable.
  return { ...draft, query: query.toString().replaceAll('%2C', ',') }
}

/** A new id makes it another call. */
export function withNewId(draft: Draft): Draft {
  const read = readBody(draft)
  return 'value' in read && Object.hasOwn(read.value, 'id') ? withField(draft, ['id'], crypto.randomUUID()) : draft
}

/** A dry run is a silent call. The other modes end with a result. */
export function asDryRun({ query }: Draft): string {
  const changed = new URLSearchParams(query)
  for (const name of ['sendStarted', 'progress', 'answer', 'hold', 'invert']) changed.delete(name)
  changed.set('mode', 'silent')
  changed.set('dryRun', 'true')
  return String(changed)
}
