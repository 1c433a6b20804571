import { CallError, TemplateError } from './errors.ts'
import { formatValue, quote } from './format.ts'
import { functions, type TemplateFunction } from './functions.ts'
import { type Command, type Node, type Operand, type Pipeline, show, showCommand } from './nodes.ts'
import { parse } from './parser.ts'
import {
  boxed,
  entries,
  type GoValue,
  isList,
  isObject,
  isSecrets,
  isTrue,
  lookUp,
  plain,
  type Ref,
  typeName,
  typeOf,
  unbox,
} from './values.ts'

/**
 * Renders a Go template like webhook-service: with the event as data and missingkey=error.
 *
 * @throws TemplateError with Go's message if the template cannot be parsed or executed
 */
export function render(source: string, data: GoValue): string {
  try {
    return new Evaluation(source, data).run(parse(source))
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateError('template: : exceeded maximum template depth')
    throw error
  }
}

/** Marks a missing pipeline argument, which differs from an undefined value. */
const missing = Symbol('missing')
type Final = Ref | typeof missing
type Signal = 'break' | 'continue' | undefined
/** The type that a parameter accepts: any value, or only a string (the format of printf). */
type Parameter = 'any' | 'string'

class Evaluation {
  private readonly source: string
  private readonly data: GoValue
  private readonly variables: { name: string; value: Ref }[]
  private output = ''
  /** The evaluated operand, for error messages. */
  private current: { pos: number; shown: () => string } | undefined

  constructor(source: string, data: GoValue) {
    this.source = source
    this.data = data
    this.variables = [{ name: '$', value: plain(data) }]
  }

  run(nodes: readonly Node[]): string {
    this.walk(plain(this.data), nodes)
    return this.output
  }

