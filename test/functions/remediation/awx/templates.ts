interface Question {
  variable: string
  type: string
  required: boolean
}

export interface Template {
  id: number
  type: 'job_template' | 'workflow_job_template'
  name: string
  organization: string
  ask_variables_on_launch: boolean
  ask_scm_branch_on_launch: boolean
  survey_enabled: boolean
  job_slice_count: number
  /** Not part of a response. */
  survey: Question[]
  /** Passwords that a launch must contain. */
  passwords: string[]
}

export const restart = { id: 12, name: 'Restart web' }

export function defaultTemplates(): Template[] {
  return [
    template(restart.id, restart.name, { ask_variables_on_launch: true, ask_scm_branch_on_launch: true }),
    template(13, 'Clear cache', {
      survey_enabled: true,
      survey: [
        { variable: 'host', type: 'text', required: true },
        { variable: 'minutes', type: 'integer', required: false },
      ],
    }),
    template(14, 'Patch', { ask_variables_on_launch: true, job_slice_count: 2 }),
    template(20, 'Recover/shop', { type: 'workflow_job_template', ask_variables_on_launch: true }),
    template(21, restart.name, { organization: 'Ops', ask_variables_on_launch: true }),
  ]
}

function template(id: number, name: string, what: Partial<Template>): Template {
  return {
    id,
    type: 'job_template',
    name,
    organization: 'Default',
    ask_variables_on_launch: false,
    ask_scm_branch_on_launch: false,
    survey_enabled: false,
    job_slice_count: 1,
    survey: [],
    passwords: [],
    ...what,
  }
}

export function templateResponse({ survey: _, passwords: __, organization, ...template }: Template) {
  return { ...template, summary_fields: { organization: { name: organization } } }
}

export function surveyResponse({ survey }: Template) {
  return survey.length > 0 ? { name: '', description: '', spec: survey } : {}
}

export function surveyErrors({ survey_enabled, survey }: Template, given: Record<string, unknown>): string[] {
  if (!survey_enabled) return []
  return survey.flatMap(({ variable, type, required }) => {
    const value = given[variable]
    if (value === undefined) return required ? [`'${variable}' value missing`] : []
    const wanted = type === 'integer' ? 'number' : 'string'
    const named = type === 'integer' ? 'an integer' : 'a string'
    return typeof value === wanted ? [] : [`Value ${value} for '${variable}' expected to be ${named}.`]
  })
}
