interface Field {
  type: string
  /** The types of the arguments by name: `Int!`. */
  args: Map<string, string>
}

/** The fields of a type by name. */
type Fields = Map<string, Field>

/**
 * Returns what a query does not have in common with a schema: fields, arguments, types of variables, and selections. Supports the
 * part of GraphQL that the providers use, without fragments, aliases and lists as arguments.
 */
export function graphqlProblems(schema: string, document: string): string[] {
  const types = typesIn(schema)
  const problems: string[] = []
  const [, operation = '', declared = ''] = /^\s*(query|mutation) \w+(?:\(([^)]*)\))?/.exec(document) ?? []
  const variables = typesOf(declared)
  const tokens = document.slice(document.indexOf('{')).match(/\$?\w+|[{}():]/g) ?? []
  const peek = () => tokens.at(0)
  const next = () => tokens.shift() ?? ''

  const readArguments = (name: string, { args }: Field) => {
    const given = new Set<string>()
    if (peek() !== '(') return given
    next()
    while (peek() !== ')' && tokens.length > 0) {
      const argument = next()
      next()
      const value = next()
      const type = args.get(argument)
      given.add(argument)
      if (type === undefined) problems.push(`${name} has no argument ${argument}`)
      else if (value.startsWith('$') && !isAssignable(variables.get(value.slice(1)), type))
        problems.push(`${value} is not ${type}`)
    }
    next()
    return given
  }
  const readSelection = (parent: string) => {
    next()
    while (peek() !== '}' && tokens.length > 0) {
      const name = next()
      const field = types.get(parent)?.get(name)
      if (!field) problems.push(`${parent} has no field ${name}`)
      const { type, args } = field ?? { type: '', args: new Map() }
      const given = readArguments(name, { type, args })
      for (const [argument, of] of args)
        if (of.endsWith('!') && !given.has(argument)) problems.push(`${name} needs the argument ${argument}`)
      if (field && (peek() === '{') !== types.has(type)) problems.push(`${name} of ${type} has the wrong selection`)
      if (peek() === '{') readSelection(type)
    }
    next()
  }
  readSelection(operation === 'mutation' ? 'Mutation' : 'Query')
  return problems
}

function isAssignable(given: string | undefined, wanted: string): boolean {
  return given === wanted || given === `${wanted}!`
}

function typesIn(schema: string): Map<string, Fields> {
  const definitions = schema.replace(/#.*/g, '').matchAll(/\b(?:type|interface) (\w+)[^{]*\{([^}]*)\}/g)
  return new Map([...definitions].map(([, name = '', body = '']) => [name, fieldsIn(body)]))
}

function fieldsIn(body: string): Fields {
  const fields = body.matchAll(/(\w+)(?:\(([^)]*)\))?\s*:\s*([\w[\]!]+)/g)
  return new Map(
    [...fields].map(([, name = '', args = '', type = '']) => [
      name,
      { type: type.replace(/[[\]!]/g, ''), args: typesOf(args) },
    ]),
  )
}

function typesOf(text: string): Map<string, string> {
  return new Map([...text.matchAll(/(\w+)\s*:\s*([\w[\]!]+)/g)].map(([, name = '', type = '']) => [name, type]))
}
