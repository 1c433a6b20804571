export interface Status {
  id: string
  name: string
  category: 'new' | 'indeterminate' | 'done'
}

interface Transition {
  id: string
  name: string
  to: string
  /** Resolutions of the transition screen, if it has the field. */
  resolutions?: string[]
  /** Required fields of the transition screen that have no default, with the values that they allow. */
  required?: Record<string, { name: string; values?: unknown[] }>
}

export interface Workflow {
  statuses: Status[]
  /** The transitions by the name of the current status. */
  transitions: Record<string, Transition[]>
}

/** An issue with its status and its fields. */
interface Movable {
  status: string
  fields: Record<string, unknown>
}

/** To Do, In Progress, Done and Won't Do. */
export function defaultWorkflow(): Workflow {
  const resolutions = ['Done', 'Duplicate', "Won't Do"]
  return {
    statuses: [
      { id: '10001', name: 'To Do', category: 'new' },
      { id: '3', name: 'In Progress', category: 'indeterminate' },
      { id: '10002', name: 'Done', category: 'done' },
      { id: '10003', name: "Won't Do", category: 'done' },
    ],
    transitions: {
      'To Do': [
        { id: '11', name: 'Start', to: 'In Progress' },
        { id: '21', name: 'Reject', to: "Won't Do" },
        { id: '31', name: 'Finish', to: 'Done', resolutions },
      ],
      'In Progress': [
        { id: '41', name: 'Stop', to: 'To Do' },
        { id: '21', name: 'Reject', to: "Won't Do" },
        { id: '31', name: 'Finish', to: 'Done', resolutions },
      ],
      Done: [{ id: '51', name: 'Reopen', to: 'In Progress' }],
      "Won't Do": [{ id: '51', name: 'Reopen', to: 'In Progress' }],
    },
  }
}

export function findStatus({ statuses }: Workflow, name: string): Status {
  const status = statuses.find((status) => status.name === name)
  if (!status) throw new Error(`The workflow has no status ${name}`)
  return status
}

export function statusResponse(workflow: Workflow, name: string) {
  const { id, category } = findStatus(workflow, name)
  return { id, name, statusCategory: { key: category } }
}

/** @param isExpanded adds the fields of the screens */
export function listTransitions(workflow: Workflow, { status }: Movable, isExpanded: boolean): object[] {
  return (workflow.transitions[status] ?? []).map(({ id, name, to, resolutions, required = {} }) => ({
    id,
    name,
    to: statusResponse(workflow, to),
    hasScreen: resolutions !== undefined || Object.keys(required).length > 0,
    isAvailable: true,
    ...(isExpanded ? { fields: screenFields(resolutions, required) } : {}),
  }))
}

function screenFields(resolutions: string[] | undefined, required: NonNullable<Transition['required']>) {
  const others = Object.entries(required).map(([key, field]) => [key, requiredField(key, field)])
  const allowedValues = resolutions?.map((name) => ({ name }))
  return {
    // The values of some fields are text.
    customfield_10011: { required: false, allowedValues: ['red', 'blue'] },
    ...(allowedValues ? { resolution: { required: false, allowedValues } } : {}),
    ...Object.fromEntries(others),
  }
}

/** Moves an issue, or returns the errors by field. An error without a field has the empty name. */
export function move({ transitions }: Workflow, issue: Movable, body: unknown): Record<string, string> {
  const {
    transition,
    fields = {},
    update = {},
  } = body as {
    transition?: { id?: string }
    fields?: { resolution?: { name?: string }; [field: string]: unknown }
    update?: Record<string, { add?: string }[]>
  }
  const chosen = (transitions[issue.status] ?? []).find(({ id }) => id === transition?.id)
  if (!chosen) {
    return {
      '': 'It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.',
    }
  }
  const { required = {} } = chosen
  const values = { ...issue.fields, ...fields, ...update }
  const missing = Object.entries(required).filter(([key]) => values[key] === undefined)
  if (missing.length > 0) {
    return Object.fromEntries(missing.map(([key, { name }]) => [key, `${name} is required.`]))
  }
  for (const key of Object.keys({ ...fields, ...update }).filter((key) => key !== 'resolution')) {
    if (!(key in required)) return { [key]: `Field '${key}' cannot be set.` }
    if (fields[key] !== undefined) issue.fields[key] = fields[key]
  }
  const added = (update['labels'] ?? []).map(({ add }) => String(add))
  issue.fields['labels'] = [...new Set([...(issue.fields['labels'] as string[]), ...added])]
  if (fields.resolution) {
    if (!chosen.resolutions && !required['resolution']) {
      return { resolution: "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown." }
    }
    const known = chosen.resolutions ?? required['resolution']?.values?.map((value) => (value as { name: string }).name)
    if (!known?.includes(fields.resolution.name ?? '')) {
      return { resolution: `Resolution name '${fields.resolution.name}' is not valid` }
    }
    issue.fields['resolution'] = fields.resolution
  }
  issue.status = chosen.to
  return {}
}

/** The metadata of a field of a screen. */
function requiredField(key: string, { name, values }: { name: string; values?: unknown[] }) {
  const allowed = values ? { allowedValues: values } : {}
  return {
    key,
    name,
    required: true,
    hasDefaultValue: false,
    operations: ['set'],
    schema: { type: 'string' },
    ...allowed,
  }
}
