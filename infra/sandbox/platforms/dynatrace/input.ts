/** A criterion of a selector: `name("checkout")`. */
interface Criterion {
  name: string
  texts: string[]
}

/**
 * Parses a selector: criteria separated by commas, each with quoted texts, in which `~` escapes the next character, or one
 * word or tag without quotes.
 *
 * @returns the error for an invalid selector
 */
export function criteriaOf(selector: string): Criterion[] | string {
  const criteria: Criterion[] = []
  for (let rest = selector.trim(); rest !== ''; ) {
    const found = /^([\w.]+)\(\s*("(?:~.|[^"~])*"(?:\s*,\s*"(?:~.|[^"~])*")*|[\w:.-]+)\s*\)\s*(?:,\s*|$)/.exec(rest)
    if (!found) return `is not readable from here on: ${rest}`
    const [all, name = '', list = ''] = found
    const quoted = [...list.matchAll(/"((?:~.|[^"~])*)"/g)].map(([, text = '']) => text.replace(/~(.)/g, '$1'))
    criteria.push({ name, texts: quoted.length > 0 ? quoted : [list.trim()] })
    rest = rest.slice(all.length)
  }
  return criteria
}

/**
 * Which objectives an `sloSelector` means: `id("..","..")`, `name("checkout")`, `text("check")`; all of its criteria hold.
 *
 * @returns the error for an invalid selector
 */
export function selected(selector: string): ((slo: { id: string; name: string }) => boolean) | string {
  const criteria = criteriaOf(selector)
  if (typeof criteria === 'string') return criteria
  const unknown = criteria.find(({ name }) => !['id', 'name', 'text'].includes(name))
  if (unknown) return `has ${unknown.name}: the fake supports id, name and text only`
  const long = criteria.find(({ name, texts }) => name !== 'id' && texts.length > 1)
  if (long) return `has more than one text in ${long.name}`
  return (slo) =>
    criteria.every(({ name, texts: [text = '', ...more] }) => {
      if (name === 'id') return [text, ...more].includes(slo.id)
      return name === 'name' ? slo.name === text : slo.name.toLowerCase().includes(text.toLowerCase())
    })
}

/**
 * The services that an entity selector means, by their names: `type(SERVICE),entityName.equals("checkout")`.
 *
 * @param names of all the services that there are
 * @returns the error for an invalid selector
 */
export function entitiesIn(selector: string, names: readonly string[]): string[] | string {
  const criteria = criteriaOf(selector)
  if (typeof criteria === 'string') return criteria
  const [first, ...others] = criteria
  if (first?.name !== 'type') return 'must start with type(..)'
  const known: Record<string, (name: string, text: string) => boolean> = {
    entityName: (name, text) => name === text,
    'entityName.equals': (name, text) => name === text,
    'entityName.startsWith': (name, text) => name.startsWith(text),
    tag: hasTag,
  }
  const unknown = others.find(({ name }) => !Object.hasOwn(known, name))
  if (unknown) return `has ${unknown.name}: the fake supports ${Object.keys(known).join(', ')} only`
  if (first.texts[0]?.toUpperCase() !== 'SERVICE') return []
  return names.filter((name) => others.every((one) => known[one.name]?.(name, one.texts[0] ?? '')))
}

/** Whether a service has a tag. All services of the fake have the tags by which Keptn finds those of a project. */
function hasTag(name: string, tag: string): boolean {
  const [key, value] = tag.split(':')
  return key === 'keptn_project' || key === 'keptn_stage' || (key === 'keptn_service' && value === name)
}

const minute = 60_000
const day = 1_440 * minute
const units: Record<string, number> = { m: minute, h: 60 * minute, d: day, w: 7 * day, M: 30 * day, y: 365 * day }
const absolute = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/

/**
 * Parses a time in one of Dynatrace's formats: epoch milliseconds, ISO 8601, `now`, `now-30m`, `-1w`.
 * Returns undefined if it is invalid.
 */
export function timeOf(text: string): number | undefined {
  if (/^\d{10,}$/.test(text)) return Number(text)
  const [, , , zone] = absolute.exec(text) ?? []
  if (absolute.test(text)) return Date.parse(zone === undefined ? `${text.replace(' ', 'T')}Z` : text)
  const [found, , count = '0', unit = 'm'] = /^(now$|(?:now)?-(\d+)([mhdwMy])$)/.exec(text) ?? []
  return found === undefined ? undefined : Date.now() - Number(count) * (units[unit] ?? 0)
}
