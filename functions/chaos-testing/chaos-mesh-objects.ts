import * as z from 'zod/mini'
import { Failure } from '../../shared/errors.ts'
import { isAllowed, refuseOutside } from './blast-radius.ts'

/**
 * The kinds that select pods by their namespaces, and where a template of a workflow holds theirs. Those that reach clouds
 * and machines are not here: no namespace bounds them.
 */
const fields = {
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
const kinds = Object.keys(fields) as (keyof typeof fields)[]
/** What happens at once and can not be taken back, so that it lasts no time. */
const oneShots = ['pod-kill', 'container-kill']
/** What may stand in a workflow beside faults: it injects nothing, and runs no container. */
const steps = ['Serial', 'Parallel', 'Suspend', 'StatusCheck']
const everyStepHas = ['name', 'templateType', 'deadline', 'children', 'statusCheck', 'abortWithStatusCheck']

const namespace = z.string().check(z.regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a namespace of Kubernetes'))
const selector = spelled({
  namespaces: z.nullish(z.array(namespace)),
  pods: z.nullish(z.record(namespace, z.array(z.string()))),
})
const fault = spelled({
  action: z.optional(z.string()),
  duration: z.optional(z.string()),
  remoteCluster: z.optional(z.string()),
  selector,
  // Other pods for the network, a word for HTTP.
  target: z.optional(z.union([spelled({ selector }), z.string()])),
})
type Fault = z.output<typeof fault>
const step = z.looseObject({ name: z.string(), templateType: z.string(), deadline: z.optional(z.string()) })
type Step = z.output<typeof step>

const words = z.record(z.string(), z.string())
const head = {
  apiVersion: z.literal('chaos-mesh.org/v1alpha1'),
  // Its name is given here.
  metadata: z.object({ namespace, labels: z.optional(words), annotations: z.optional(words) }),
}

/** An object of Chaos Mesh as in its YAML: an experiment, or a workflow of some. */
export const chaosTemplate = z.discriminatedUnion('kind', [
  z.object({ ...head, kind: z.enum(kinds), spec: fault }),
  z.object({
    ...head,
    kind: z.literal('Workflow'),
    spec: z.object({ entry: z.string(), templates: z.array(step).check(z.minLength(1)) }),
  }),
])

/** Fields of which some are checked. Chaos Mesh reads their names in any case: another spelling would be another way in. */
function spelled<S extends z.core.$ZodLooseShape>(shape: S) {
  const names = Object.keys(shape)
  const isSpelled = (key: string) =>
    names.includes(key) || (/^\w+$/.test(key) && !names.some((name) => name.toLowerCase() === key.toLowerCase()))
  return z
    .looseObject(shape)
    .check(z.refine((value) => Object.keys(value).every(isSpelled), { message: 'has a field in another spelling' }))
}

/** What a connection says of its experiments. */
interface Bounds {
  templates: Record<string, z.output<typeof chaosTemplate>>
  /** Namespaces. */
  allow: readonly string[]
  maxDuration: string
}

/** What a call asks for. */
interface Asked {
  target: string
  project?: string | undefined
  parameters?: Record<string, unknown> | undefined
}

/**
 * The object that a call asks for, but for its name: its template, with the namespace and the duration of the call. It ends by
 * itself, and touches no pods but those of namespaces that are allowed.
 *
 * @throws Failure `invalid`, or `refused` for what the connection does not allow
 */
export function objectOf(bounds: Bounds, asked: Asked) {
  const { templates, allow } = bounds
  const template = Object.hasOwn(templates, asked.target) ? templates[asked.target] : undefined
  if (!template) {
    const known = Object.keys(templates).join(', ') || 'none'
    throw invalid('target', `is no template of the connection, which has ${known}`)
  }
  const { apiVersion, metadata, kind } = template
  if (asked.project !== undefined && !z.safeParse(namespace, asked.project).success)
    throw invalid('project', 'is no namespace: write it like shop')
  const place = asked.project ?? metadata.namespace
  if (asked.project !== undefined) refuseOutside(allow, place, 'project')
  else if (!isAllowed(allow, place)) throw forbidden(`is made in the namespace ${place}, ${outside(allow)}`)
  const made = { apiVersion, kind, metadata: { ...metadata, namespace: place } }
  const duration = durationAsked(asked, bounds)
  if (template.kind !== 'Workflow') {
    const lasting = lastingOf(template.kind, template.spec, duration, bounds)
    return { ...made, spec: within(place, lasting, allow) }
  }
  if (duration !== undefined)
    throw invalid('parameters', 'must not set duration, since a workflow lasts as long as its deadlines say')
  return { ...made, spec: workflowOf(place, template.spec, bounds) }
}

function durationAsked({ parameters = {} }: Asked, { maxDuration }: Bounds): string | undefined {
  const others = Object.keys(parameters).filter((name) => name !== 'duration')
  if (others.length > 0) throw invalid('parameters', `may set duration alone, and not ${others.join(', ')}`)
  const { duration } = parameters
  if (duration === undefined) return undefined
  if (typeof duration !== 'string' || secondsOf(duration) === undefined)
    throw invalid('parameters.duration', 'is no duration: write it like 90s or 1m30s')
  if (isLonger(duration, maxDuration))
    throw refused('parameters.duration', `is ${duration}, and the connection allows ${maxDuration} (maxDuration)`)
  return duration
}

/** A fault that ends by itself. */
function lastingOf(kind: string, spec: Fault, asked: string | undefined, { maxDuration }: Bounds): Fault {
  if (isOneShot(kind, spec)) {
    if (asked === undefined) return spec
    throw invalid('parameters', `must not set duration, since ${spec.action} happens at once`)
  }
  const duration = asked ?? spec.duration
  bound('the template', 'duration', duration, maxDuration)
  return { ...spec, duration }
}

function workflowOf(place: string, { entry, templates }: { entry: string; templates: Step[] }, bounds: Bounds) {
  const first = templates.find(({ name }) => name === entry)
  // The deadline of the entry ends whatever it began.
  bound(`the entry ${entry}`, 'deadline', first?.deadline, bounds.maxDuration)
  return { entry, templates: templates.map((one) => stepWithin(place, one, bounds)) }
}

function stepWithin(place: string, one: Step, { allow, maxDuration }: Bounds): Step {
  const { name, templateType } = one
  const field = kinds.find((kind) => kind === templateType) && fields[templateType as keyof typeof fields]
  if (field === undefined && !steps.includes(templateType))
    throw forbidden(`has ${name} of the type ${templateType}, which allow does not bound`)
  const other = Object.keys(one).find((key) => key !== field && !everyStepHas.includes(key))
  if (other !== undefined) throw forbidden(`has ${name} with ${other}, which is nothing that a ${templateType} has`)
  if (field === undefined) return one
  bound(name, 'deadline', one.deadline, maxDuration)
  const parsed = z.safeParse(fault, one[field])
  if (!parsed.success) throw forbidden(`has ${name} with ${wrongIn(field, parsed.error)}`)
  return { ...one, [field]: within(place, parsed.data, allow) }
}

function wrongIn(field: string, { issues: [issue] }: z.core.$ZodError): string {
  return `a ${[field, ...(issue?.path ?? [])].join('.')} that is wrong: ${issue?.message}`
}

/** The fault with its namespaces written out: without them, only an admission webhook keeps it within its own. */
function within(place: string, spec: Fault, allow: readonly string[]): Fault {
  if (spec.remoteCluster !== undefined)
    throw forbidden('names a remoteCluster, whose namespaces are others than those that are allowed')
  const { selector, target } = spec
  return {
    ...spec,
    selector: selected(place, selector, allow),
    ...(typeof target === 'object' ? { target: { ...target, selector: selected(place, target.selector, allow) } } : {}),
  }
}

function selected(place: string, given: Fault['selector'], allow: readonly string[]): Fault['selector'] {
  const namespaces = given.namespaces?.length ? given.namespaces : [place]
  const other = [...namespaces, ...Object.keys(given.pods ?? {})].find((one) => !isAllowed(allow, one))
  if (other !== undefined) throw forbidden(`selects pods of the namespace ${other}, ${outside(allow)}`)
  return { ...given, namespaces }
}

function outside(allow: readonly string[]): string {
  return `which is outside of the blast radius: the connection allows ${allow.join(', ')}`
}

function isOneShot(kind: string, { action }: Fault): boolean {
  return kind === 'PodChaos' && oneShots.includes(action ?? '')
}

function bound(what: string, name: 'duration' | 'deadline', value: string | undefined, most: string): void {
  if (value === undefined) throw forbidden(`lets ${what} go on until somebody ends it: it needs a ${name}, like 60s`)
  if (secondsOf(value) === undefined) throw forbidden(`gives ${what} the ${name} "${value}", which is none: write 60s`)
  if (isLonger(value, most))
    throw forbidden(`gives ${what} the ${name} ${value}, and the connection allows ${most} (maxDuration)`)
}

const units: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600 }

/** The seconds of a duration as Go writes them, `1m30s`; undefined for what is none, or no time. */
export function secondsOf(duration: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,9})?(ns|us|µs|ms|s|m|h)){1,7}$/.test(duration)) return undefined
  const parts = [...duration.matchAll(/([\d.]+)([a-zµ]+)/g)]
  const seconds = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0), 0)
  return seconds > 0 ? seconds : undefined
}

function isLonger(duration: string, most: string): boolean {
  return (secondsOf(duration) ?? 0) > (secondsOf(most) ?? 0)
}

/** What is wrong with the template, which its connection's secret holds. */
function forbidden(message: string): Failure {
  return refused('target', `names a template that ${message}`)
}

function refused(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('refused', `${path} ${message}.`, { errors: [{ path, message }] })
}

export function invalid(field: string, message: string): Failure {
  const path = `input.${field}`
  return new Failure('invalid', `${path} ${message}.`, { errors: [{ path, message }] })
}
