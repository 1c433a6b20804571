import * as z from 'zod/mini'
import { type Failure, invalidInput, refusedInput } from '../../../shared/errors.ts'
import { isListed } from '../../../shared/providers/allow-list.ts'
import { checkAllowed } from '../blast-radius.ts'

/**
 * The kinds that select pods by namespace, with the field that holds their specification in a workflow template. Kinds that
 * target clouds and machines are not supported: no namespace limits them.
 */
const SPEC_FIELDS = {
  BlockChaos: 'blockChaos',
  DNSChaos: 'dnsChaos',
  HTTPChaos: 'httpChaos',
  IOChaos: 'ioChaos',
  JVMChaos: 'jvmChaos',
  KernelChaos: 'kernelChaos',
  NetworkChaos: 'networkChaos',
  PodChaos: 'podChaos',
  StressChaos: 'stressChaos',
  TimeChaos: 'timeChaos',
} as const
const kinds = Object.keys(SPEC_FIELDS) as (keyof typeof SPEC_FIELDS)[]
/** Actions that take effect immediately and cannot be reverted, so they have no duration. */
const INSTANT_ACTIONS = ['pod-kill', 'container-kill']
/** Workflow template types that inject no fault and run no container. */
const CONTROL_TYPES = ['Serial', 'Parallel', 'Suspend', 'StatusCheck']
const COMMON_FIELDS = ['name', 'templateType', 'deadline', 'children', 'statusCheck', 'abortWithStatusCheck']

