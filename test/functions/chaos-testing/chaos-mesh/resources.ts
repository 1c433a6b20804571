interface Template {
  name: string
  templateType: string
  deadline?: string
  abortWithStatusCheck?: boolean
  [field: string]: unknown
}

export interface Chaos {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  spec: Record<string, unknown> & { entry?: string; templates?: Template[]; mode?: string; duration?: string }
}

export const FAULT_KINDS = [
  'BlockChaos',
  'DNSChaos',
  'HTTPChaos',
  'IOChaos',
  'JVMChaos',
  'KernelChaos',
  'NetworkChaos',
  'PodChaos',
  'StressChaos',
  'TimeChaos',
  'AWSChaos',
  'AzureChaos',
  'GCPChaos',
]
const MODES = ['one', 'all', 'fixed', 'fixed-percent', 'random-max-percent']

/** Returns why the cluster rejects a fault, if it does. */
export function faultError(kind: string, name: string, { mode, duration }: Chaos['spec']): string | undefined {
  if (!MODES.includes(mode ?? '')) {
    const known = MODES.map((one) => `"${one}"`).join(', ')
    return `${kind}.chaos-mesh.org "${name}" is invalid: spec.mode: Unsupported value: "${mode ?? ''}": supported values: ${known}`
  }
  if (duration === undefined || /^\d/.test(duration)) return undefined
  return `admission webhook "v${kind.toLowerCase()}.kb.io" denied the request: spec.duration: Invalid value: "${duration}"`
}

/** Returns why the cluster rejects a workflow, if it does. */
export function workflowError({ entry, templates = [] }: Chaos['spec']): string | undefined {
  const denied = 'admission webhook "vworkflow.kb.io" denied the request:'
  if (!templates.some(({ name }) => name === entry))
    return `${denied} spec.entry: Invalid value: "${entry}": can not find a template with name ${entry}`
  const lasting = templates.some((one) =>
    Object.values(one).some((field) => typeof field === 'object' && field !== null && 'duration' in field),
  )
  return lasting
    ? `${denied} should not define duration in chaos when using Workflow, use Template#Deadline instead.`
    : undefined
}

/** Returns why the cluster rejects a name, if it does. */
export function nameError(kind: string, name: string): string | undefined {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return undefined
  const rule = 'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'
  return `${kind}.chaos-mesh.org "${name}" is invalid: metadata.name: Invalid value: "${name}": ${rule}`
}
