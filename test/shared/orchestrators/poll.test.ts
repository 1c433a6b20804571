import { orchestratorConformance } from '../../conformance/orchestrator.ts'

orchestratorConformance('poll', { body: { id: 'run-42' }, required: ['id'], sends: [] })
