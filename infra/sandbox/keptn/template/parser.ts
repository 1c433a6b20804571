import { quote } from './format.ts'
import { functions } from './functions.ts'
import { lex, type Token, type TokenType } from './lexer.ts'
import { characterCode, parseNumber, unquote } from './literals.ts'
import { type Command, type Node, type Operand, type Pipeline, show } from './nodes.ts'
import { TokenReader } from './token-reader.ts'

/**
 * Parses a Go template into nodes for the evaluator.
 *
 * @throws TemplateError with Go's message: `template: :<line>: <problem>`
 */
export function parse(source: string): Node[] {
  return new Parser(lex(source)).parse()
}

type Closing = { kind: 'end' | 'else'; elseIf: boolean }

class Parser extends TokenReader {
  private rangeDepth = 0
  private variables = ['$']

  parse(): Node[] {
    const nodes: Node[] = []
    while (this.peek().type !== 'eof') {
      const node = this.textOrAction()
      if ('elseIf' in node) this.fail(`unexpected {{${node.kind}}}`)
      nodes.push(node)
    }
    return nodes
  }

  private textOrAction(): Node | Closing {
    const token = this.nextNonSpace()
    if (token.type === 'text') return { kind: 'text', text: token.value }
    if (token.type !== 'leftDelim') return this.unexpected(token, 'input')
    this.actionLine = token.line
    const node = this.action()
    this.actionLine = 0
    return node
  }

  private action(): Node | Closing {
    const token = this.peekNonSpace()
    if (token.type === 'keyword') {
      switch (token.value) {
        case 'if':
        case 'with':
        case 'range':
          this.next()
          return this.control(token.value)
        case 'end':
          this.next()
          this.expectClose('end')
          return { kind: 'end', elseIf: false }
        case 'else':
          this.next()
          if (this.isKeyword(this.peekNonSpace(), 'if')) return { kind: 'else', elseIf: true }
          this.expectClose('else')
          return { kind: 'else', elseIf: false }
        case 'break':
        case 'continue':
          this.next()
          this.expectClose(`{{${token.value}}}`)
          if (this.rangeDepth === 0) this.fail(`{{${token.value}}} outside {{range}}`)
          return { kind: token.value }
        case 'define':
        case 'block':
        case 'template':
          this.fail(`{{${token.value}}} is not supported here (Keptn would render it)`)
      }
    }
    return { kind: 'action', pipeline: this.pipeline('command', 'rightDelim') }
  }

  private control(kind: 'if' | 'with' | 'range'): Node {
    const scope = this.variables.length
    if (kind === 'range') this.rangeDepth += 1
    const pipeline = this.pipeline(kind, 'rightDelim')
    const [body, closing] = this.list()
    if (kind === 'range') this.rangeDepth -= 1
    const otherwise = closing.kind === 'else' ? this.otherwise(kind, closing) : []
    this.variables.length = scope
    return { kind, pipeline, body, otherwise }
  }

  private otherwise(kind: string, closing: Closing): Node[] {
    if (closing.elseIf) {
      // `else if` shares its end with its `if`. Only an `if` may have one.
      if (kind !== 'if') this.unexpected(this.peekNonSpace(), 'else')
      this.next()
      return [this.control('if')]
    }
    const [nodes, end] = this.list()
    if (end.kind !== 'end') this.fail(`expected end; found {{${end.kind}}}`)
    return nodes
  }

  private list(): [Node[], Closing] {
    const nodes: Node[] = []
    while (this.peekNonSpace().type !== 'eof') {
      const node = this.textOrAction()
      if ('elseIf' in node) return [nodes, node]
      nodes.push(node)
    }
    return this.fail('unexpected EOF')
  }

  private pipeline(context: string, end: TokenType): Pipeline {
    const pipeline: Pipeline = {
      kind: 'pipeline',
      pos: this.peekNonSpace().pos,
      declares: [],
      assigns: false,
      commands: [],
    }
    this.declarations(pipeline, context)
    for (;;) {
      const token = this.peekNonSpace()
      if (token.type === end) {
        this.next()
        this.check(pipeline, context)
        return pipeline
      }
      if (!startsOperand(token)) {
        this.next()
        this.unexpected(token, context)
      }
      pipeline.commands.push(this.command())
    }
  }

