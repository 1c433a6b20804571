import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { optional } from '../../shared/fields.ts'
import type { Http } from '../../shared/http/client.ts'
import { segment } from '../../shared/http/segment.ts'
import type { StartJob } from '../../shared/providers/job.ts'

const template = z.object({
  id: z.int(),
  name: z.string(),
  ask_variables_on_launch: optional(z.boolean()),
  ask_scm_branch_on_launch: optional(z.boolean()),
  survey_enabled: optional(z.boolean()),
})
const templates = z.object({ count: z.int(), results: z.array(template) })
const survey = z.object({ spec: optional(z.array(z.object({ variable: z.string(), type: z.string() }))) })

/** The variable that carries the key of a call: what a playbook does not know does no harm. */
export const keyVariable = 'cloud_automation_webhooks_key'
/** Answers to questions of these types are kept, and shown, as they are. */
const plainTypes = ['text', 'textarea']

export type Kind = 'job' | 'workflow'
const places = { job: 'job_templates', workflow: 'workflow_job_templates' } as const

/**
 * The template that is meant, by its name or its id.
 *
 * @throws Failure `invalid`
 */
export function templateNamed(target: string): { kind: Kind; name: string } {
  const [, kind = 'job', name = ''] = /^(?:(job|workflow)\/)?(.*)$/s.exec(target) ?? []
  if (name.trim() === '') throw invalid('target', 'names no template: write its name or id, or workflow/<name or id>')
  return { kind: kind as Kind, name }
}

/** A template, and what it asks for on launch. */
interface Template {
  id: number
  name: string
  /** Where it is. */
  path: string
  asksForBranch: boolean
  asksForVariables: boolean
  questions: { variable: string; type: string }[]
}

/** @throws Failure `refused` where there is no such template, or several */
export async function templateOf(http: Http, api: string, input: StartJob): Promise<Template> {
  const { kind, name } = templateNamed(input.target)
  const path = `${api}/${places[kind]}/`
  const found = /^\d{1,15}$/.test(name)
    ? (await http.get(`${path}${segment(name)}/`, { schema: template })).body
    : await templateCalled(http, path, name, input.project)
  const asked = found.survey_enabled
    ? (await http.get(`${path}${segment(found.id)}/survey_spec/`, { schema: survey })).body.spec
    : []
  return {
    id: found.id,
    name: found.name,
    path: `${path}${segment(found.id)}/`,
    asksForBranch: found.ask_scm_branch_on_launch ?? false,
    asksForVariables: found.ask_variables_on_launch ?? false,
    questions: asked ?? [],
  }
}

/** Whether a variable can carry the key of a call: the answer to a password question, for one, is not shown again. */
export function takesKey({ asksForVariables, questions }: Template): boolean {
  const question = questions.find(({ variable }) => variable === keyVariable)
  return question ? plainTypes.includes(question.type) : asksForVariables
}

/**
 * What a template does not ask for, AWX leaves out and launches all the same.
 *
 * @throws Failure `refused`
 */
export function refuseIgnored(template: Template, input: StartJob): void {
  const ignored = ignoredOf(template, input)
  if (ignored) throw new Failure('refused', `AWX would ignore ${ignored}. Nothing was launched.`)
}

function ignoredOf(
  { name, asksForBranch, asksForVariables, questions }: Template,
  { parameters = {}, ref }: StartJob,
): string | undefined {
  if (ref !== undefined && !asksForBranch)
    return `the ref ${ref}, since the template "${name}" does not ask for a branch on launch`
  const asked = questions.map(({ variable }) => variable)
  const others = asksForVariables ? [] : Object.keys(parameters).filter((variable) => !asked.includes(variable))
  if (others.length === 0) return undefined
  const asks = `asks for these variables on launch: ${asked.join(', ') || 'none'}`
  return `the parameter ${others.join(', ')}, since the template "${name}" ${asks}`
}

/** @throws Failure `refused` where there is not exactly one */
async function templateCalled(http: Http, path: string, name: string, organization: string | undefined) {
  const query = { name, organization__name: organization, page_size: 2 }
  const { results } = (await http.get(path, { query, schema: templates })).body
  const [found, another] = results
  if (found && !another) return found
  const where = organization === undefined ? '' : ` in the organization ${organization}`
  const why = found
    ? `several templates "${name}"${where}: write the id, or the organization as project`
    : `no template "${name}"${where}`
  throw new Failure('refused', `AWX shows ${why}.`)
}

export function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
