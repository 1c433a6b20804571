import type { ConnectionView } from '../action-views.ts'
import { controlOf, eventFields, inputFields, optionFields, problemOf, type SchemaField } from './api-schema.ts'
import { Field } from './schema-field.tsx'
import { type Draft, isObject, type Json, type Path, readBody, valueAt, withField, withOption } from './send-draft.ts'

interface SendFieldsProps {
  category: string
  action: string
  connections: ConnectionView[]
  draft: Draft
  /** Returns what the runtime has said about a field. */
  errorOf: (path: Path) => string | undefined
  onChange: (draft: Draft) => void
}

/** The options that most calls set. */
const MAIN_OPTIONS = ['connection', 'mode', 'deadline', 'key']

/** The call as fields, which are made from the schemas of the runtime. */
export function SendFields(props: SendFieldsProps) {
  const { category, action, draft } = props
  const read = readBody(draft)
  if (!('value' in read)) return null
  const options = optionFields()
  const main = MAIN_OPTIONS.flatMap((name) => options.filter((option) => option.name === name))
  const others = options.filter((option) => !main.includes(option))
  const input = inputFields(category, action)
  const event = eventFields()
  const { input: draftInput = {} } = read.value
  const rest = [
    ...unknown(read.value, [...event, { name: 'input' }]),
    ...(input && isObject(draftInput) ? unknown(draftInput, input).map((name) => `input.${name}`) : []),
    ...unknown(Object.fromEntries(new URLSearchParams(draft.query)), options),
  ]
  return (
    <>
      <div class="fields">
        <Options {...props} fields={main} />
      </div>
      <h3>Input</h3>
      <div class="fields">
        {input && isObject(draftInput) ? (
          <BodyFields {...props} fields={input} path={['input']} />
        ) : (
          <BodyFields
            {...props}
            fields={[{ name: 'input', schema: { type: 'object' }, isRequired: false }]}
            path={[]}
          />
        )}
      </div>
      <details>
        <summary>More options{setIn(others, Object.fromEntries(new URLSearchParams(draft.query)))}</summary>
        <div class="fields">
          <Options {...props} fields={others} />
        </div>
      </details>
      <details>
        <summary>Event{setIn(event, read.value)}</summary>
        <div class="fields">
          <BodyFields {...props} fields={event} path={[]} />
        </div>
      </details>
      {rest.length > 0 && <p class="small muted">In the JSON only: {rest.join(', ')}</p>}
    </>
  )
}

/** Returns why a field does not have the value that was typed. */
export function problemInFields(category: string, action: string, draft: Draft): string | undefined {
  const read = readBody(draft)
  if ('problem' in read) return read.problem
  const problems = (fields: SchemaField[], path: Path) =>
    fields.flatMap(({ name, schema }) => {
      const value = valueAt(read.value, [...path, name])
      const problem = problemOf(value, controlOf(schema, value), schema)
      return problem === '' ? [] : [`${name}: ${problem}`]
    })
  return [...problems(inputFields(category, action) ?? [], ['input']), ...problems(eventFields(), [])][0]
}

function Options({ fields, connections, draft, errorOf, onChange }: SendFieldsProps & { fields: SchemaField[] }) {
  const query = new URLSearchParams(draft.query)
  return fields.map((field) => (
    <Field
      key={field.name}
      within="option"
      field={field}
      value={query.get(field.name) ?? undefined}
      error={errorOf([field.name])}
      {...(field.name === 'connection' ? { choices: connections.map(choiceOf) } : {})}
      onChange={(value) => onChange(withOption(draft, field.name, value === undefined ? '' : String(value)))}
    />
  ))
}

function choiceOf({ name, provider }: ConnectionView): [string, string] {
  return [name, provider === '' || provider === name ? name : `${name} (${provider})`]
}

function BodyFields({
  fields,
  path,
  draft,
  errorOf,
  onChange,
}: SendFieldsProps & { fields: SchemaField[]; path: Path }) {
  const read = readBody(draft)
  return fields.map((field) => {
    const own = [...path, field.name]
    return (
      <Field
        key={field.name}
        within={path[0] ?? 'event'}
        field={field}
        value={'value' in read ? valueAt(read.value, own) : undefined}
        error={errorOf(own)}
        onChange={(value) => onChange(withField(draft, own, value))}
      />
    )
  })
}

function unknown(value: Json, fields: Pick<SchemaField, 'name'>[]): string[] {
  return Object.keys(value).filter((name) => !fields.some((field) => field.name === name))
}

/** `, 2 set` */
function setIn(fields: SchemaField[], value: Json): string {
  const count = fields.filter(({ name }) => Object.hasOwn(value, name)).length
  return count === 0 ? '' : `, ${count} set`
}