  private declarations(pipeline: Pipeline, context: string): void {
    while (this.peekNonSpace().type === 'variable') {
      const start = this.at
      const variable = this.next().value
      const token = this.peekNonSpace()
      const comma = token.type === 'char' && token.value === ','
      if (token.type !== 'declare' && token.type !== 'assign' && !comma) {
        this.at = start
        return
      }
      this.next()
      pipeline.assigns = token.type === 'assign'
      pipeline.declares.push(variable)
      this.variables.push(variable)
      if (!comma) return
      if (context !== 'range' || pipeline.declares.length > 1) this.fail(`too many declarations in ${context}`)
      if (!['variable', 'rightDelim', 'rightParen'].includes(this.peekNonSpace().type)) {
        this.fail('range can only initialize variables')
      }
    }
  }

  private check({ commands }: Pipeline, context: string): void {
    if (commands.length === 0) this.fail(`missing value for ${context}`)
    commands.slice(1).forEach(({ operands }, at) => {
      if (['constant', 'dot', 'nil'].includes(operands[0]?.kind ?? '')) {
        this.fail(`non executable command in pipeline stage ${at + 2}`)
      }
    })
  }

  private command(): Command {
    const command: Command = { pos: this.peekNonSpace().pos, operands: [] }
    for (;;) {
      this.peekNonSpace()
      const operand = this.operand()
      if (operand) command.operands.push(operand)
      const token = this.next()
      if (token.type === 'space') continue
      if (token.type === 'rightDelim' || token.type === 'rightParen') this.at -= 1
      else if (token.type !== 'pipe') this.unexpected(token, 'operand')
      break
    }
    if (command.operands.length === 0) this.fail('empty command')
    return command
  }

  private operand(): Operand | undefined {
    const term = this.term()
    const first = this.peek()
    if (!term || first.type !== 'field') return term
    const path: string[] = []
    while (this.peek().type === 'field') path.push(this.next().value.slice(1))
    if (term.kind === 'field' || term.kind === 'variable') {
      return { kind: term.kind, pos: first.pos, path: [...term.path, ...path] }
    }
    if (['constant', 'dot', 'nil'].includes(term.kind)) this.fail(`unexpected . after term ${quote(show(term))}`)
    return { kind: 'chain', pos: first.pos, base: term, path }
  }

  private term(): Operand | undefined {
    const token = this.peekNonSpace()
    const { pos, value } = token
    if (!startsOperand(token)) return undefined
    this.next()
    switch (token.type) {
      case 'identifier':
        if (!functions.has(value)) this.fail(`function ${quote(value)} not defined`)
        return { kind: 'identifier', pos, name: value }
      case 'variable':
        if (!this.variables.includes(value)) this.fail(`undefined variable ${quote(value)}`)
        return { kind: 'variable', pos, path: [value] }
      case 'field':
        return { kind: 'field', pos, path: [value.slice(1)] }
      case 'leftParen':
        return this.pipeline('parenthesized pipeline', 'rightParen')
      case 'bool':
        return { kind: 'constant', pos, text: value, value: value === 'true', type: 'bool' }
      case 'number':
        return { kind: 'constant', pos, text: value, value: this.read(parseNumber, value), type: 'number' }
      case 'charConstant':
        return { kind: 'constant', pos, text: value, value: this.read(characterCode, value), type: 'number' }
      case 'string':
      case 'rawString':
        return { kind: 'constant', pos, text: value, value: this.read(unquote, value), type: 'string' }
      default:
        return { kind: value === '.' ? 'dot' : 'nil', pos }
    }
  }

  private read<T>(literal: (text: string) => T, text: string): T {
    try {
      return literal(text)
    } catch (error) {
      return this.fail(error instanceof Error ? error.message : String(error))
    }
  }
}

const operandTypes = new Set<TokenType>([
  'bool',
  'charConstant',
  'field',
  'identifier',
  'number',
  'rawString',
  'string',
  'variable',
  'leftParen',
])

const startsOperand = ({ type, value }: Token): boolean =>
  operandTypes.has(type) || (type === 'keyword' && (value === '.' || value === 'nil'))
