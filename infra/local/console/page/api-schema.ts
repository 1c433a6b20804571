import { signal } from '@preact/signals'
import { get } from './api.ts'
import { isObject } from './send-draft.ts'

/** The keywords of a JSON Schema that a field of a form shows. */
export interface Schema {
  type?: string
  description?: string
  default?: unknown
  enum?: string[]
  examples?: string[]
  maxLength?: number
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
}

/** A field of a form. */
export interface SchemaField {
  name: string
  schema: Schema
  isRequired: boolean
}

/** The OpenAPI document of the runtime: the same schemas validate the calls. */
interface ApiDocument {
  components: {
    parameters: Record<string, { name: string; in: string; description?: string; schema: Schema }>
    schemas: Record<string, Schema>
  }
}

const document = signal<ApiDocument | undefined>(undefined)

export async function readSchemas(): Promise<void> {
  document.value ??= await get<ApiDocument>('/v1/openapi.json')
}

/** Returns the options of a call. `orchestrator` is for engines that sign their calls. */
export function optionFields(): SchemaField[] {
  return Object.values(document.value?.components.parameters ?? {})
    .filter((parameter) => parameter.in === 'query' && parameter.name !== 'orchestrator')
    .map(({ name, description = '', schema }) => ({ name, schema: { description, ...schema }, isRequired: false }))
}

/** Returns the fields of the event. */
export function eventFields(): SchemaField[] {
  return fieldsOf(document.value?.components.schemas['Event'])
}

/** Returns the fields of the input. Undefined if the connection defines the input. */
export function inputFields(category: string, action: string): SchemaField[] | undefined {
  const schema = document.value?.components.schemas[`${category}.${action}`]
  return schema && fieldsOf(schema)
}

function fieldsOf({ properties = {}, required = [] }: Schema = {}): SchemaField[] {
  return Object.entries(properties).map(([name, schema]) => ({ name, schema, isRequired: required.includes(name) }))
}

/** How a value is entered. */
export type Control = 'select' | 'number' | 'line' | 'text' | 'json'

/** Longer texts get a field that grows. */
const MAX_LINE = 255

export function controlOf(schema: Schema, value: unknown): Control {
  const { type, anyOf = [], maxLength = Number.POSITIVE_INFINITY } = schema
  if (isObject(value) || Array.isArray(value)) return 'json'
  if (schema.enum || type === 'boolean') return 'select'
  if (type === 'integer' || type === 'number') return 'number'
  const text = [schema, ...anyOf].find((option) => option.type === 'string')
  if (!text) return 'json'
  return (text.maxLength ?? maxLength) <= MAX_LINE || schema.examples ? 'line' : 'text'
}

/** Returns the text of a value. */
export function textOf(value: unknown): string {
  if (value === undefined) return ''
  // A list of words needs one line only.
  if (Array.isArray(value) && !value.some((item) => typeof item === 'object'))
    return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** Returns the value of a text. A text that is not what the field expects stays a text, so that nothing is lost. */
export function parseText(text: string, control: Control, { type }: Schema): unknown {
  if (text === '') return undefined
  if (control === 'number') return Number.isFinite(Number(text)) && text.trim() !== '' ? Number(text) : text
  if (type === 'boolean') return text === 'true'
  if (control !== 'json') return text
  const value = parsed(text)
  return typeof value === 'object' ? value : text
}

/**
 * Returns why a text is not the JSON that its field expects. Lists may also be text with commas, which broken JSON would be
 * taken for.
 */
export function problemOf(value: unknown, control: Control, { type }: Schema): string {
  if (control !== 'json' || typeof value !== 'string') return ''
  if (!/^\s*[[{]/.test(value)) return type === 'object' ? 'Write a JSON object, such as {"name": "value"}' : ''
  try {
    JSON.parse(value)
    return ''
  } catch (error) {
    return `Not JSON: ${error instanceof Error ? error.message : error}`
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
