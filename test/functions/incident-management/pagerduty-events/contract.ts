import type { Contract } from '../../../contract/contract.ts'

export const contracts = [{ contract: 'pagerduty-events', known: /must match format "url"/ }] satisfies Contract[]
