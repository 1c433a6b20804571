import type { AriaAttributes } from 'preact'
import { useState } from 'preact/hooks'
import { type Control, controlOf, parseText, problemOf, type SchemaField, textOf } from './api-schema.ts'

interface FieldProps {
  field: SchemaField
  /** Prefix of the ids in the document. */
  within: string
  value: unknown
  /** What the runtime says about the value. */
  error?: string | undefined
  /** Choices with their titles, instead of those of the schema. */
  choices?: [value: string, title: string][]
  onChange: (value: unknown) => void
}

/** A field made from its schema. */
export function Field({ field: { name, schema, isRequired }, within, value, error, choices, onChange }: FieldProps) {
  const control = choices ? 'select' : controlOf(schema, value)
  const [typed, setTyped] = useState('')
  // While the text means the value, it stays as it was typed.
  const text = JSON.stringify(parseText(typed, control, schema)) === JSON.stringify(value) ? typed : textOf(value)
  const problem = problemOf(value, control, schema) || error
  const id = `${within}-${name}`
  const described = [schema.description && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ')
  const change = (changed: string) => {
    setTyped(changed)
    onChange(parseText(changed, control, schema))
  }
  return (
    <div class={control === 'text' || control === 'json' ? 'wide' : undefined}>
      <label for={id}>
        {name}
        {isRequired && <span class="required"> required</span>}
        {control === 'json' && <span class="kind"> {schema.type === 'array' ? 'list' : 'JSON'}</span>}
      </label>
      <FieldControl
        control={control}
        schema={schema}
        choices={choices}
        onChange={change}
        attributes={{
          id,
          value: text,
          'aria-required': isRequired,
          'aria-invalid': Boolean(problem),
          'aria-describedby': described === '' ? undefined : described,
        }}
      />
      {problem && (
        <p class="small problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      {schema.description && (
        <p class="small muted" id={`${id}-hint`}>
          {schema.description}
        </p>
      )}
    </div>
  )
}

interface FieldControlProps extends Pick<FieldProps, 'choices'> {
  control: Control
  schema: SchemaField['schema']
  onChange: (text: string) => void
  attributes: { id: string; value: string } & AriaAttributes
}

/** The element in which a value is typed or selected. */
function FieldControl({ control, schema, choices, onChange, attributes }: FieldControlProps) {
  const { value: text } = attributes
  if (control === 'select')
    return (
      <select class="field" {...attributes} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {optionsOf(schema, text, choices).map(([option, title]) => (
          <option key={option} value={option} selected={option === text}>
            {title}
          </option>
        ))}
      </select>
    )
  if (control === 'line' || control === 'number')
    return (
      <input
        class="field"
        {...attributes}
        inputMode={control === 'number' ? 'decimal' : undefined}
        placeholder={schema.examples?.[0]}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    )
  return (
    <textarea
      class={`field grows${control === 'json' ? ' mono' : ''}`}
      {...attributes}
      rows={Math.min(16, text.split('\n').length)}
      spellcheck={control === 'text'}
      onInput={({ currentTarget }) => onChange(currentTarget.value)}
    />
  )
}

/** Returns the choices of a select, with the current value even if it is none of them. */
function optionsOf(
  { enum: values, default: fallback }: SchemaField['schema'],
  text: string,
  choices: [string, string][] = (values ?? ['true', 'false']).map((value) => [value, value]),
): [value: string, title: string][] {
  const none: [string, string] = ['', fallback === undefined ? 'not set' : `${fallback} (default)`]
  const hasValue = text === '' || choices.some(([value]) => value === text)
  return [none, ...choices, ...(hasValue ? [] : [[text, text] satisfies [string, string]])]
}
