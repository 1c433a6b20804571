import { codePoint, quote } from './format.ts'

export type TokenType =
  | 'error'
  | 'eof'
  | 'text'
  | 'leftDelim'
  | 'rightDelim'
  | 'space'
  | 'leftParen'
  | 'rightParen'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'char'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'keyword'
  | 'bool'
  | 'number'
  | 'charConstant'
  | 'string'
  | 'rawString'

export interface Token {
  type: TokenType
  /** The message of an error token. */
  value: string
  pos: number
  line: number
}

const keywords = new Set([
  '.',
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'nil',
  'range',
  'template',
  'with',
])
const leftDelim = '{{'
const rightDelim = '}}'
const spaces = /[ \t\r\n]+/y
const word = /[_\p{L}\p{Nd}]+/uy
const number =
  /[+-]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)i?/y
const quoted = { '"': /"(?:\\[^\n]|[^"\\\n])*"/uy, "'": /'(?:\\[^\n]|[^'\\\n])*'/uy, '`': /`[^`]*`/uy }
const unterminated = {
  '"': ['string', 'unterminated quoted string'],
  "'": ['charConstant', 'unterminated character constant'],
  '`': ['rawString', 'unterminated raw quoted string'],
} as const
const single: Record<string, TokenType> = { '|': 'pipe', '=': 'assign' }

/** Formats a token for error messages, like Go. */
export function describe(token: Token): string {
  if (token.type === 'eof') return 'EOF'
  if (token.type === 'error') return token.value
  if (token.type === 'keyword') return `<${token.value}>`
  if (Buffer.byteLength(token.value) > 10) return `${quote([...token.value].slice(0, 10).join(''))}...`
  return quote(token.value)
}

/** Splits a Go template into tokens. The last token is `eof` or an error. */
export function lex(source: string): Token[] {
  return new Lexer(source).run()
}

class Lexer {
  private readonly source: string
  private readonly tokens: Token[] = []
  private at = 0
  private line = 1
  private counted = 0
  private parens = 0

  constructor(source: string) {
    this.source = source
  }

  run(): Token[] {
    while (this.text() && this.action()) {}
    return this.tokens
  }

  private emit(type: TokenType, value: string, pos: number): void {
    this.line += this.source.slice(this.counted, pos).split('\n').length - 1
    this.counted = pos
    this.tokens.push({ type, value, pos, line: this.line })
  }

  private fail(text: string, pos: number): false {
    this.emit('error', text, pos)
    return false
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    return pattern.exec(this.source)?.[0]
  }

  private starts(text: string): boolean {
    return this.source.startsWith(text, this.at)
  }

  private character(): string | undefined {
    const code = this.source.codePointAt(this.at)
    return code === undefined ? undefined : String.fromCodePoint(code)
  }

  /** Reads text up to the next action; returns false at the end. Skips comments. */
  private text(): boolean {
    for (;;) {
      const open = this.source.indexOf(leftDelim, this.at)
      const end = open < 0 ? this.source.length : open
      const trims = open >= 0 && /^-[ \t\r\n]/.test(this.source.slice(open + 2, open + 4))
      const text = this.source.slice(this.at, end)
      const trimmed = trims ? text.replace(/[ \t\r\n]+$/, '') : text
      if (trimmed !== '') this.emit('text', trimmed, this.at)
      if (open < 0) {
        this.emit('eof', '', end)
        return false
      }
      this.at = open + leftDelim.length + (trims ? 2 : 0)
      if (!this.starts('/*')) {
        this.emit('leftDelim', leftDelim, open)
        this.parens = 0
        return true
      }
      if (!this.comment(open)) return false
    }
  }

  private comment(open: number): boolean {
    const close = this.source.indexOf('*/', this.at + 2)
    if (close < 0) return this.fail('unclosed comment', open)
    this.at = close + 2
    if (!this.closes()) return this.fail('comment ends before closing delimiter', open)
    this.close()
    return true
  }

  private closes(): boolean {
    return this.starts(rightDelim) || /^[ \t\r\n]-\}\}/.test(this.source.slice(this.at, this.at + 4))
  }

  private close(): number {
    const trims = !this.starts(rightDelim)
    const pos = this.at + (trims ? 2 : 0)
    this.at = pos + rightDelim.length
    if (trims) this.at += this.match(spaces)?.length ?? 0
    return pos
  }

  /** Reads an action up to its right delimiter; returns false on an error. */
  private action(): boolean {
    for (;;) {
      if (this.closes()) {
        if (this.parens > 0) return this.fail('unclosed left paren', this.at)
        const pos = this.close()
        this.emit('rightDelim', rightDelim, pos)
        return true
      }
      if (!this.item()) return false
    }
  }

  private item(): boolean {
    const pos = this.at
    const character = this.character()
    if (character === undefined) return this.fail('unclosed action', pos)
    const space = this.match(spaces)
    // A space that belongs to a trim marker is not part of the run before it.
    if (space !== undefined) return this.take('space', this.beforeTrimMarker(space))
    if (character === ':') {
      return this.starts(':=') ? this.take('declare', ':=') : this.fail('expected :=', pos)
    }
    if (single[character]) return this.take(single[character], character)
    if (character === '"' || character === "'" || character === '`') {
      const literal = this.match(quoted[character])
      const [type, message] = unterminated[character]
      return literal === undefined ? this.fail(message, pos) : this.take(type, literal)
    }
    if (character === '$') return this.name('variable', 1)
    if (character === '.' && !/^\d?$/.test(this.source.charAt(pos + 1))) return this.name('field', 1)
    if (/[.+\-\d]/.test(character)) return this.number()
    if (this.match(word) !== undefined) return this.name('identifier', 0)
    if (character === '(') {
      this.parens += 1
      return this.take('leftParen', character)
    }
    if (character === ')') {
      this.parens -= 1
      return this.parens < 0 ? this.fail('unexpected right paren', pos) : this.take('rightParen', character)
    }
    if (/[!-~]/.test(character)) return this.take('char', character)
    return this.fail(`unrecognized character in action: ${codePoint(character)}`, pos)
  }

  private take(type: TokenType, value: string): true {
    this.emit(type, value, this.at)
    this.at += value.length
    return true
  }

  private beforeTrimMarker(run: string): string {
    const after = this.source.slice(this.at + run.length, this.at + run.length + 3)
    return after === `-${rightDelim}` && run.length > 1 ? run.slice(0, -1) : run
  }

  private number(): boolean {
    const pos = this.at
    const literal = this.match(number) ?? ''
    this.at += literal.length
    const next = this.match(word)
    const complex = next === undefined && /^[+-]/.test(this.source.charAt(this.at))
    if (next !== undefined || complex) {
      const shown = this.source.slice(pos, this.at) + (this.character() ?? '')
      return this.fail(`bad number syntax: ${quote(shown)}`, pos)
    }
    this.emit('number', literal, pos)
    return true
  }

  /** Reads a field, a variable, a keyword or a function. A terminator must follow. */
  private name(type: 'field' | 'variable' | 'identifier', prefix: number): boolean {
    const pos = this.at
    this.at += prefix
    this.at += this.match(word)?.length ?? 0
    const value = this.source.slice(pos, this.at)
    const next = this.character()
    if (next !== undefined && !/[ \t\r\n.,|:()]/.test(next) && !this.starts(rightDelim)) {
      return this.fail(`bad character ${codePoint(next)}`, pos)
    }
    const named = keywords.has(value) ? 'keyword' : value === 'true' || value === 'false' ? 'bool' : type
    this.emit(named, value, pos)
    return true
  }
}
