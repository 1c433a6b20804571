import type { Reply } from '../../../../infra/testing/loopback-server.ts'

interface WorkItemState {
  name: string
  category: 'Proposed' | 'InProgress' | 'Resolved' | 'Completed' | 'Removed'
}

export interface WorkItemType {
  name: string
  states: WorkItemState[]
  /** The fields that not every type has. */
  fields: string[]
}

export interface WorkItem {
  id: number
  rev: number
  fields: Record<string, unknown>
  comments: { id: number; text: string }[]
}

/** The part of the state that the rules for fields read. */
interface RulesState {
  items: WorkItem[]
  types: WorkItemType[]
  users: string[]
  addReplacesTags: boolean
  mayMakeTags: boolean
}

/** A part of a JSON patch. */
export interface Operation {
  op?: string
  path?: string
  value?: unknown
}

export const PROJECT = 'Fabrikam Fiber'
export const PRIORITY = 'Microsoft.VSTS.Common.Priority'
/** The fields that every type has. */
export const COMMON_FIELDS = [
  'Title',
  'Description',
  'State',
  'Reason',
  'Tags',
  'AssignedTo',
  'WorkItemType',
  'AreaPath',
].map((name) => `System.${name}`)

const AGILE: WorkItemState[] = [
  { name: 'New', category: 'Proposed' },
  { name: 'Active', category: 'InProgress' },
  { name: 'Resolved', category: 'Resolved' },
  { name: 'Closed', category: 'Completed' },
  { name: 'Removed', category: 'Removed' },
]

/** Returns the types of a process that resembles Agile. */
export function agileTypes(): WorkItemType[] {
  return [
    { name: 'Task', states: AGILE.filter(({ name }) => name !== 'Resolved'), fields: [PRIORITY] },
    {
      name: 'Bug',
      states: AGILE.filter(({ name }) => name !== 'Removed'),
      fields: [PRIORITY, 'Microsoft.VSTS.Common.Severity', 'Microsoft.VSTS.TCM.ReproSteps'],
    },
    { name: 'User Story', states: [...AGILE], fields: [PRIORITY, 'Microsoft.VSTS.Common.AcceptanceCriteria'] },
  ]
}

export function refuse(status: number, message: string, typeKey: string): Reply {
  return { status, body: { $id: '1', innerException: null, message, typeKey, errorCode: 0, eventId: 3000 } }
}

/** Returns the type with a name in any case. */
export function findType({ types }: Pick<RulesState, 'types'>, name: unknown): WorkItemType | undefined {
  return types.find((type) => type.name.toLowerCase() === String(name).toLowerCase())
}

export function unknownType(name: unknown): Reply {
  const message = `VS402323: Work item type ${name} does not exist in project ${PROJECT} or you do not have permission to access it.`
  return refuse(404, message, 'WorkItemTypeNotFoundException')
}

export function tagsOf(fields: Record<string, unknown>): string[] {
  const tags = String(fields['System.Tags'] ?? '').split(/[;,]/)
  return tags.map((tag) => tag.trim()).filter(Boolean)
}

/** Applies a JSON patch to a work item, or returns the refusal and changes nothing. */
export function patchItem(state: RulesState, item: WorkItem, operations: Operation[]): Reply | undefined {
  const fields = { ...item.fields }
  for (const { op, path = '', value } of operations) {
    if (op === 'test' && path === '/rev') {
      if (value === item.rev) continue
      const message = `VS403351: Test Operation for path /rev failed, value ${item.rev} was not equal to test value ${value}.`
      return refuse(412, message, 'TestPatchOperationFailedException')
    }
    const [, name = ''] = /^\/fields\/(.+)$/.exec(path) ?? []
    const known = [...COMMON_FIELDS, ...state.types.flatMap((type) => type.fields)]
    if (op !== 'add' || !known.includes(name)) return breaksRule(`TF51535: Cannot find field ${name}.`)
    const tags = state.addReplacesTags ? [] : tagsOf(fields)
    fields[name] = name === 'System.Tags' ? [...new Set([...tags, ...tagsOf({ [name]: value })])].join('; ') : value
  }
  const refusal = checkFields(state, fields, item)
  if (refusal) return refusal
  item.rev++
  item.fields = fields
  return undefined
}

function checkFields(state: RulesState, fields: WorkItem['fields'], before: WorkItem): Reply | undefined {
  const type = findType(state, fields['System.WorkItemType'])
  if (!type) return unknownType(fields['System.WorkItemType'])
  const title = String(fields['System.Title'] ?? '')
  if (title === '') return breaksRule('TF401320: Rule Error for field Title. Error code: Required, InvalidEmpty.')
  if (title.length > 255) return breaksRule('TF401324: The value of the field Title is too long.')
  if (title.includes('\n')) return breaksRule('TF401320: Rule Error for field Title. Error code: InvalidCharacters.')
  const itemState = fields['System.State']
  if (!type.states.some(({ name }) => name === itemState)) return unsupported('State', itemState)
  if (![1, 2, 3, 4].includes(fields[PRIORITY] as number)) return unsupported('Priority', fields[PRIORITY])
  const assignee = fields['System.AssignedTo']
  if (typeof assignee === 'string' && !state.users.includes(assignee))
    return breaksRule(`The identity value '${assignee}' for field 'Assigned To' is an unknown identity.`)
  if (fields['System.Reason'] !== before.fields['System.Reason'] && itemState === before.fields['System.State'])
    return breaksRule('TF401320: Rule Error for field Reason. Error code: ReadOnly.')
  const known = state.items.flatMap((item) => tagsOf(item.fields))
  if (state.mayMakeTags || tagsOf(fields).every((tag) => known.includes(tag))) return undefined
  const message = 'TF401289: The current user does not have permissions to create tags.'
  return refuse(403, message, 'CreateTagDefinitionPermissionException')
}

function unsupported(field: string, value: unknown): Reply {
  return breaksRule(`The field '${field}' contains the value '${value}' that is not in the list of supported values`)
}

function breaksRule(message: string): Reply {
  return refuse(400, message, 'RuleValidationException')
}
