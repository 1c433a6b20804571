import { join } from 'node:path'
import { APPLICATION } from '../project/roots.ts'

/** Contains one folder per bundle. */
export const dist = join(APPLICATION, 'dist')

/** The bundle of the function that receives notifications. */
export const events = 'events'
/** The bundle of the function that makes the calls of rules. */
export const dispatch = 'dispatch'
/** The bundle of the function that finishes the tasks that Lambda ended. */
export const finisher = 'finisher'
/** The bundle of the function that answers for the policy of today. */
export const policy = 'policy'
/** The bundle of the function that asks GitHub to send failed deliveries again. */
export const redeliver = 'redeliver'
/** The bundle of the function that sets and lifts stops. */
export const stops = 'stops'
/** The bundle of the functions that verify a deployment. */
export const verify = 'verify'

/** The bundle of the function that agents call. */
export const mcp = 'mcp'
/** In its folder: the tools for agents. */
export const toolsFile = 'tools.json'

/** In the folder of each category: the bundle of its webhook, without the extension. */
export const webhookBundle = 'webhook-bundle'
/** In the folder of each category: the file of its webhook that Lambda loads. */
export const webhookFile = 'webhook.mjs'

/** In the folder of each bundle: the licenses of its packages. */
export const licensesFile = 'THIRD-PARTY-LICENSES.txt'
/** In `dist/`: the packages of all bundles, in CycloneDX. */
export const bomFile = 'sbom.cdx.json'