  private fail(text: string): never {
    const { pos, shown } = this.current ?? { pos: 0, shown: () => '' }
    const before = this.source.slice(0, pos)
    const line = before.split('\n').length
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1))
    throw new TemplateError(`template: :${line}:${column}: executing "" at <${shown()}>: ${text}`)
  }

  private enter(operand: Operand): void {
    this.current = { pos: operand.pos, shown: () => show(operand) }
  }

  private walk(dot: Ref, nodes: readonly Node[]): Signal {
    for (const node of nodes) {
      const signal = this.step(dot, node)
      if (signal) return signal
    }
    return undefined
  }

  private step(dot: Ref, node: Node): Signal {
    switch (node.kind) {
      case 'text':
        this.output += node.text
        return undefined
      case 'break':
      case 'continue':
        return node.kind
      case 'action': {
        const value = this.pipeline(dot, node.pipeline)
        if (node.pipeline.declares.length === 0) this.print(value)
        return undefined
      }
      default: {
        const scope = this.variables.length
        const signal = node.kind === 'range' ? this.range(dot, node) : this.branch(dot, node)
        this.variables.length = scope
        return signal
      }
    }
  }

  private print(ref: Ref): void {
    const value = ref?.value ?? null
    this.output += value === null ? '<no value>' : formatValue(value)
  }

  private branch(dot: Ref, node: Extract<Node, { body: Node[] }>): Signal {
    const value = this.pipeline(dot, node.pipeline)
    if (!isTrue(value)) return this.walk(dot, node.otherwise)
    return this.walk(node.kind === 'with' ? value : dot, node.body)
  }

  private range(dot: Ref, node: Extract<Node, { body: Node[] }>): Signal {
    const value = unbox(this.pipeline(dot, node.pipeline))?.value
    const items = this.items(value)
    if (items.length === 0) return this.walk(dot, node.otherwise)
    const scope = this.variables.length
    const [first, second] = node.pipeline.declares
    for (const [key, item] of items) {
      if (second !== undefined) {
        this.assign(node.pipeline, first, plain(key))
        this.assign(node.pipeline, second, item)
      } else if (first !== undefined) this.assign(node.pipeline, first, item)
      const signal = this.walk(item, node.body)
      this.variables.length = scope
      if (signal === 'break') break
    }
    return undefined
  }

  private items(value: GoValue | undefined): [GoValue, Ref][] {
    if (value === undefined || value === null) return []
    if (isList(value)) return value.map((item, at) => [BigInt(at), boxed(item)])
    if (isSecrets(value)) return entries(value).map(([key, item]) => [key, plain(item)])
    if (isObject(value)) return entries(value).map(([key, item]) => [key, boxed(item)])
    return this.fail(`range can't iterate over ${formatValue(value)}`)
  }

  /** The pipeline of a range has already pushed the variables of the range. */
  private assign({ pos }: Pipeline, name: string | undefined, value: Ref): void {
    const variable = this.variables.findLast((candidate) => candidate.name === name)
    if (variable) variable.value = value
    else this.current = { pos, shown: () => name ?? '' }
  }

  private pipeline(dot: Ref, pipeline: Pipeline): Ref {
    let value: Final = missing
    for (const command of pipeline.commands) value = unbox(this.command(dot, command, value))
    const result = value === missing ? undefined : value
    for (const name of pipeline.declares) {
      if (pipeline.assigns) this.assign(pipeline, name, result)
      else this.variables.push({ name, value: result })
    }
    return result
  }

  private command(dot: Ref, command: Command, final: Final): Ref {
    const [first, ...args] = command.operands
    if (!first) return undefined
    if (first.kind === 'identifier') return this.call(dot, first.name, first, command, args, final)
    if (first.kind === 'field') return this.field(dot, first, first.path, args, final)
    if (first.kind === 'chain')
      return this.field(this.argument(dot, first.base, 'any', first), first, first.path, args, final)
    if (first.kind === 'variable' && first.path.length > 1) return this.variable(first, args, final)
    this.enter(first)
    if (args.length > 0 || final !== missing) this.fail(`can't give argument to non-function ${show(first)}`)
    if (first.kind === 'pipeline') return this.pipeline(dot, first)
    if (first.kind === 'variable') return this.variable(first, args, final)
    if (first.kind === 'nil') this.fail('nil is not a command')
    return first.kind === 'constant' ? plain(first.value) : dot
  }

  private variable(node: Extract<Operand, { path: string[] }>, args: readonly Operand[], final: Final): Ref {
    const [name, ...path] = node.path
    const value = this.variables.findLast((candidate) => candidate.name === name)?.value
    return path.length === 0 ? value : this.field(value, node, path, args, final)
  }

  private field(start: Ref, node: Operand, path: readonly string[], args: readonly Operand[], final: Final): Ref {
    this.enter(node)
    return path.reduce<Ref>((receiver, name, at) => {
      const hasArguments = at === path.length - 1 && (args.length > 0 || final !== missing)
      return this.member(receiver, name, hasArguments)
    }, start)
  }

  private member(receiver: Ref, name: string, hasArguments: boolean): Ref {
    if (receiver === undefined) return this.fail(`nil data; no entry for key ${quote(name)}`)
    const { value } = receiver
    if (value === null) return this.fail(`nil pointer evaluating ${typeOf(receiver)}.${name}`)
    if (!isSecrets(value) && !isObject(value))
      return this.fail(`can't evaluate field ${name} in type ${typeOf(receiver)}`)
    if (hasArguments) this.fail(`${name} is not a method but has arguments`)
    return lookUp(value, name) ?? this.fail(`map has no entry for key ${quote(name)}`)
  }

  private call(dot: Ref, name: string, node: Operand, command: Command, args: readonly Operand[], final: Final): Ref {
    this.enter(node)
    const called = functions.get(name)
    if (!called) return this.fail(`${quote(name)} is not a defined function`)
    const count = args.length + (final === missing ? 0 : 1)
    if (called.variadic ? count < called.needs : count !== called.needs) {
      const want = called.variadic ? `at least ${called.needs}` : String(called.needs)
      this.fail(`wrong number of args for ${name}: want ${want} but got ${called.variadic ? args.length : count}`)
    }
    if (name === 'and' || name === 'or') return this.shortCircuit(dot, name, args, final, node)
    const values = args.map((arg, at) => this.argument(dot, arg, parameter(called, at), node))
    if (final !== missing) values.push(this.accept(final, parameter(called, args.length)))
    try {
      return called.run(values)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      this.current = { pos: command.pos, shown: () => showCommand(command) }
      return this.fail(`error calling ${name}: ${error.message}`)
    }
  }

  private shortCircuit(dot: Ref, name: string, args: readonly Operand[], final: Final, node: Operand): Ref {
    let value: Ref
    for (const arg of args) {
      value = this.argument(dot, arg, 'any', node)
      if (isTrue(value) === (name === 'or')) return value
    }
    return final === missing ? value : final
  }

  private argument(dot: Ref, operand: Operand, accepts: Parameter, parent: Operand): Ref {
    this.enter(operand)
    switch (operand.kind) {
      case 'dot':
        return this.accept(dot, accepts)
      case 'nil':
        if (accepts === 'string') this.fail('cannot assign nil to string')
        if (parent.kind === 'chain') this.fail(`indirection through explicit nil in ${show(parent)}`)
        return undefined
      case 'field':
        return this.accept(this.field(dot, operand, operand.path, [], missing), accepts)
      case 'variable':
        return this.accept(this.variable(operand, [], missing), accepts)
      case 'pipeline':
        return this.accept(this.pipeline(dot, operand), accepts)
      case 'identifier': {
        const command = { pos: operand.pos, operands: [operand] }
        return this.accept(this.call(dot, operand.name, operand, command, [], missing), accepts)
      }
      case 'chain': {
        const base = this.argument(dot, operand.base, 'any', operand)
        return this.accept(this.field(base, operand, operand.path, [], missing), accepts)
      }
      case 'constant':
        if (accepts === 'string' && operand.type !== 'string') this.fail(`expected string; found ${operand.text}`)
        return plain(operand.value)
    }
  }

  private accept(value: Ref, accepts: Parameter): Ref {
    if (accepts === 'any') return value
    const inner = unbox(value)
    if (value === undefined) return this.fail('invalid value; expected string')
    if (typeof inner?.value === 'string') return inner
    return this.fail(`wrong type for value; expected string; got ${inner ? typeName(inner.value) : 'interface {}'}`)
  }
}

const parameter = ({ format }: TemplateFunction, at: number): Parameter => (format && at === 0 ? 'string' : 'any')
