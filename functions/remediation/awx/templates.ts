import * as z from 'zod/mini'
import { invalidInput, refused } from '../../../shared/errors.ts'
import { optional } from '../../../shared/fields.ts'
import type { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import type { StartJob } from '../../../shared/providers/job.ts'

const template = z.object({
  id: z.int(),
  name: z.string(),
  ask_variables_on_launch: optional(z.boolean()),
  ask_scm_branch_on_launch: optional(z.boolean()),
  survey_enabled: optional(z.boolean()),
})
const templates = z.object({ count: z.int(), results: z.array(template) })
const survey = z.object({ spec: optional(z.array(z.object({ variable: z.string(), type: z.string() }))) })

/** The variable that stores the idempotency key. A playbook ignores variables that it does not use. */
export const KEY_VARIABLE = 'cloud_automation_webhooks_key'
/** AWX stores and returns the answers to questions of these types unchanged. */
const readableTypes = ['text', 'textarea']

export type TemplateKind = 'job' | 'workflow'
const paths = { job: 'job_templates', workflow: 'workflow_job_templates' } as const

/**
 * Parses `workflow/<name or id>`, `job/<name or id>` or the name or id of a job template.
 *
 * @throws Failure `invalid`
 */
export function parseTarget(target: string): { kind: TemplateKind; name: string } {
  const [, kind = 'job', name = ''] = /^(?:(job|workflow)\/)?(.*)$/s.exec(target) ?? []
  if (name.trim() === '')
    throw invalidInput('input.target', 'must be the name or id of a job template, or workflow/<name or id>')
  return { kind: kind as TemplateKind, name }
}

/** A template and the variables that it prompts for on launch. */
interface Template {
  id: number
  name: string
  /** The path in the API. */
  path: string
  promptsForBranch: boolean
  promptsForVariables: boolean
  questions: { variable: string; type: string }[]
}

/** @throws Failure `refused` if there is not exactly one */
export async function getTemplate(http: Http, api: string, input: StartJob): Promise<Template> {
  const { kind, name } = parseTarget(input.target)
  const path = `${api}/${paths[kind]}/`
  const found = /^\d{1,15}$/.test(name)
    ? (await http.get(`${path}${segment(name)}/`, { schema: template })).body
    : await findTemplate(http, path, name, input.project)
  const questions = found.survey_enabled
    ? (await http.get(`${path}${segment(found.id)}/survey_spec/`, { schema: survey })).body.spec
    : []
  return {
    id: found.id,
    name: found.name,
    path: `${path}${segment(found.id)}/`,
    promptsForBranch: found.ask_scm_branch_on_launch ?? false,
    promptsForVariables: found.ask_variables_on_launch ?? false,
    questions: questions ?? [],
  }
}

/** Whether a variable can store the idempotency key. AWX does not return, for example, the answer to a password question. */
export function canStoreKey({ promptsForVariables, questions }: Template): boolean {
  const question = questions.find(({ variable }) => variable === KEY_VARIABLE)
  return question ? readableTypes.includes(question.type) : promptsForVariables
}

/**
 * Refuses parameters and refs that the template does not prompt for: AWX would launch it without them.
 *
 * @throws Failure `refused`
 */
export function refuseIgnored(template: Template, input: StartJob): void {
  const ignored = ignoredInput(template, input)
  if (ignored) throw refused(`AWX would ignore ${ignored}. Nothing was launched.`)
}

function ignoredInput(
  { name, promptsForBranch, promptsForVariables, questions }: Template,
  { parameters = {}, ref }: StartJob,
): string | undefined {
  if (ref !== undefined && !promptsForBranch)
    return `the ref ${ref}, because the template "${name}" does not prompt for a branch on launch`
  const prompted = questions.map(({ variable }) => variable)
  const others = promptsForVariables ? [] : Object.keys(parameters).filter((variable) => !prompted.includes(variable))
  if (others.length === 0) return undefined
  const prompts = `prompts for these variables on launch: ${prompted.join(', ') || 'none'}`
  return `the parameter ${others.join(', ')}, because the template "${name}" ${prompts}`
}

/** @throws Failure `refused` if there is not exactly one */
async function findTemplate(http: Http, path: string, name: string, organization: string | undefined) {
  const query = { name, organization__name: organization, page_size: 2 }
  const { results } = (await http.get(path, { query, schema: templates })).body
  const [found, another] = results
  if (found && !another) return found
  const scope = organization === undefined ? '' : ` in the organization ${organization}`
  const reason = found
    ? `has several templates "${name}"${scope}. Use the id, or send the organization as project`
    : `has no template "${name}"${scope}`
  throw refused(`AWX ${reason}.`)
}
