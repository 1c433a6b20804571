import * as z from 'zod/mini'
import { refused } from '../errors.ts'
import { segment } from '../http/segment.ts'
import { type AzureDevops, ask } from './azure-devops.ts'

const workItem = z.object({
  id: z.int(),
  rev: z.int(),
  fields: z.object({
    'System.WorkItemType': z.string(),
    'System.State': z.string(),
    'System.Tags': z.optional(z.string()),
  }),
})
/** The fields of a work item that we read. */
export type WorkItem = z.output<typeof workItem>
const state = z.object({ name: z.string(), category: z.string() })
type State = z.output<typeof state>
const states = z.object({ value: z.array(state) })
const typeFields = z.object({ value: z.array(z.object({ referenceName: z.string() })) })

/** Values by the reference names of fields. */
export type Fields = Record<string, unknown>

/** Identifies a work item. */
export interface Place {
  project: string
  number: string
}

/** Attempts for a change that conflicts with other changes. */
const MAX_ATTEMPTS = 4
const REPRO_STEPS = 'Microsoft.VSTS.TCM.ReproSteps'

/** Reads a work item. */
export async function readItem(azure: AzureDevops, { project, number }: Place): Promise<WorkItem> {
  return (await ask(azure, 'GET', project, `wit/workitems/${segment(number)}`, { schema: workItem })).body
}

/** @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-items/create */
export async function createItem(azure: AzureDevops, project: string, type: string, fields: Fields): Promise<WorkItem> {
  const path = `wit/workitems/$${segment(type)}`
  return (await ask(azure, 'POST', project, path, { ...patch(adding(fields)), schema: workItem })).body
}

/**
 * Changes a work item. Reads it again and retries if another change conflicts.
 *
 * @param changesOf returns the values to set for the current work item; if there are none, nothing is sent
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-items/update
 */
export async function reviseItem(azure: AzureDevops, place: Place, changesOf: (item: WorkItem) => Promise<Fields>) {
  for (let attempt = 1; ; attempt++) {
    const item = await readItem(azure, place)
    const changes = await changesOf(item)
    if (Object.keys(changes).length === 0) return
    const { status } = await ask(azure, 'PATCH', place.project, `wit/workitems/${segment(place.number)}`, {
      ...patch([{ op: 'test', path: '/rev', value: item.rev }, ...adding(changes)]),
      accept: attempt < MAX_ATTEMPTS ? [409, 412] : [],
      schema: workItem,
    })
    if (status < 400) return
  }
}

function patch(operations: { op: 'add' | 'test'; path: string; value: unknown }[]) {
  return { body: operations, headers: { 'content-type': 'application/json-patch+json' } }
}

function adding(fields: Fields) {
  return Object.entries(fields).map(([name, value]) => {
    const pointer = name.replaceAll('~', '~0').replaceAll('/', '~1')
    return { op: 'add' as const, path: `/fields/${pointer}`, value }
  })
}

/**
 * Returns the field for the description. The form of a bug shows the steps to reproduce instead of the description.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-item-types-field/list
 */
export async function textFieldOf(azure: AzureDevops, project: string, type: string): Promise<string> {
  const path = `wit/workitemtypes/${segment(type)}/fields`
  const { body } = await ask(azure, 'GET', project, path, { schema: typeFields })
  return body.value.some(({ referenceName }) => referenceName === REPRO_STEPS) ? REPRO_STEPS : 'System.Description'
}

/**
 * Returns the states of a work item type, in the order of its process.
 *
 * @see https://learn.microsoft.com/en-us/rest/api/azure/devops/wit/work-item-type-states/list
 */
export async function statesOf(azure: AzureDevops, project: string, type: string): Promise<State[]> {
  const path = `wit/workitemtypes/${segment(type)}/states`
  return (await ask(azure, 'GET', project, path, { schema: states })).body.value
}

/** Returns whether a state is a closed one, independent of the process. */
export function isClosed(states: State[], name: string | undefined): boolean {
  return ['Completed', 'Removed'].includes(states.find((state) => is(state.name, name))?.category ?? '')
}

/**
 * Returns the state to set.
 *
 * @param wanted `open` or `closed` for a category of states, or the name of a state
 * @returns undefined if the work item already has it; started and resolved work counts as open
 * @throws Failure `refused` with the states of the type
 */
export function stateFor(states: State[], now: string, wanted: string): string | undefined {
  const neutral = ['open', 'closed'].includes(wanted.toLowerCase())
  if (is(now, wanted) || (neutral && is('closed', wanted) === isClosed(states, now))) return undefined
  const first = (category: string) => states.find((state) => state.category === category)
  const target = !neutral
    ? states.find(({ name }) => is(name, wanted))
    : is('closed', wanted)
      ? first('Completed')
      : (first('Proposed') ?? first('InProgress'))
  if (target) return target.name
  const names = states.map(({ name }) => name).join(', ')
  throw refused(`Azure Boards has no state ${wanted} for work items of this type. States: ${names}.`)
}

function is(name: string, wanted: string | undefined): boolean {
  return name.toLowerCase() === wanted?.toLowerCase()
}
