import type { GoValue } from './values.ts'

/** Operand of a command. `pos` is its position in the source, as Go reports it. */
export type Operand =
  | { kind: 'field' | 'variable'; pos: number; path: string[] }
  | { kind: 'chain'; pos: number; base: Operand; path: string[] }
  | { kind: 'identifier'; pos: number; name: string }
  | { kind: 'dot' | 'nil'; pos: number }
  | { kind: 'constant'; pos: number; text: string; value: GoValue; type: 'bool' | 'number' | 'string' }
  | Pipeline

export interface Command {
  pos: number
  operands: Operand[]
}

export interface Pipeline {
  kind: 'pipeline'
  pos: number
  declares: string[]
  assigns: boolean
  commands: Command[]
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipeline: Pipeline }
  | { kind: 'if' | 'with' | 'range'; pipeline: Pipeline; body: Node[]; otherwise: Node[] }
  | { kind: 'break' | 'continue' }

/** Formats an operand for error messages, like Go. */
export function show(operand: Operand): string {
  switch (operand.kind) {
    case 'field':
      return operand.path.map((name) => `.${name}`).join('')
    case 'variable':
      return operand.path.join('.')
    case 'chain': {
      const base = operand.base.kind === 'pipeline' ? `(${show(operand.base)})` : show(operand.base)
      return base + operand.path.map((name) => `.${name}`).join('')
    }
    case 'identifier':
      return operand.name
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'constant':
      return operand.text
    case 'pipeline': {
      const names = operand.declares.join(', ')
      const start = names === '' ? '' : `${names} ${operand.assigns ? '=' : ':='} `
      return start + operand.commands.map(showCommand).join(' | ')
    }
  }
}

export const showCommand = ({ operands }: Command): string =>
  operands.map((operand) => (operand.kind === 'pipeline' ? `(${show(operand)})` : show(operand))).join(' ')