const namespace = z.string().check(z.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a Kubernetes namespace'))
const selector = exactFields({
  namespaces: z.nullish(z.array(namespace)),
  pods: z.nullish(z.record(namespace, z.array(z.string()))),
})
const fault = exactFields({
  action: z.optional(z.string()),
  duration: z.optional(z.string()),
  remoteCluster: z.optional(z.string()),
  selector,
  // Other pods for NetworkChaos, a word for HTTPChaos.
  target: z.optional(z.union([exactFields({ selector }), z.string()])),
})
type Fault = z.output<typeof fault>
const step = z.looseObject({ name: z.string(), templateType: z.string(), deadline: z.optional(z.string()) })
type Step = z.output<typeof step>

const strings = z.record(z.string(), z.string())
const commonFields = {
  apiVersion: z.literal('chaos-mesh.org/v1alpha1'),
  // Without a name: each run has its own.
  metadata: z.object({ namespace, labels: z.optional(strings), annotations: z.optional(strings) }),
}

/** A Chaos Mesh object as in its YAML: an experiment, or a workflow of experiments. */
export const chaosTemplate = z.discriminatedUnion('kind', [
  z.object({ ...commonFields, kind: z.enum(kinds), spec: fault }),
  z.object({
    ...commonFields,
    kind: z.literal('Workflow'),
    spec: z.object({ entry: z.string(), templates: z.array(step).check(z.minLength(1)) }),
  }),
])

/**
 * Returns an object schema that rejects other spellings of its fields. Chaos Mesh ignores case, so `Namespaces` would bypass
 * the check of `namespaces`.
 */
function exactFields<S extends z.core.$ZodLooseShape>(fields: S) {
  const names = Object.keys(fields)
  const isExact = (field: string) =>
    names.includes(field) || (/^\w+$/.test(field) && !names.some((name) => name.toLowerCase() === field.toLowerCase()))
  return z
    .looseObject(fields)
    .check(z.refine((value) => Object.keys(value).every(isExact), { message: 'has a field with another spelling' }))
}

/** The limits that a connection sets. */
interface Bounds {
  templates: Record<string, z.output<typeof chaosTemplate>>
  /** Namespaces. */
  allow: readonly string[]
  maxDuration: string
}

/** The parts of a call that select and change a template. */
interface Request {
  target: string
  project?: string | undefined
  parameters?: Record<string, unknown> | undefined
}

/**
 * Returns the object to create, without its name: the template with the namespace and duration of the call. It ends by itself
 * and selects only pods of allowed namespaces.
 *
 * @throws Failure `invalid`, or `refused` for anything that the connection does not allow
 */
export function buildObject(bounds: Bounds, request: Request) {
  const { templates, allow } = bounds
  const template = Object.hasOwn(templates, request.target) ? templates[request.target] : undefined
  if (!template) {
    const known = Object.keys(templates).join(', ') || 'none'
    throw invalidInput('input.target', `must be a template of the connection: ${known}`)
  }
  const { apiVersion, metadata, kind } = template
  if (request.project !== undefined && !z.safeParse(namespace, request.project).success)
    throw invalidInput('input.project', 'must be a namespace such as shop')
  const inNamespace = request.project ?? metadata.namespace
  if (request.project !== undefined) checkAllowed(allow, inNamespace, 'project')
  else if (!isListed(inNamespace, allow)) throw refusedTemplate(`is in the namespace ${inNamespace}, ${outside(allow)}`)
  const object = { apiVersion, kind, metadata: { ...metadata, namespace: inNamespace } }
  const duration = requestedDuration(request, bounds)
  if (template.kind !== 'Workflow') {
    const timed = withDuration(template.kind, template.spec, duration, bounds)
    return { ...object, spec: withNamespaces(inNamespace, timed, allow) }
  }
  if (duration !== undefined)
    throw invalidInput('input.parameters', 'must not contain duration: the deadlines of a workflow set its duration')
  return { ...object, spec: workflowSpec(inNamespace, template.spec, bounds) }
}

function requestedDuration({ parameters = {} }: Request, { maxDuration }: Bounds): string | undefined {
  const others = Object.keys(parameters).filter((name) => name !== 'duration')
  if (others.length > 0) throw invalidInput('input.parameters', `may contain only duration, not ${others.join(', ')}`)
  const { duration } = parameters
  if (duration === undefined) return undefined
  if (typeof duration !== 'string' || parseGoDuration(duration) === undefined)
    throw invalidInput('input.parameters.duration', 'must be a duration such as 90s or 1m30s')
  if (isLonger(duration, maxDuration))
    throw refusedInput(
      'input.parameters.duration',
      `is ${duration}, but the connection allows at most ${maxDuration} (maxDuration)`,
    )
  return duration
}

/** Returns the specification of a fault that ends by itself. */
function withDuration(kind: string, spec: Fault, requested: string | undefined, { maxDuration }: Bounds): Fault {
  if (isInstant(kind, spec)) {
    if (requested === undefined) return spec
    throw invalidInput('input.parameters', `must not contain duration: ${spec.action} takes effect immediately`)
  }
  const duration = requested ?? spec.duration
  checkTimeLimit('the template', 'duration', duration, maxDuration)
  return { ...spec, duration }
}

function workflowSpec(inNamespace: string, spec: { entry: string; templates: Step[] }, bounds: Bounds) {
  const { entry, templates } = spec
  const first = templates.find(({ name }) => name === entry)
  // The deadline of the entry ends all of its steps.
  checkTimeLimit(`the entry ${entry}`, 'deadline', first?.deadline, bounds.maxDuration)
  return { entry, templates: templates.map((template) => boundedStep(inNamespace, template, bounds)) }
}

function boundedStep(inNamespace: string, step: Step, { allow, maxDuration }: Bounds): Step {
  const { name, templateType } = step
  const field = kinds.find((kind) => kind === templateType) && SPEC_FIELDS[templateType as keyof typeof SPEC_FIELDS]
  if (field === undefined && !CONTROL_TYPES.includes(templateType))
    throw refusedTemplate(`contains the step ${name} of the type ${templateType}, which allow cannot limit`)
  const other = Object.keys(step).find((key) => key !== field && !COMMON_FIELDS.includes(key))
  if (other !== undefined)
    throw refusedTemplate(`contains the step ${name} with ${other}, which is not a field of ${templateType}`)
  if (field === undefined) return step
  checkTimeLimit(name, 'deadline', step.deadline, maxDuration)
  const parsed = z.safeParse(fault, step[field])
  if (!parsed.success) throw refusedTemplate(`contains the step ${name} with ${describeIssue(field, parsed.error)}`)
  return { ...step, [field]: withNamespaces(inNamespace, parsed.data, allow) }
}

function describeIssue(field: string, { issues: [issue] }: z.core.$ZodError): string {
  return `an invalid ${[field, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`
}

/** Sets the namespaces of all selectors. Without them, only an admission webhook keeps a fault in its own namespace. */
function withNamespaces(inNamespace: string, spec: Fault, allow: readonly string[]): Fault {
  if (spec.remoteCluster !== undefined)
    throw refusedTemplate('sets remoteCluster, but the allowed namespaces are those of the local cluster')
  const { selector, target } = spec
  return {
    ...spec,
    selector: boundedSelector(inNamespace, selector, allow),
    ...(typeof target === 'object'
      ? { target: { ...target, selector: boundedSelector(inNamespace, target.selector, allow) } }
      : {}),
  }
}

function boundedSelector(
  inNamespace: string,
  selector: Fault['selector'],
  allow: readonly string[],
): Fault['selector'] {
  const namespaces = selector.namespaces?.length ? selector.namespaces : [inNamespace]
  const other = [...namespaces, ...Object.keys(selector.pods ?? {})].find((namespace) => !isListed(namespace, allow))
  if (other !== undefined) throw refusedTemplate(`selects pods of the namespace ${other}, ${outside(allow)}`)
  return { ...selector, namespaces }
}

function outside(allow: readonly string[]): string {
  return `which is outside the blast radius: the connection allows ${allow.join(', ')}`
}

function isInstant(kind: string, { action }: Fault): boolean {
  return kind === 'PodChaos' && INSTANT_ACTIONS.includes(action ?? '')
}

function checkTimeLimit(owner: string, name: 'duration' | 'deadline', value: string | undefined, max: string): void {
  if (value === undefined) throw refusedTemplate(`gives ${owner} no time limit: add a ${name} such as 60s`)
  if (parseGoDuration(value) === undefined)
    throw refusedTemplate(`gives ${owner} the invalid ${name} "${value}": use a duration such as 60s`)
  if (isLonger(value, max))
    throw refusedTemplate(`gives ${owner} the ${name} ${value}, but the connection allows at most ${max} (maxDuration)`)
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600 }

/** Returns the seconds of a Go duration such as `1m30s`, or undefined if it is invalid or zero. */
export function parseGoDuration(duration: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,9})?(ns|us|µs|ms|s|m|h)){1,7}$/.test(duration)) return undefined
  const parts = [...duration.matchAll(/([\d.]+)([a-zµ]+)/g)]
  const seconds = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNIT_SECONDS[unit] ?? 0), 0)
  return seconds > 0 ? seconds : undefined
}

function isLonger(duration: string, max: string): boolean {
  return (parseGoDuration(duration) ?? 0) > (parseGoDuration(max) ?? 0)
}

/** Returns the error for a template in the connection's secret that the connection itself does not allow. */
function refusedTemplate(message: string): Failure {
  return refusedInput('input.target', `names a template that ${message}`)
}
